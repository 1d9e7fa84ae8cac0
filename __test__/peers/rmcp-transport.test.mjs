/** The transport for the MCP SDK, between its client and a server on rmcp, through a proxy that breaks connections. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { FaultProxy } from '@mcp-integration/client/testing'
import { WebSocketClientTransport } from '@mcp-integration/client/mcp-transport'
import { rejection } from '../helpers/client.mjs'

const SERVER = fileURLToPath(new URL('../../target/peers/debug/server', import.meta.url))

/** A server on rmcp, and a proxy before it. */
async function proxied(t, faults) {
  const child = spawn(SERVER, { stdio: ['pipe', 'pipe', 'pipe'] })
  t.after(() => child.kill())
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text))
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data')
  const proxy = await FaultProxy.listen({ target: `ws://127.0.0.1:${Number(port)}`, faults })
  t.after(() => proxy.close())
  return { proxy, url: proxy.url, complaints: () => complaints }
}

/** A client of the SDK, connected; `told` is what the transport reported. */
async function connected(t, url, options) {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: {} })
  const transport = new WebSocketClientTransport(url, options)
  const told = []
  client.onerror = (error) => told.push(error)
  const closed = new Promise((resolve) => (client.onclose = () => resolve(told.push('closed'))))
  t.after(() => client.close())
  await client.connect(transport)
  return { client, transport, told, closed }
}

const textOf = ({ content }) => content[0].text
const call = (client, name, parameters = {}) => client.callTool({ name, arguments: parameters })

describe('a client of the SDK and a server on rmcp', () => {
  test('agree on a version, list tools, and call them, many at once', async (t) => {
    const { url, complaints } = await proxied(t)
    const { client, told } = await connected(t, url)
    const { tools } = await client.listTools()
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['announce', 'echo', 'sleep', 'long'],
    )
    const texts = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => textOf(await call(client, 'echo', { n, word: 'größe' }))),
    )
    for (const [n, text] of texts.entries()) assert.deepEqual(JSON.parse(text), { n, word: 'größe' })
    assert.equal(textOf(await call(client, 'long', { length: 2_000_000 })).length, 2_000_000)
    assert.deepEqual(told, [])
    assert.equal(complaints(), '')
  })

  test('an error of the server rejects its call alone', async (t) => {
    const { url } = await proxied(t)
    const { client } = await connected(t, url)
    const [refused, text] = await Promise.all([
      rejection(call(client, 'nothing')),
      call(client, 'echo', { a: 1 }).then(textOf),
    ])
    assert.match(refused.message, /no tool "nothing"/)
    assert.equal(text, '{"a":1}')
  })

  test('the server speaks by itself too', async (t) => {
    const { url } = await proxied(t)
    const { client } = await connected(t, url)
    const announced = new Promise((resolve) =>
      client.setNotificationHandler('notifications/tools/list_changed', resolve),
    )
    assert.equal(textOf(await call(client, 'announce')), 'announced')
    await announced
  })

  test('close() ends the connection, and the server goes on', async (t) => {
    const { url } = await proxied(t)
    const first = await connected(t, url)
    await first.client.close()
    await first.closed
    assert.deepEqual(first.told, ['closed'])
    const second = await connected(t, url)
    assert.equal(textOf(await call(second.client, 'echo')), '{}')
  })
})

describe('through a network that', () => {
  test('is slow and cuts what comes into single bytes, nothing is lost', async (t) => {
    // The server takes an upgrade in single bytes for an attack.
    const { url } = await proxied(t, { toClient: { latency: 2, split: 1 }, toServer: { latency: 2 } })
    const { client } = await connected(t, url)
    for (let n = 0; n < 5; n++) assert.deepEqual(JSON.parse(textOf(await call(client, 'echo', { n }))), { n })
  })

  test('breaks, calls in flight reject and the transport says why; a new one begins anew', async (t) => {
    const { url, proxy } = await proxied(t)
    const { client, told, closed } = await connected(t, url)
    const running = rejection(call(client, 'sleep', { ms: 60_000 }))
    await call(client, 'echo')
    proxy.resetAll()
    await closed
    assert.match((await running).message, /closed/i)
    assert.deepEqual([told[0].code, told.at(-1)], ['CONNECTION_LOST', 'closed'])
    assert.match((await rejection(call(client, 'echo'))).message, /not connected/i)
    const again = await connected(t, url)
    assert.equal(textOf(await call(again.client, 'echo')), '{}')
  })

  test('freezes, the heartbeat notices', async (t) => {
    const { url, proxy } = await proxied(t)
    const { client, told, closed } = await connected(t, url, { heartbeatInterval: 20, heartbeatTimeout: 100 })
    // Pings are answered: it stays open for longer than an interval and a timeout.
    assert.equal(textOf(await call(client, 'sleep', { ms: 300 })), 'slept')
    const running = rejection(call(client, 'sleep', { ms: 60_000 }))
    proxy.freezeAll()
    await closed
    await running
    assert.match(told[0].message, /heartbeat timeout/)
  })

  test('corrupts bytes, the connection is closed', async (t) => {
    const { url, proxy } = await proxied(t)
    const through = proxy.nextConnection()
    const { client, told, closed } = await connected(t, url)
    ;(await through).setFaults({ toClient: { corruption: 0.2 } })
    await rejection(call(client, 'long', { length: 100_000 }))
    await closed
    assert.ok(told[0] instanceof Error)
    assert.equal(told.at(-1), 'closed')
  })
})
