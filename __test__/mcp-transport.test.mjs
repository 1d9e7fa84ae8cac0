/**
 * The transport for the MCP SDK: as the client of the SDK uses it, and misused. With a server on rmcp, through broken
 * networks: peers/rmcp-transport.test.mjs.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { WebSocketClientTransport } from '@mcp-integration/client/mcp-transport'
import { rejection } from './helpers/client.mjs'
import { answerOf, listenMcp } from './helpers/mcp-server.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'

/** A client of the SDK, connected, and what its transport reports. */
async function connected(t, url, options) {
  const client = new Client({ name: 'test', version: '1' })
  const told = []
  client.onerror = ({ message }) => told.push(message)
  const closed = new Promise((resolve) => (client.onclose = () => resolve(told.push('closed'))))
  t.after(() => client.close())
  await client.connect(new WebSocketClientTransport(url, options))
  return { client, told, closed }
}

/** A transport that is started, and what it tells. */
async function started(t, url, options) {
  const transport = new WebSocketClientTransport(url, options)
  const told = []
  transport.onmessage = (message) => told.push(message)
  transport.onerror = ({ message }) => told.push(message)
  const closed = new Promise((resolve) => (transport.onclose = () => resolve(told.push('closed'))))
  t.after(() => transport.close())
  await transport.start()
  return { transport, told, closed }
}

test('the client of the SDK calls a tool over it', async (t) => {
  const { client } = await connected(t, (await listenMcp(t)).url)
  const { content } = await client.callTool({ name: 'echo', arguments: { hello: 'wörld' } })
  assert.deepEqual(JSON.parse(content[0].text), { hello: 'wörld' })
})

test('nothing of the platform’s protocol is sent, heartbeats are ping frames, and no key of the environment', async (t) => {
  const heard = []
  const { url, server, connections } = await listenMcp(t, (message) => heard.push(message) && answerOf(message))
  server.once('connection', (socket) => socket.once('ping', () => socket.send('{"jsonrpc":"2.0","method":"pinged"}')))
  await run(
    t,
    async ({ input }) => {
      const { WebSocketClientTransport } = await import('@mcp-integration/client/mcp-transport')
      const transport = new WebSocketClientTransport(input, { heartbeatInterval: 5, headers: { 'x-tenant': '7' } })
      const next = () => new Promise((resolve) => (transport.onmessage = resolve))
      const pinged = next()
      await transport.start()
      await pinged
      const answered = next()
      await transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' })
      await answered
      await transport.close()
    },
    `${url}?a=1`,
    { env: { MCP_API_KEY: 'planted', MCP_WS_URL: 'ws://127.0.0.1:1' } },
  )
  assert.deepEqual(heard, [{ jsonrpc: '2.0', id: 1, method: 'ping' }])
  const [{ headers, path }] = connections
  assert.deepEqual([headers['sec-websocket-protocol'], headers['x-tenant'], path], ['mcp', '7', '/?a=1'])
  assert.doesNotMatch(JSON.stringify(headers), /planted/)
})

test('a path is kept, and another subprotocol is offered if it is given', async (t) => {
  const { url, connections } = await listenMcp(t)
  await started(t, `${url.replace('ws:', 'http:')}/mcp`, { protocols: ['jsonrpc', 'mcp'] })
  assert.deepEqual([connections[0].path, connections[0].headers['sec-websocket-protocol']], ['/mcp', 'jsonrpc, mcp'])
})

test('messages of the server arrive one by one, batches too, and others are reported', async (t) => {
  const { url, connections } = await listenMcp(t)
  const { transport, told } = await started(t, url)
  const [{ socket }] = connections
  const note = (method) => ({ jsonrpc: '2.0', method })
  for (const text of [JSON.stringify(note('a')), JSON.stringify([note('b'), note('c')]), 'null', '{"id":"auth"}', '}{'])
    socket.send(text)
  const last = new Promise((resolve) => {
    transport.onmessage = (message) => {
      told.push(message)
      if (message.method === 'd') resolve()
    }
  })
  socket.send(JSON.stringify(note('d')))
  await last
  const strange = 'the server sent a message that is not JSON-RPC 2.0'
  assert.deepEqual(
    told.map((one) => one.method ?? one),
    ['a', 'b', 'c', strange, strange, told[5], 'd'],
  )
  assert.match(told[5], /not JSON/)
})

describe('the end', () => {
  test('by the server is told with its reason, then as closed, once', async (t) => {
    const { url, connections } = await listenMcp(t, (message) =>
      message.method === 'tools/call' ? undefined : answerOf(message),
    )
    const { client, told, closed } = await connected(t, url)
    const running = rejection(client.callTool({ name: 'echo' }))
    connections[0].socket.close(1011, 'going down')
    await closed
    await running
    assert.deepEqual([told.length, told.at(-1)], [2, 'closed'])
    assert.match(told[0], /1011/)
  })

  test('by the server with 1000 is no error', async (t) => {
    const { url, connections } = await listenMcp(t)
    const { told, closed } = await started(t, url)
    connections[0].socket.close(1000)
    await closed
    assert.deepEqual(told, ['closed'])
  })

  test('by close() is told once, however often it is called', async (t) => {
    const { transport, told, closed } = await started(t, (await listenMcp(t)).url)
    await Promise.all([transport.close(), transport.close()])
    await closed
    await transport.close()
    assert.deepEqual(told, ['closed'])
  })

  test('leaves nothing that keeps the process alive', async (t) => {
    const { url } = await listenMcp(t)
    const told = await run(
      t,
      async ({ input, tell }) => {
        const { Client } = await import('@modelcontextprotocol/client')
        const { WebSocketClientTransport } = await import('@mcp-integration/client/mcp-transport')
        const client = new Client({ name: 'test', version: '1' })
        await client.connect(new WebSocketClientTransport(input))
        tell((await client.listTools()).tools.length)
        await client.close()
      },
      url,
    )
    assert.deepEqual(told, [1])
  })
})

describe('without a connection', () => {
  test('start() says why there is none', async (t) => {
    const refused = new WebSocketClientTransport(DEAF_URL)
    const error = await rejection(refused.start())
    assert.deepEqual([error.code, error.cause.code], ['CONNECT_FAILED', 'ECONNREFUSED'])
    await refused.close()

    const http = createServer((_, response) => response.writeHead(404).end('no such page')).listen(0, '127.0.0.1')
    await once(http, 'listening')
    t.after(() => http.close())
    const missing = new WebSocketClientTransport(`ws://127.0.0.1:${http.address().port}/mcp`)
    assert.equal((await rejection(missing.start())).status, 404)
  })

  test('the client of the SDK rejects with the same error', async () => {
    const client = new Client({ name: 'test', version: '1' })
    assert.equal((await rejection(client.connect(new WebSocketClientTransport(DEAF_URL)))).code, 'CONNECT_FAILED')
  })

  test('send() rejects, before start() and after the end', async (t) => {
    const { url } = await listenMcp(t)
    const message = { jsonrpc: '2.0', id: 1, method: 'ping' }
    const early = new WebSocketClientTransport(url)
    assert.match((await rejection(early.send(message))).message, /the transport was not started/)
    await early.close()
    const { transport } = await started(t, url)
    await transport.close()
    assert.ok((await rejection(transport.send(message))) instanceof Error)
  })
})

test('start() twice is an error that says who starts it', async (t) => {
  const { transport } = await started(t, (await listenMcp(t)).url)
  assert.match((await rejection(transport.start())).message, /was started already: Client\.connect\(\) starts it/)
})

test('more than maxBufferedAmount is refused, and the connection goes on', async (t) => {
  const { transport, told } = await started(t, (await listenMcp(t)).url, { maxBufferedAmount: 1000 })
  const large = { jsonrpc: '2.0', id: 1, method: 'ping', params: { text: 'x'.repeat(2000) } }
  assert.match((await rejection(transport.send(large))).message, /maxBufferedAmount/)
  const answered = new Promise((resolve) => (transport.onmessage = resolve))
  await transport.send({ jsonrpc: '2.0', id: 2, method: 'ping' })
  assert.deepEqual(await answered, { jsonrpc: '2.0', id: 2, result: {} })
  assert.deepEqual(told, [])
})

test('mistakes are named', () => {
  for (const [args, message] of [
    [[DEAF_URL, null], /the options of the transport must be an object, got null/],
    [[DEAF_URL, { apiKey: 'x' }], /unknown option "apiKey" of the transport/],
    [[DEAF_URL, { heartbeatIntervall: 1 }], /did you mean "heartbeatInterval"\?/],
    [[DEAF_URL, { heartbeatInterval: -1 }], /option "heartbeatInterval"/],
    [['ws://'], /option "url" is not a valid URL/],
    [[undefined], /option "url"/],
  ])
    assert.throws(() => new WebSocketClientTransport(...args), message)
})
