/** docs/hosts.md: each entry of a host's configuration starts a server that lists and calls the tools. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { folderOf } from './helpers/documents.mjs'
import { entryIn } from './helpers/host-entries.mjs'
import { parseDocument } from './helpers/markdown.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

const HOSTS = parseDocument('docs/hosts.md', readFileSync(join(ROOT, 'docs/hosts.md'), 'utf8'))
const isToolsFile = ({ code }) => code.startsWith('[\n')
const ENTRIES = HOSTS.blocks.filter(
  (block) => ['json', 'toml'].includes(block.language) && !(block.language === 'json' && isToolsFile(block)),
)

/** What a reader replaces: the clone, the server. */
const inHere = (word, url) => word.replace('/path/to/the/clone/', ROOT).replace('wss://example.com/mcp-ws', url)

/** Starts an entry as a host does; more arguments may follow. */
async function start(t, entry, url, more = []) {
  const client = new Client({ name: 'test', version: '1' })
  const args = [...entry.args.map((word) => inHere(word, url)), ...more]
  await client.connect(new StdioClientTransport({ ...entry, args, stderr: 'ignore' }))
  t.after(() => client.close())
  return client
}

describe('the entries for hosts', { concurrency: 4 }, () => {
  test('are those of five forms', () => assert.equal(ENTRIES.length, 5))

  for (const block of ENTRIES) {
    test(`docs/hosts.md:${block.line} starts, with the key, lists the tools and calls one`, async (t) => {
      const server = await listen(t, { tokens: ['your-api-key', '${input:key}'] })
      const client = await start(t, entryIn(block), server.url)
      assert.equal((await client.listTools()).tools.length, 5)
      const { structuredContent } = await client.callTool({ name: 'echo', arguments: { a: 1 } })
      assert.deepEqual(structuredContent, { a: 1 })
    })
  }

  test('the tools file is one', async (t) => {
    const { code } = HOSTS.blocks.find((block) => block.language === 'json' && isToolsFile(block))
    const path = join(await folderOf(t, { 'tools.json': code }), 'tools.json')
    const server = await listen(t)
    const client = await start(t, entryIn(ENTRIES[0]), server.url, ['--tools', path])
    const [tool] = (await client.listTools()).tools
    assert.deepEqual(tool.annotations, { readOnlyHint: true, idempotentHint: true })
    const { structuredContent } = await client.callTool({ name: 'web_search', arguments: { query: 'backoff' } })
    assert.ok(structuredContent.items.length > 0)
  })
})
