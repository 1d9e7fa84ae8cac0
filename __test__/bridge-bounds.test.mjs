/** What one port may take up, and what its far end may hear: whoever is there may be hostile. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serveClient } from '@mcp-integration/client/bridge'
import { bridge, bridged, deferred, fakeClient, rawBridge } from './helpers/bridge.mjs'
import { bridgeServer, dialled, rawSocket } from './helpers/bridge-sockets.mjs'
import { next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

const CALL = { mcpBridge: 1, type: 'call', tool: 'echo', parameters: '1', options: {} }

/** A client whose calls are settled by the test. */
function slowClient() {
  const calls = []
  const client = fakeClient({
    useTool: (_tool, parameters, { signal }) =>
      new Promise((resolve, reject) => {
        calls.push({ parameters, resolve })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  })
  return { client, calls }
}

/** A socket whose other end does not read: what is sent waits. */
function stuckSocket() {
  const sent = []
  return Object.assign(new EventTarget(), {
    readyState: 1,
    bufferedAmount: 0,
    isClosed: false,
    sent,
    send(data) {
      this.bufferedAmount += data.length
      sent.push(JSON.parse(data))
    },
    close() {
      this.isClosed = true
    },
    say(message) {
      this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify({ mcpBridge: 1, ...message }) }))
    },
  })
}

describe('calls of one port', () => {
  test('are refused beyond maxCalls, and let in again when others are settled', async (t) => {
    const { client, calls } = slowClient()
    const { far } = await bridged(t, client, { maxCalls: 2 })
    const answers = [far.useTool('a'), far.useTool('b')]
    answers[1].catch(() => {})
    const error = await rejection(far.useTool('c'))
    assert.deepEqual([error.code, error.retryable, error.sent, error.toolName], ['QUEUE_FULL', true, false, 'c'])
    calls[0].resolve('first')
    assert.equal(await answers[0], 'first')
    const controller = new AbortController()
    const third = far.useTool('c', {}, { signal: controller.signal })
    controller.abort()
    await rejection(third)
    const fourth = far.useTool('d')
    while (calls.length < 4) await new Promise(setImmediate)
    calls[3].resolve('fourth')
    assert.equal(await fourth, 'fourth')
  })

  test('are 4,096 at most by default, and leave the client to others', async (t) => {
    const { client, calls } = slowClient()
    const { say, hear } = rawBridge(t, client)
    for (let id = 0; id < 5_000; id++) say({ ...CALL, id })
    const refused = []
    while (refused.length < 904) {
      const message = await hear()
      if (message.type === 'failed') refused.push(message.error.code)
    }
    assert.deepEqual([calls.length, [...new Set(refused)]], [4_096, ['QUEUE_FULL']])
    const { far } = await bridged(t, client)
    const other = far.useTool('other')
    while (calls.length < 4_097) await new Promise(setImmediate)
    calls[4_096].resolve('mine')
    assert.equal(await other, 'mine')
  })

  test('of many ports leave half of what a client takes to its owner, and something to each port', async (t) => {
    const { client, calls } = slowClient()
    const ends = Array.from({ length: 9 }, () => rawBridge(t, client))
    for (const { say } of ends.slice(0, 8)) for (let id = 0; id < 4_096; id++) say({ ...CALL, id })
    while (calls.length < 32_768) await new Promise(setImmediate)
    const last = ends[8]
    for (let id = 0; id < 100; id++) last.say({ ...CALL, id })
    let refused = 0
    while (refused < 36) if ((await last.hear()).type === 'failed') refused += 1
    assert.equal(calls.length, 32_768 + 64)
    // A port that is gone gives its share back.
    for (const { served } of ends.slice(0, 8)) served.close()
    last.say({ ...CALL, id: 200 })
    await last.heardOut()
    assert.equal(calls.length, 32_768 + 65)
  })

  test('may not have more parameters than maxBufferedAmount together', async (t) => {
    const { client, calls } = slowClient()
    const { far } = await bridged(t, client, { maxBufferedAmount: 1_000 })
    const first = far.useTool('echo', 'x'.repeat(600))
    assert.equal((await rejection(far.useTool('echo', 'x'.repeat(600)))).code, 'QUEUE_FULL')
    calls[0].resolve('done')
    await first
    const second = far.useTool('echo', 'x'.repeat(600))
    while (calls.length < 2) await new Promise(setImmediate)
    calls[1].resolve('again')
    assert.equal(await second, 'again')
  })
})

describe('commands of one port', () => {
  test('wait with one listener for all, and beyond maxCommands are refused', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    const { say, hear } = rawBridge(t, client)
    await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
    for (let id = 0; id < 20_000; id++)
      say({ mcpBridge: 1, type: 'command', id, name: 'connect', token: null, seen: 'ready' })
    let refused = 0
    while (refused < 20_000 - 64) {
      const message = await hear()
      if (message.type !== 'failed') continue
      assert.equal(message.error.code, 'QUEUE_FULL')
      refused += 1
    }
    assert.equal(client.listenerCount('state'), 1)
    await client.connect()
    let done = 0
    while (done < 64) if ((await hear()).type === 'done') done += 1
  })

  test('that wait are dropped with their port', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    const { far, served } = await bridged(t, client)
    await Promise.all([reached(far, 'reconnecting'), server.terminateAll()])
    const waiting = rejection(far.connect())
    const { far: other } = bridge(t, client)
    const patient = other.connect()
    await far.close()
    await served.closed
    assert.equal((await waiting).code, 'CLOSED')
    await client.connect()
    await patient
  })

  test('of the far end are one, however often it asks in one state', async (t) => {
    const asked = deferred()
    let commands = 0
    const client = fakeClient({
      connect: () => {
        commands += 1
        return asked.promise
      },
    })
    const { far } = bridge(t, client)
    await next(far, 'state')
    const promises = Array.from({ length: 1_000 }, () => far.connect())
    asked.resolve()
    await Promise.all(promises)
    assert.equal(commands, 1)
  })
})

describe('what waits for a far end that does not read', () => {
  test('is bounded: of 150 results of 4 MiB a few are sent, and the others reject', async (t) => {
    const big = 'x'.repeat(4 << 20)
    const client = fakeClient({ useTool: async () => big })
    const socket = stuckSocket()
    const { webSocketPort } = await import('@mcp-integration/client/bridge')
    const served = serveClient(client, webSocketPort(socket, { pingInterval: 0 }))
    t.after(() => served.close())
    for (let id = 0; id < 150; id++) socket.say({ ...CALL, id })
    const answered = () => socket.sent.filter(({ id }) => id !== undefined)
    while (answered().length < 150) await new Promise(setImmediate)
    const failed = answered().filter(({ type }) => type === 'failed')
    assert.deepEqual([...new Set(failed.map(({ error }) => error.code))], ['QUEUE_FULL'])
    assert.ok(socket.bufferedAmount < 17 << 20, `${socket.bufferedAmount} bytes wait`)
    // It has read.
    socket.bufferedAmount = 0
    socket.say({ ...CALL, id: 200 })
    while (socket.sent.at(-1).id !== 200) await new Promise(setImmediate)
    assert.equal(socket.sent.at(-1).type, 'done')
  })

  test('lets a result pass that is larger than the bound by itself', async (t) => {
    const client = fakeClient({ useTool: async (_tool, length) => 'x'.repeat(length) })
    const { url } = await bridgeServer(t, client, { options: { maxBufferedAmount: 1_000 } })
    const far = dialled(t, url)
    assert.equal((await far.useTool('long', 5_000_000)).length, 5_000_000)
    assert.equal((await far.useTool('long', 5_000_000)).length, 5_000_000)
  })

  test('closes the port with a reason when also other messages pile up', async () => {
    const client = fakeClient()
    const log = []
    const socket = stuckSocket()
    const { webSocketPort } = await import('@mcp-integration/client/bridge')
    const served = serveClient(client, webSocketPort(socket, { pingInterval: 0 }), {
      maxBufferedAmount: 10_000,
      onLog: ({ message }) => log.push(message),
    })
    socket.say({ type: 'listen', events: ['message'] })
    let pushes = 0
    while (!socket.isClosed && pushes < 100) {
      client.emit('message', { push: 'x'.repeat(1_000) })
      pushes += 1
    }
    await served.closed
    assert.ok(pushes > 15 && pushes < 25, `${pushes} pushes`)
    const { type, error } = socket.sent.at(-1)
    assert.deepEqual([type, error.code], ['bye', 'QUEUE_FULL'])
    assert.match(log[0], /^a port of the bridge was closed: .*does not read/)
  })

  test('is not memory of the process: a real socket that is never read', async (t) => {
    const client = fakeClient({ useTool: async () => 'x'.repeat(4 << 20) })
    const { url, sockets } = await bridgeServer(t, client)
    const { socket, say } = await rawSocket(t, url)
    socket.pause()
    let answered = 0
    const [near] = sockets.clients
    const send = near.send.bind(near)
    near.send = (data, ...rest) => {
      if (/"type":"(done|failed)"/.test(data.slice(0, 100))) answered += 1
      send(data, ...rest)
    }
    for (let id = 0; id < 150; id++) say({ ...CALL, id })
    while (answered < 150) await new Promise(setImmediate)
    assert.ok(near.bufferedAmount < 32 << 20, `${near.bufferedAmount} bytes wait`)
  })
})

describe('ids that the far end chooses', () => {
  test('are dropped when they are too long, and none stays', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { say, heardOut, log } = rawBridge(t, client)
    const long = 'x'.repeat(1 << 20)
    for (let i = 0; i < 3; i++) say({ mcpBridge: 1, type: 'request', id: long + i, tool: 'echo', parameters: '1' })
    await heardOut()
    assert.match(log[0].message, /the id of a request may have at most 128 characters/)
    assert.deepEqual([log.length, server.requests.length], [3, 0])
  })

  test('in messages of their own are refused with an error', async (t) => {
    const server = await listen(t)
    const { far } = await bridged(t, await ready(t, server), { allowMessages: true, maxIdLength: 10 })
    const told = next(far, 'error')
    far.sendMessage({ id: 'x'.repeat(11), name: 'echo' })
    assert.equal((await told)[0].code, 'QUEUE_FULL')
    const answer = next(far, 'message')
    far.sendMessage({ id: 'x'.repeat(10), name: 'echo', parameters: 1 })
    assert.equal((await answer)[0].results, 1)
    assert.equal(server.requests.length, 1)
  })

  test('of one port never make those of another be forgotten', async (t) => {
    let sent = 0
    const client = fakeClient({ sendToolRequest: () => `req_${++sent}_aaaaaaaaa` })
    const { far } = await bridged(t, client)
    far.on('message', () => {})
    const id = far.sendToolRequest('echo')
    const { say, heardOut } = rawBridge(t, client)
    for (let i = 0; i < 70_000; i++) say({ mcpBridge: 1, type: 'request', id: `x${i}`, tool: 'echo', parameters: '1' })
    await heardOut()
    const answer = next(far, 'message')
    client.emit('message', { id: 'req_1_aaaaaaaaa', results: 'mine' })
    assert.deepEqual((await answer)[0], { id, results: 'mine' })
  })
})

describe('what may be heard', () => {
  const push = { text: 'for your owner’s eyes' }

  /** Everything that the far end hears while the client lives through a life of its own. */
  async function overheard(t, options) {
    const server = await listen(t)
    const client = await ready(t, server, { heartbeatInterval: 10 })
    const { far } = await bridged(t, client, options)
    const told = record(far)
    // Whatever may be listened to is, when this has come back.
    await rejection(far.useTool('fail'))
    const beats = next(client, 'heartbeat')
    server.broadcast(push)
    client.emit('log', { level: 'info', message: 'a line', fields: {} })
    await beats
    await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
    await reached(client, 'ready')
    await far.connect()
    while (far.snapshot.revision < client.snapshot.revision) await next(far, 'state')
    const kinds = new Set(told.map(([event]) => event))
    return { far, told, kinds, url: server.url }
  }

  test('where no tool is allowed is the state alone', async (t) => {
    const { far, told, kinds } = await overheard(t, { allowTools: [] })
    assert.ok(kinds.has('state') && kinds.has('close'))
    for (const event of ['message', 'log', 'heartbeat']) assert.ok(!kinds.has(event), event)
    assert.deepEqual([far.snapshot.url, far.stats().requests, far.stats().messagesSent], ['', 0, 0])
    assert.equal(far.stats().state, 'ready')
    assert.doesNotMatch(JSON.stringify(told), /127\.0\.0\.1/)
  })

  test('where a tool is allowed, or all, is everything', async (t) => {
    for (const options of [{}, { allowTools: ['echo'] }]) {
      const { far, kinds, url } = await overheard(t, options)
      for (const event of ['message', 'log', 'heartbeat', 'state']) assert.ok(kinds.has(event), event)
      assert.equal(far.snapshot.url, url)
      assert.ok(far.stats().messagesSent > 0)
    }
  })

  test('is what allowObserving lists', async (t) => {
    const { far, kinds } = await overheard(t, { allowTools: [], allowObserving: ['pushes', 'url'] })
    assert.ok(kinds.has('message') && !kinds.has('log') && !kinds.has('heartbeat'))
    assert.notEqual(far.snapshot.url, '')
    assert.equal(far.stats().messagesSent, 0)
    const other = await overheard(t, { allowObserving: ['logs'] })
    assert.ok(!other.kinds.has('message') && other.kinds.has('log'))
    assert.equal(other.far.snapshot.url, '')
  })

  test('are also with nothing allowed the answers to its own requests', async (t) => {
    const { far } = await bridged(t, await ready(t, await listen(t)), { allowObserving: false })
    const answer = next(far, 'message')
    const id = far.sendToolRequest('echo', 5)
    assert.deepEqual((await answer)[0], { id, results: 5 })
  })

  test('are no addresses in errors, in those of calls and causes neither', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    await reached(client, 'failed')
    const { far } = bridge(t, client, { allowObserving: [] })
    const { error } = await reached(far, 'failed')
    const call = await rejection(far.useTool('echo'))
    assert.match(JSON.stringify([client.error.cause.message, client.error.cause.cause]), /127\.0\.0\.1/)
    const words = []
    for (const top of [error, call])
      for (let one = top; one; one = one.cause) words.push(one.message, one.address, one.port)
    assert.doesNotMatch(words.join('\n'), /127\.0\.0\.1|:1\b/)
    assert.equal(error.cause.cause.code, client.error.cause.cause.code)
  })
})

test('bounds and rights that are wrong are named', (t) => {
  const client = open(t, DEAF_URL, { autoConnect: false })
  const { port1 } = new MessageChannel()
  t.after(() => port1.close())
  for (const name of ['maxCalls', 'maxCommands', 'maxBufferedAmount', 'maxIdLength'])
    for (const value of [0, -1, 1.5, '5', Infinity, null])
      assert.throws(() => serveClient(client, port1, { [name]: value }), new RegExp(`"${name}"`))
  for (const value of ['pushes', ['everything'], 1, null])
    assert.throws(() => serveClient(client, port1, { allowObserving: value }), /"allowObserving" must be/)
})
