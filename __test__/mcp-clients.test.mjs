/** `mcp-client mcp` under hosts that others wrote. rmcp and the inspector are in `npm run test:peers`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client as ClientOfToday } from '@modelcontextprotocol/client'
import { StdioClientTransport as TransportOfToday } from '@modelcontextprotocol/client/stdio'
import { Client as ClientOfVersion1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as TransportOfVersion1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

const command = (url) => ({ command: process.execPath, args: [MAIN, 'mcp', url], stderr: 'pipe' })

const platform = (t) =>
  listen(t, {
    dialect: 'event',
    schemas: 'named',
    tools: { never: () => new Promise(() => {}), long: () => 'x'.repeat(200_000) },
  })

/** Each: how a host connects; resolves with what all of them can do. */
const HOSTS = {
  '@modelcontextprotocol/sdk 1': async (url) => {
    const client = new ClientOfVersion1({ name: 'test', version: '1' })
    const transport = new TransportOfVersion1(command(url))
    const changed = new Promise((resolve) => client.setNotificationHandler(ToolListChangedNotificationSchema, resolve))
    await client.connect(transport)
    const call = (params, options) => client.callTool(params, undefined, options)
    return { client, transport, call, changed, revision: '2025-11-25' }
  },
  '@modelcontextprotocol/client 2, as of 2025': (url) => today(url, 'legacy', '2025-11-25'),
  '@modelcontextprotocol/client 2, stateless': (url) => today(url, 'auto', '2026-07-28'),
}

async function today(url, mode, revision) {
  let tell
  const changed = new Promise((resolve) => (tell = resolve))
  const listChanged = { tools: { onChanged: (error, tools) => tell(error ?? tools) } }
  const client = new ClientOfToday({ name: 'test', version: '1' }, { versionNegotiation: { mode }, listChanged })
  const transport = new TransportOfToday(command(url))
  await client.connect(transport)
  assert.equal(client.getNegotiatedProtocolVersion(), revision)
  return { client, transport, call: (params, options) => client.callTool(params, options), changed, revision }
}

for (const [name, connect] of Object.entries(HOSTS)) {
  describe(name, AT_ONCE, () => {
    async function open(t) {
      const server = await platform(t)
      const host = await connect(server.url)
      t.after(() => host.client.close())
      return { ...host, server }
    }

    test('knows the server, and finds and calls its tools', async (t) => {
      const { client, call } = await open(t)
      assert.equal(client.getServerVersion().name, 'mcp-client')
      const { tools } = await client.listTools()
      assert.deepEqual(
        tools.map((tool) => tool.name),
        ['echo', 'fail', 'long', 'never', 'sleep', 'status', 'web_search'],
      )
      assert.deepEqual((await call({ name: 'echo', arguments: { a: [1] } })).structuredContent, { a: [1] })
      const { isError, structuredContent } = await call({ name: 'fail', arguments: { code: 'X' } })
      assert.deepEqual([isError, structuredContent.error.toolCode], [true, 'X'])
      await assert.rejects(call({ name: 'none', arguments: {} }), /Unknown tool: "none"/)
    })

    test('reads what was cut from its resources', async (t) => {
      const { client, call } = await open(t)
      const { content } = await call({ name: 'long', arguments: {} })
      const { contents } = await client.readResource({ uri: content[1].uri })
      assert.equal(contents[0].text, 'x'.repeat(200_000))
      assert.equal((await client.listResources()).resources.length, 1)
      assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 1)
    })

    test('hears a beat, cancels, and goes on', async (t) => {
      const { call, server } = await open(t)
      const controller = new AbortController()
      let beats = 0
      const onprogress = () => ++beats === 1 && controller.abort('enough')
      await assert.rejects(call({ name: 'never', arguments: {} }, { signal: controller.signal, onprogress }))
      assert.equal(server.requests.filter((request) => request.name === 'never').length, 1)
      assert.deepEqual((await call({ name: 'echo', arguments: {} })).structuredContent, {})
    })

    test('is told that the tools have changed', async (t) => {
      const { client, changed, server } = await open(t)
      await client.listTools()
      server.broadcast({ event: 'schemas', data: [{ name: 'fresh' }] })
      await changed
      assert.deepEqual(
        (await client.listTools()).tools.map((tool) => tool.name),
        ['fresh'],
      )
    })

    test('makes a thousand calls at once', async (t) => {
      const { call } = await open(t)
      const numbers = Array.from({ length: 1_000 }, (_, n) => n)
      const results = await Promise.all(numbers.map((n) => call({ name: 'echo', arguments: { n } })))
      assert.deepEqual(
        results.map((result) => result.structuredContent.n),
        numbers,
      )
    })
  })
}
