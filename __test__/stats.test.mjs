/** stats(): every figure, after something that changes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inbox, next, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const NO_RTT = { last: null, min: null, mean: null, max: null }
const NO_LATENCY = { count: 0, p50: null, p90: null, p99: null, max: null }

test('a new client has counted nothing', (t) => {
  assert.deepEqual(open(t, DEAF_URL, { autoConnect: false }).stats(), {
    state: 'idle',
    pending: 0,
    queued: 0,
    requests: 0,
    succeeded: 0,
    failed: 0,
    timedOut: 0,
    lateResponses: 0,
    reconnects: 0,
    messagesSent: 0,
    messagesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    heartbeatRtt: NO_RTT,
    requestLatency: NO_LATENCY,
    connectedSince: null,
    eventLoopWait: NO_LATENCY,
  })
})

test('messages and their bytes are counted both ways, without framing', async (t) => {
  const server = await listen(t)
  const frames = inbox(server, 'message')
  const client = await ready(t, server)
  client.sendMessage({ hello: 'grüße' })
  const sent = [(await frames())[0], (await frames())[0]]
  const arrived = next(client, 'message')
  server.broadcast('"ü"')
  await arrived
  const { messagesSent, bytesSent, messagesReceived, bytesReceived } = client.stats()
  const expected = {
    messagesSent: 2,
    bytesSent: Buffer.byteLength(sent.join('')),
    messagesReceived: 2,
    bytesReceived: '{"id":"auth","success":true}'.length + 4,
  }
  assert.deepEqual({ messagesSent, bytesSent, messagesReceived, bytesReceived }, expected)
})

test('calls are counted by what became of them, and live ones by where they are', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  const abort = new AbortController()
  const held = [
    client.useTool('sleep', { ms: 60_000 }),
    client.useTool('sleep', { ms: 60_000 }, { signal: abort.signal }),
  ].map(rejection)
  await client.useTool('echo')
  await rejection(client.useTool('fail'))
  await rejection(client.useTool('sleep', { ms: 60_000 }, { timeout: 20 }))
  assert.equal(client.stats().pending, 2)
  abort.abort()
  await held[1]
  assert.equal(client.stats().pending, 1)
  await client.close()
  await held[0]
  const { pending, queued, requests, succeeded, failed, timedOut, state } = client.stats()
  const expected = { pending: 0, queued: 0, requests: 5, succeeded: 1, failed: 4, timedOut: 1, state: 'closed' }
  assert.deepEqual({ pending, queued, requests, succeeded, failed, timedOut, state }, expected)
})

test('the time to the answer is measured in ms', async (t) => {
  const client = await ready(t, await listen(t))
  for (let i = 0; i < 9; i++) await client.useTool('echo')
  await client.useTool('sleep', { ms: 100 })
  const { count, p50, p90, p99, max } = client.stats().requestLatency
  assert.equal(count, 10)
  assert.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= max, `${p50} ${p90} ${p99} ${max}`)
  assert.ok(max >= 99 && max < 30_000, `${max}`)
})

test('the time that results wait for a busy event loop is measured apart, and for every result', async (t) => {
  const server = await listen(t)
  const [calm, busy] = await run(
    t,
    async ({ MCPClient, tell, block, input }) => {
      const client = new MCPClient({ url: input.url })
      await client.useTool('echo', { n: 1 })
      tell(client.stats())
      const calls = [
        client.useTool('echo', { n: 2 }),
        client.useTool('echo'),
        client.useTool('echo', { n: 3 }, { responseType: 'buffer' }),
        client.useTool('echo', { long: ['x'.repeat(70_000), { inner: ['y'.repeat(70_000)] }] }),
        client.useTool('fail').catch(() => {}),
      ]
      await new Promise(setImmediate)
      while (client.stats().succeeded < 5 || client.stats().failed < 1) block(1)
      block(200)
      await Promise.all(calls)
      tell(client.stats())
      await client.close()
    },
    { url: server.url },
  )
  assert.equal(calm.eventLoopWait.count, 1)
  assert.equal(busy.eventLoopWait.count, busy.succeeded)
  assert.ok(busy.eventLoopWait.p50 >= 195 && busy.eventLoopWait.max < 30_000, JSON.stringify(busy.eventLoopWait))
  assert.equal(busy.requestLatency.count, 6)
})

test('reconnects are counted when they have succeeded', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  assert.equal(client.stats().reconnects, 0)
  for (const count of [1, 2]) {
    const waiting = next(client, 'reconnecting')
    await server.terminateAll()
    await waiting
    await reached(client, 'ready')
    assert.equal(client.stats().reconnects, count)
  }
})

test('the picture is one of now, and not kept', async (t) => {
  const client = await ready(t, await listen(t))
  const before = client.stats()
  await client.useTool('echo')
  assert.equal(before.requests, 0)
  assert.equal(client.stats().requests, 1)
})
