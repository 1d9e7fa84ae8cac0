/** How the package is loaded. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as imported from '@mcp-integration/client'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const require = createRequire(import.meta.url)

test('require() and import give the same classes', () => {
  const required = require('@mcp-integration/client')
  const names = ['MCPClient', 'MCPError', 'MCPToolError', 'WS_ERROR_CODES']
  assert.deepEqual(Object.keys(required).sort(), names)
  assert.deepEqual(Object.keys(imported).sort(), names)
  for (const name of names) assert.equal(required[name], imported[name], name)
})

test('the client is an EventEmitter, and its class has its name', () => {
  const client = new imported.MCPClient('localhost', { autoConnect: false })
  assert.ok(client instanceof EventEmitter)
  assert.equal(client.constructor.name, 'MCPClient')
})

test('a client may be extended', async (t) => {
  class Loud extends imported.MCPClient {
    async shout(text) {
      return `${await this.useTool('echo', text)}!`
    }
  }
  const client = new Loud((await listen(t)).url)
  t.after(() => client.close())
  assert.equal(await client.shout('hello'), 'hello!')
})

test('loading the client loads nothing of what the test server and the command line need', async (t) => {
  const [told] = await run(t, async ({ tell }) => {
    const { createRequire } = await import('node:module')
    const require = createRequire(`${process.cwd()}/`)
    require('@mcp-integration/client')
    tell(
      Object.keys(require.cache).filter((path) =>
        /[\\/](node_modules|testing|cli)[\\/.]/.test(path.slice(process.cwd().length)),
      ),
    )
  })
  assert.deepEqual(told, [])
})
