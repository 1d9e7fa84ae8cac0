/** `mcp-client mcp` under the command line of the MCP inspector: `npm run test:peers`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { folderOf } from '../helpers/documents.mjs'
import { listen } from '../helpers/test-server.mjs'

const [MAIN, INSPECTOR] = [
  '../../dist/cli/main.js',
  'inspector/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
].map((path) => fileURLToPath(new URL(path, import.meta.url)))

describe('the command line of the inspector', () => {
  async function inspect(t, args) {
    const { url } = await listen(t, { dialect: 'event', schemas: 'named' })
    // It keeps a catalog of servers in the home folder.
    const env = { ...process.env, MCP_CATALOG_PATH: join(await folderOf(t, { 'none.txt': '' }), 'catalog.json') }
    const all = [INSPECTOR, '--cli', process.execPath, MAIN, 'mcp', url, ...args]
    return JSON.parse((await promisify(execFile)(process.execPath, all, { env })).stdout)
  }

  test('lists the tools', async (t) => {
    const { tools } = await inspect(t, ['--method', 'tools/list'])
    assert.equal(tools.length, 5)
    assert.equal(tools[0].description, 'Answers with its own parameters.')
  })

  test('calls one', async (t) => {
    const args = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'city=Oslo']
    assert.deepEqual((await inspect(t, args)).structuredContent, { city: 'Oslo' })
  })
})
