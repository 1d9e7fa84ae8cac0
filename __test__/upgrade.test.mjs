/** The HTTP upgrade: what is sent with it, and what each answer to it leads to. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { assertDocumented } from './helpers/networks-page.mjs'
import { listenTcp } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

test('headers and subprotocols go with the upgrade request, on every connection', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server, {
    headers: { 'X-Team': 'blue', cookie: 'a=1; b=2' },
    protocols: ['mcp', 'other'],
  })
  await client.reconnect()
  for (let i = 0; i < 2; i++) {
    const { headers, protocol } = await server.nextConnection()
    assert.equal(headers['x-team'], 'blue')
    assert.equal(headers.cookie, 'a=1; b=2')
    assert.equal(headers['sec-websocket-protocol'], 'mcp, other')
    assert.equal(protocol, 'mcp')
    assert.equal(headers.host, `127.0.0.1:${server.port}`)
  }
})

test('every way to write a url of loopback leads to the server', async (t) => {
  const server = await listen(t)
  const { port } = server
  for (const url of [
    `localhost:${port}`,
    `127.0.0.1:${port}`,
    `http://127.0.0.1:${port}`,
    `ws://localhost:${port}/`,
    new URL(server.url),
  ]) {
    assert.equal(await (await ready(t, { url })).useTool('echo', 1), 1)
  }
})

test('a server on IPv6 is reached by its address and by name', async (t) => {
  const server = await listen(t, { host: '::1' }).catch(({ code }) => t.skip(`no IPv6 here: ${code}`))
  if (!server) return
  await ready(t, `[::1]:${server.port}`)
})

test('path and query of the url are asked for as they are', async (t) => {
  const lines = []
  const { url } = await listenTcp(t, (socket) =>
    socket.once('data', (data) => lines.push(String(data).split('\r\n')[0]) && socket.destroy()),
  )
  await rejection(
    open(t, url.replace('/mcp-ws', '/tools%20x?team=blue&q=%C3%BC'), { maxReconnectAttempts: 0 }).connect(),
  )
  assert.deepEqual(lines, ['GET /tools%20x?team=blue&q=%C3%BC HTTP/1.1'])
})

for (const status of [401, 403]) {
  describe(`an upgrade refused with ${status}`, () => {
    test('makes the client unauthorized, without a socket and without another attempt', async (t) => {
      const server = await listen(t)
      server.refuseUpgrades(status)
      const client = open(t, server)
      const told = record(client, ['error', 'close', 'reconnecting', 'failed'])
      const waiting = [client.useTool('echo'), client.connect()].map(rejection)
      const [call, connect] = await Promise.all(waiting)
      assert.deepEqual([call.code, call.sent, connect.code], ['AUTH_FAILED', false, 'AUTH_FAILED'])
      assert.match(connect.message, new RegExp(`HTTP ${status}`))
      assert.equal(connect.retryable, false)
      assert.equal(client.state, 'unauthorized')
      assert.equal(client.connected, false)
      assert.equal(client.readyState, client.CLOSED)
      assert.equal(client.error.code, 'AUTH_FAILED')
      assert.deepEqual(
        told.map(([event]) => event),
        ['error'],
      )
    })

    test('is tried again by connect(), reconnect() and authenticate()', async (t) => {
      const server = await listen(t, { tokens: ['newer'] })
      server.refuseUpgrades(status)
      const client = open(t, server)
      await reached(client, 'unauthorized')
      for (const command of ['connect', 'reconnect', 'authenticate'])
        assert.equal((await rejection(client[command]())).code, 'AUTH_FAILED')
      await server.resumeAccepting()
      await client.authenticate('newer')
      assert.equal(client.state, 'ready')
    })

    test('after the client was ready is no outage either', async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      server.refuseUpgrades(status)
      await server.terminateAll()
      await reached(client, 'unauthorized')
      assert.equal(client.error.code, 'AUTH_FAILED')
    })
  })
}

for (const status of [400, 404, 410, 426, 301, 200, 204]) {
  test(`an upgrade answered with ${status} fails at once: only a change of configuration mends it`, async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(status)
    const client = open(t, server)
    const told = record(client, ['reconnecting', 'failed'])
    const { code, retryable, message } = await rejection(client.connect())
    assert.deepEqual({ code, retryable }, { code: 'CONNECT_FAILED', retryable: false })
    assert.match(message, new RegExp(`HTTP ${status}`))
    assert.equal(client.state, 'failed')
    assert.deepEqual(
      told.map(([event]) => event),
      ['failed'],
    )
  })
}

for (const status of [408, 425, 429, 500, 502, 503, 504]) {
  test(`an upgrade refused with ${status} is tried again`, async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(status)
    const client = open(t, server)
    const attempts = inbox(client, 'reconnecting')
    await attempts()
    const { code, retryable, message } = client.error
    assert.deepEqual({ code, retryable }, { code: 'CONNECT_FAILED', retryable: true })
    assert.match(message, new RegExp(`HTTP ${status}`))
    await server.resumeAccepting()
    await client.connect()
  })
}

test('after the client was once ready, what looked like a configuration is an outage', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  const attempts = inbox(client, 'reconnecting')
  server.refuseUpgrades(404)
  await server.terminateAll()
  assert.equal((await attempts())[0].attempt, 1)
  assert.equal((await attempts())[0].attempt, 2)
  await server.resumeAccepting()
  await client.connect()
})

describe('an answer that is no WebSocket handshake', () => {
  const answers = {
    'another protocol': '220 mail.example ESMTP\r\n',
    'no Sec-WebSocket-Accept': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    'a wrong Sec-WebSocket-Accept':
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n',
    'another upgrade': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    bytes: Buffer.alloc(100_000, 0xff),
  }
  for (const [what, answer] of Object.entries(answers)) {
    test(`(${what}) fails at once`, async (t) => {
      const { url } = await listenTcp(t, (socket) => socket.once('data', () => socket.end(answer)))
      const client = open(t, url)
      const { code, retryable } = await rejection(client.connect())
      assert.deepEqual({ code, retryable }, { code: 'CONNECT_FAILED', retryable: false })
      assert.equal(client.state, 'failed')
    })
  }
})

test('a server that hangs up during the upgrade is tried again', async (t) => {
  for (const answer of ['', 'HTTP/1.1 101 Switching']) {
    const { url } = await listenTcp(t, (socket) => socket.once('data', () => socket.end(answer)))
    const client = open(t, url, PATIENT)
    await next(client, 'reconnecting')
    assert.equal(client.error.retryable, true)
  }
})

test('a server that takes longer than connectTimeout is tried again', async (t) => {
  const causes = []
  for (const scheme of ['ws:', 'wss:']) {
    const { url, server } = await listenTcp(t)
    const dials = inbox(server, 'connection')
    const client = open(t, url.replace('ws:', scheme), { connectTimeout: 20, maxReconnectAttempts: 1 })
    const { cause } = await rejection(client.connect())
    assert.equal(cause.code, 'CONNECT_FAILED')
    assert.match(cause.message, /connectTimeout \(20 ms\)/)
    causes.push(cause)
    await dials()
    await dials()
  }
  assertDocumented('The server accepts, but does not answer.', ...causes)
})
