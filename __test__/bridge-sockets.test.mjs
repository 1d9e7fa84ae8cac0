/** The bridge over a WebSocket that breaks, hangs and is dialled again. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { connectBridge, connectClient, serveClient, webSocketPort } from '@mcp-integration/client/bridge'
import { WebSocket } from 'ws'
import { deferred, fakeClient } from './helpers/bridge.mjs'
import { bridgeServer, dialled, rawBytes, rawSocket } from './helpers/bridge-sockets.mjs'
import { inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { DEAF_URL, silentUrl, stuckUrl } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

/** Waits until the bridge itself is in that state; resolves with its snapshot. */
async function bridgeReached(far, state) {
  while (far.bridge.state !== state) await next(far, 'bridge')
  return far.bridge
}

describe('a bad frame', () => {
  const BAD = {
    'text that is no UTF-8': [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
    'a frame that is not masked': [0x81, 0x01, 0x41],
    'two bytes that are no frame': [0xff, 0xff],
    'a close frame of one byte': [0x88, 0x81, 0, 0, 0, 0, 0],
  }

  for (const [what, bytes] of Object.entries(BAD)) {
    test(`ends the bridge on its socket, and not the process: ${what}`, async (t) => {
      const client = await ready(t, await listen(t))
      const { url, served, log } = await bridgeServer(t, client)
      const far = dialled(t, url)
      await far.connect()
      const socket = await rawBytes(t, url)
      socket.write(Buffer.from(bytes))
      await served[1].closed
      assert.match(log.at(-1).message, /^the port of a bridge reports: /)
      assert.equal(await far.useTool('echo', 'still there'), 'still there')
    })
  }

  test('larger than the server takes rejects its call, and is not sent again', async (t) => {
    const client = await ready(t, await listen(t))
    const { url, served } = await bridgeServer(t, client, { maxPayload: 1 << 20 })
    const far = dialled(t, url)
    await far.connect()
    const [once, twice] = await Promise.all(
      [{}, { idempotent: true }].map((options) => rejection(far.useTool('echo', 'x'.repeat(1_500_000), options))),
    )
    assert.deepEqual([once.code, once.sent], ['CONNECTION_LOST', true])
    assert.deepEqual([twice.code, twice.retryable, twice.sent], ['MESSAGE_TOO_LARGE', false, true])
    assert.match(twice.message, /1009/)
    assert.equal(await far.useTool('echo', 'small'), 'small')
    assert.equal(served.length, 2)
  })

  test('does not end a process that serves the bridge, though nobody else listens for errors', async (t) => {
    const { url } = await listen(t)
    const told = await run(
      t,
      async ({ MCPClient, input, tell }) => {
        const { serveClient, webSocketPort } = await import('@mcp-integration/client/bridge')
        const { WebSocketServer } = await import('ws')
        const { connect } = await import('node:net')
        const { once } = await import('node:events')
        const client = new MCPClient(input)
        const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 })
        await once(sockets, 'listening')
        const { port } = sockets.address()
        const attacker = connect(port, '127.0.0.1')
          .on('error', () => {})
          .resume()
        attacker.write(
          'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
        )
        const [socket] = await once(sockets, 'connection')
        const served = serveClient(client, webSocketPort(socket), { onLog: () => {} })
        attacker.write(Buffer.from([0xff, 0xff]))
        await served.closed
        tell(await client.useTool('echo', 'alive'))
        attacker.destroy()
        sockets.close()
        await client.close()
      },
      url,
    )
    assert.deepEqual(told, ['alive'])
  })
})

describe('an error event', () => {
  test('of a worker or another port is logged at both ends, and ends nothing', async (t) => {
    const client = await ready(t, await listen(t))
    const log = []
    const { EventEmitter } = await import('node:events')
    const near = Object.assign(new EventEmitter(), { postMessage() {} })
    serveClient(client, near, { onLog: ({ message }) => log.push(message) })
    near.emit('error', new Error('out of memory'))
    near.emit('exit', 1)
    assert.deepEqual(log, ['the port of a bridge reports: out of memory'])
    const port = Object.assign(new EventEmitter(), { postMessage() {} })
    const far = connectClient(port)
    const told = next(far, 'log')
    port.emit('error', new Error('mine'))
    assert.match((await told)[0].message, /reports: mine$/)
    await far.close()
  })
})

describe('a socket that is silent', () => {
  const PATIENT_PINGS = { pingInterval: 20, pingTimeout: 60_000 }
  /** A busy machine answers sooner than that. */
  const PINGS = { pingInterval: 20, pingTimeout: 1_000 }
  const NO_PINGS = { pingInterval: 0 }

  test('is kept alive by pings of either end, which nobody else hears of', async (t) => {
    const client = await ready(t, await listen(t))
    for (const [ofServer, ofFar] of [
      [PATIENT_PINGS, NO_PINGS],
      [NO_PINGS, PATIENT_PINGS],
    ]) {
      const { url, sockets, log } = await bridgeServer(t, client, { pings: ofServer })
      const types = []
      sockets.on('connection', (socket) => socket.on('message', (data) => types.push(JSON.parse(data).type)))
      const far = dialled(t, url, ofFar)
      await far.connect()
      const told = record(far, ['log', 'bridge'])
      const expected = ofServer === PATIENT_PINGS ? 'pong' : 'ping'
      while (types.filter((type) => type === expected).length < 3) await once([...sockets.clients][0], 'message')
      assert.deepEqual([told, log], [[], []])
      assert.equal(await far.useTool('echo', 1), 1)
    }
  })

  test('and half-open is noticed by the far end, which dials again', async (t) => {
    const client = await ready(t, await listen(t))
    const { url } = await bridgeServer(t, client)
    const proxy = await listenProxy(t, url)
    const far = dialled(t, proxy.url, PINGS)
    await far.connect()
    const [call, repeated] = [rejection(far.useTool('sleep', { ms: 60_000 })), far.useTool('echo', 1)]
    assert.equal(await repeated, 1)
    proxy.freezeAll()
    const { error } = await bridgeReached(far, 'reconnecting')
    assert.deepEqual([error.code, error.message.includes('1000 ms of a ping')], ['CONNECTION_LOST', true])
    assert.deepEqual([(await call).code, (await call).sent], ['CONNECTION_LOST', true])
    await reached(far, 'ready')
    assert.equal(await far.useTool('echo', 'again'), 'again')
  })

  test('and half-open is noticed by the serving end, which drops its calls', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const client = await ready(t, server)
    const { url, served } = await bridgeServer(t, client, { pings: PINGS })
    const proxy = await listenProxy(t, url)
    const far = dialled(t, proxy.url, { ...NO_PINGS, maxReconnectAttempts: 0 })
    await far.connect()
    const call = rejection(far.useTool('wait'))
    await server.nextRequest('wait')
    proxy.freezeAll()
    await served[0].closed
    assert.equal(client.stats().pending, 0)
    proxy.resetAll()
    assert.equal((await call).code, 'CONNECTION_LOST')
  })

  test('because a large message is on its way is not given up, on either end', async (t) => {
    const client = await ready(t, await listen(t))
    for (const [ofServer, ofFar] of [
      [PINGS, NO_PINGS],
      [NO_PINGS, PINGS],
    ]) {
      const { url } = await bridgeServer(t, client, { pings: ofServer })
      // The answer takes two seconds, in which nothing else gets through.
      const proxy = await listenProxy(t, url, { faults: { toClient: { bandwidth: 1_000_000 } } })
      const far = dialled(t, proxy.url, { ...ofFar, maxReconnectAttempts: 0 })
      await far.connect()
      const text = 'x'.repeat(2_000_000)
      assert.equal((await far.useTool('echo', text)).length, text.length)
    }
  })

  test('has its pings checked: options that are wrong are named', async () => {
    const socket = { readyState: 3, send() {}, close() {}, addEventListener() {}, removeEventListener() {} }
    assert.throws(() => webSocketPort(socket, { pingInterval: -1 }), /pingInterval/)
    assert.throws(() => webSocketPort(socket, { pingTimeout: 'soon' }), /pingTimeout/)
    assert.throws(() => webSocketPort(socket, { pingIntervall: 5 }), /did you mean "pingInterval"/)
  })

  test('gives no answers to one who sends pings and reads none of them', async (t) => {
    const sent = []
    const socket = Object.assign(new EventTarget(), {
      readyState: 1,
      bufferedAmount: 0,
      send: (data) => sent.push(JSON.parse(data).type),
      close() {},
    })
    const served = serveClient(fakeClient(), webSocketPort(socket, NO_PINGS))
    const ping = () => {
      const data = '{"mcpBridge":1,"type":"ping"}'
      socket.dispatchEvent(Object.assign(new Event('message'), { data }))
    }
    ping()
    socket.bufferedAmount = 1 << 20
    ping()
    assert.deepEqual(sent, ['welcome', 'pong'])
    served.close()
  })
})

describe('connectBridge', () => {
  test('is over one socket what a client is, and tells the state of the bridge apart from that of the client', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    const { url } = await bridgeServer(t, client)
    const far = dialled(t, url)
    assert.deepEqual([far.bridge.state, far.state], ['connecting', 'idle'])
    const told = record(far, ['bridge', 'state'])
    assert.deepEqual(await far.useTool('echo', { a: 1 }), { a: 1 })
    assert.deepEqual(
      told.map(([event, { state }]) => [event, state]),
      [
        ['bridge', 'open'],
        ['state', 'ready'],
      ],
    )
    await Promise.all([reached(far, 'reconnecting'), server.terminateAll()])
    assert.deepEqual(far.bridge, { state: 'open', attempt: 0, retryDelay: null, retryAt: null, error: null })
    assert.ok(Object.isFrozen(far.bridge))
  })

  test('reconnects when its socket is lost, and shows both states meanwhile', async (t) => {
    const client = await ready(t, await listen(t))
    const { url, sockets } = await bridgeServer(t, client)
    const far = dialled(t, url, { baseReconnectDelay: 50, maxReconnectDelay: 50 })
    await far.connect()
    const told = record(far, ['bridge', 'state', 'failed'])
    for (const socket of sockets.clients) socket.close(1012, 'new version')
    const { state, attempt, retryDelay, retryAt, error } = await bridgeReached(far, 'reconnecting')
    assert.deepEqual([state, attempt, error.code], ['reconnecting', 1, 'CONNECTION_LOST'])
    assert.match(error.message, /1012: new version/)
    assert.ok(retryDelay >= 40 && retryDelay <= 60 && retryAt > 0)
    assert.deepEqual(
      [far.state, far.connected, far.error, far.snapshot.retryAt],
      ['reconnecting', false, error, retryAt],
    )
    assert.equal(client.state, 'ready')
    assert.deepEqual([far.sendMessage('x'), far.sendToolRequest('echo')], [false, null])
    await reached(far, 'ready')
    assert.deepEqual(
      told.map(([event, { state }]) => [event, state]),
      [
        ['bridge', 'reconnecting'],
        ['state', 'reconnecting'],
        ['bridge', 'connecting'],
        ['state', 'connecting'],
        ['bridge', 'open'],
        ['state', 'ready'],
      ],
    )
    const revisions = told.filter(([event]) => event === 'state').map(([, { revision }]) => revision)
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
    )
    assert.equal(await far.useTool('echo', 2), 2)
  })

  test('sends idempotent calls again, rejects others, and lets calls wait that are made meanwhile', async (t) => {
    const release = deferred()
    const server = await listen(t, { tools: { wait: () => release.promise } })
    const client = await ready(t, server)
    const { url, sockets } = await bridgeServer(t, client)
    const far = dialled(t, url)
    await far.connect()
    const lost = rejection(far.useTool('wait'))
    const repeated = far.useTool('wait', {}, { idempotent: true })
    for (let i = 0; i < 2; i++) await server.nextRequest('wait')
    for (const socket of sockets.clients) socket.terminate()
    await bridgeReached(far, 'reconnecting')
    const waiting = far.useTool('echo', 'later')
    const connected = far.connect()
    assert.deepEqual([(await lost).code, (await lost).sent, (await lost).toolName], ['CONNECTION_LOST', true, 'wait'])
    await server.nextRequest('wait')
    release.resolve('done')
    assert.deepEqual(await Promise.all([repeated, waiting, connected]), ['done', 'later', undefined])
  })

  test('sends what is idempotent again twice, and no more', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const { url, sockets, served } = await bridgeServer(t, await ready(t, server))
    const far = dialled(t, url)
    const call = rejection(far.useTool('wait', {}, { idempotent: true }))
    for (let i = 0; i < 3; i++) {
      await server.nextRequest('wait')
      for (const socket of sockets.clients) socket.terminate()
    }
    assert.deepEqual([(await call).code, (await call).sent], ['CONNECTION_LOST', true])
    assert.ok(served.length <= 4)
  })

  test('dials until somebody is there, and takes up what was called before', async (t) => {
    const client = await ready(t, await listen(t))
    const first = await bridgeServer(t, client)
    await first.stop()
    const far = dialled(t, first.url, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    const call = far.useTool('echo', 'early')
    const { error } = await bridgeReached(far, 'reconnecting')
    assert.match(error.message, /cannot be opened/)
    assert.equal(far.state, 'reconnecting')
    await bridgeServer(t, client, { port: first.port })
    // It need not wait for the next attempt.
    await far.connect()
    assert.equal(await call, 'early')
  })

  test('goes on after the serving end has ended the service, and not after it was refused', async (t) => {
    const client = await ready(t, await listen(t))
    const { url, served } = await bridgeServer(t, client)
    const far = dialled(t, url)
    await far.connect()
    served[0].close()
    await bridgeReached(far, 'reconnecting')
    await bridgeReached(far, 'open')
    const refusing = await bridgeServer(t, fakeClient())
    const refused = dialled(t, refusing.url)
    await refused.connect()
    for (const socket of refusing.sockets.clients) {
      const error = { code: 'NOT_ALLOWED', message: 'go away', retryable: false }
      socket.send(JSON.stringify({ mcpBridge: 1, type: 'bye', error }))
    }
    const { error } = await bridgeReached(refused, 'failed')
    assert.deepEqual([error.code, refused.state, refused.error.message], ['NOT_ALLOWED', 'failed', 'go away'])
  })

  test('gives up after maxReconnectAttempts, and begins again with connect()', async (t) => {
    const client = await ready(t, await listen(t))
    const first = await bridgeServer(t, client)
    await first.stop()
    const far = dialled(t, first.url, { maxReconnectAttempts: 2 })
    const attempts = []
    far.on('bridge', ({ state, attempt }) => state === 'reconnecting' && attempts.push(attempt))
    const call = rejection(far.useTool('echo'))
    const { error } = await bridgeReached(far, 'failed')
    assert.deepEqual([error.code, error.cause.code, attempts], ['RECONNECT_EXHAUSTED', 'CONNECTION_LOST', [1, 2]])
    assert.deepEqual([(await call).code, (await call).sent, far.state], ['RECONNECT_EXHAUSTED', false, 'failed'])
    assert.equal((await rejection(far.useTool('echo'))).code, 'NOT_CONNECTED')
    await bridgeServer(t, client, { port: first.port })
    await far.connect()
    assert.equal(await far.useTool('echo', 1), 1)
  })

  test('waits longer each time for one who accepts and drops', async (t) => {
    const accepting = await bridgeServer(t, fakeClient())
    accepting.sockets.on('connection', (socket) => socket.once('message', () => socket.terminate()))
    const far = dialled(t, accepting.url, { baseReconnectDelay: 8, maxReconnectDelay: 1_000 })
    const attempts = []
    const told = inbox(far, 'bridge')
    while (attempts.length < 4) {
      const [{ state, attempt }] = await told()
      if (state === 'reconnecting') attempts.push(attempt)
    }
    assert.deepEqual(attempts, [1, 2, 3, 4])
  })

  test('gives up a server that accepts and never says a word', async (t) => {
    for (const url of [await silentUrl(t), await stuckUrl(t)]) {
      const far = dialled(t, url, { connectTimeout: 20, maxReconnectAttempts: 0 })
      const { error } = await bridgeReached(far, 'failed')
      assert.match(error.message, /did not answer within 20 ms/)
    }
  })

  test('is closed by close(), and opened again by connect()', async (t) => {
    const client = await ready(t, await listen(t))
    const { url, served } = await bridgeServer(t, client)
    const far = dialled(t, url)
    await far.connect()
    const call = rejection(far.useTool('sleep', { ms: 60_000 }))
    await far.close()
    assert.deepEqual([(await call).code, far.bridge.state, far.state], ['CLOSED', 'closed', 'closed'])
    await served[0].closed
    await far.connect()
    assert.deepEqual([far.bridge.state, far.state, served.length], ['open', 'ready', 2])
  })

  test('closed, opened and closed in one turn is closed', async (t) => {
    const { url, served } = await bridgeServer(t, await ready(t, await listen(t)))
    const far = dialled(t, url)
    await far.connect()
    const told = record(far, ['bridge'])
    void far.close()
    const connected = rejection(far.connect())
    await far.close()
    assert.equal((await connected).code, 'CLOSED')
    void far.close()
    const again = far.connect()
    await again
    assert.deepEqual([far.bridge.state, far.state], ['open', 'ready'])
    assert.equal(told.at(-1)[1].state, 'open')
    await served[0].closed
  })

  test('closed by a listener of its own opening stays closed', async (t) => {
    const { url } = await bridgeServer(t, await ready(t, await listen(t)))
    const far = dialled(t, url)
    far.once('bridge', () => void far.close())
    const states = record(far, ['state'])
    assert.equal((await rejection(far.connect())).code, 'CLOSED')
    assert.deepEqual(
      states.map(([, { state }]) => state),
      ['closed'],
    )
  })

  test('closed while it waits dials no more', async (t) => {
    const first = await bridgeServer(t, fakeClient())
    await first.stop()
    const far = dialled(t, first.url, { baseReconnectDelay: 5, maxReconnectDelay: 5 })
    await bridgeReached(far, 'reconnecting')
    await far.close()
    const again = await bridgeServer(t, await ready(t, await listen(t)), { port: first.port })
    const other = dialled(t, again.url)
    await other.connect()
    assert.deepEqual([again.served.length, far.bridge.state], [1, 'closed'])
  })

  test('does not wait where a page says that it is on the network again', async (t) => {
    const page = new EventTarget()
    for (const name of ['addEventListener', 'removeEventListener']) globalThis[name] = (...args) => page[name](...args)
    t.after(() => {
      delete globalThis.addEventListener
      delete globalThis.removeEventListener
    })
    const client = await ready(t, await listen(t))
    const { url, sockets } = await bridgeServer(t, client)
    const far = dialled(t, url, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    await far.connect()
    for (const event of ['online', 'pageshow']) {
      for (const socket of sockets.clients) socket.terminate()
      await bridgeReached(far, 'reconnecting')
      page.dispatchEvent(new Event(event))
      await reached(far, 'ready')
    }
  })

  test('names what is wrong with its url and options', async () => {
    for (const [args, words] of [
      [['/bridge'], /"\/bridge"/],
      [['ftp://host/?key=secret'], /got "ftp:\/\/host\/"$/],
      [['ws://user:secret@host/'], /must not contain credentials/],
      [['ws://host', { pingInterval: 'x' }], /pingInterval/],
      [['ws://host', { connectTimeout: -1 }], /connectTimeout/],
      [['ws://host', { maxReconnectAttempts: 1.5 }], /maxReconnectAttempts/],
      [['ws://host', { WebSocket: {} }], /"WebSocket"/],
      [['ws://host', { retries: 5 }], /unknown option "retries"/],
      [['ws://host', null], /must be an object/],
    ])
      assert.throws(() => connectBridge(...args), words)
    if (globalThis.WebSocket === undefined) assert.throws(() => connectBridge(DEAF_URL), /set the option "WebSocket"/)
  })

  test('dials http as ws, and offers subprotocols', async (t) => {
    const client = await ready(t, await listen(t))
    const { url, sockets } = await bridgeServer(t, client)
    const far = dialled(t, url.replace('ws:', 'http:'), { protocols: ['mcp', 'other'] })
    const [socket] = await once(sockets, 'connection')
    assert.equal(socket.protocol, 'mcp')
    await far.connect()
  })

  test('lets a process end that has closed it, and keeps it alive while it is open', async (t) => {
    const { url } = await bridgeServer(t, await ready(t, await listen(t)))
    const told = await run(
      t,
      async ({ input, tell }) => {
        const { connectBridge } = await import('@mcp-integration/client/bridge')
        const { WebSocket } = await import('ws')
        const far = connectBridge(input, { WebSocket })
        tell(await far.useTool('echo', 'over'))
        await far.close()
      },
      url,
    )
    assert.deepEqual(told, ['over'])
  })
})

describe('a far end that goes over a bridge whose client is not there', () => {
  test('keeps the two apart: an open bridge, and a client that failed', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    const { url } = await bridgeServer(t, client)
    const far = dialled(t, url)
    await reached(far, 'failed')
    assert.deepEqual([far.bridge.state, far.bridge.error, far.error.code], ['open', null, 'CONNECT_FAILED'])
  })

  test('shows the snapshot of another client that answers next, however young it is', async (t) => {
    const old = await ready(t, await listen(t))
    for (let i = 0; i < 5; i++) await old.reconnect()
    const first = await bridgeServer(t, old)
    const far = dialled(t, first.url)
    await far.connect()
    const { revision } = far.snapshot
    await first.stop()
    const young = open(t, await listen(t), { autoConnect: false })
    await bridgeServer(t, young, { port: first.port })
    await reached(far, 'idle')
    await far.connect()
    assert.ok(far.snapshot.revision > revision)
    assert.equal(far.state, 'ready')
  })
})

test('a ping of another implementation is answered by the serving end', async (t) => {
  const client = await ready(t, await listen(t))
  const { url } = await bridgeServer(t, client)
  const { hear, say, socket } = await rawSocket(t, url)
  assert.equal((await hear()).type, 'welcome')
  say({ type: 'ping' })
  assert.deepEqual(await hear(), { mcpBridge: 1, type: 'pong' })
  assert.equal(socket.readyState, WebSocket.OPEN)
})
