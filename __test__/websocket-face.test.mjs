/** Code that was written against a WebSocket, run with the class imported under that name. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient as WebSocket } from '@mcp-integration/client'
import { PATIENT, inbox, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl, stuckUrl } from './helpers/ports.mjs'
import { WELCOME } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

/** `new WebSocket(…)`, closed when the test is over. */
function socketOf(t, ...args) {
  const socket = new WebSocket(...args)
  t.after(() => socket.close())
  return socket
}

/** The events of one type from now on, through addEventListener. */
function events(socket, type) {
  const arrived = []
  const waiting = []
  socket.addEventListener(type, (event) => (waiting.length > 0 ? waiting.shift()(event) : arrived.push(event)))
  return () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)))
}

test('new WebSocket(url) connects, and takes subprotocols like one', async (t) => {
  const server = await listen(t)
  for (const [protocols, agreed] of [[undefined, ''], ['mcp', 'mcp'], [['mcp', 'other'], 'mcp'], [[], '']]) {
    const socket = socketOf(t, server.url, protocols)
    await events(socket, 'open')()
    assert.equal((await server.nextConnection()).protocol, agreed)
  }
  const byUrl = socketOf(t, new URL(server.url))
  assert.equal(byUrl.url, server.url)
  await events(byUrl, 'open')()
})

test('the constants are on the class and on the instance, and cannot be changed', (t) => {
  const socket = socketOf(t, DEAF_URL)
  for (const [index, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].entries()) {
    assert.equal(WebSocket[name], index)
    assert.equal(socket[name], index)
  }
})

test('readyState follows the state', async (t) => {
  const server = await listen(t, { tokens: ['right'] })
  const { CONNECTING, OPEN, CLOSING, CLOSED } = WebSocket
  const expected = { idle: CLOSED, connecting: CONNECTING, authenticating: OPEN, unauthorized: OPEN, ready: OPEN, reconnecting: CONNECTING, closing: CLOSING, closed: CLOSED }
  const client = open(t, server, { autoConnect: false, ...PATIENT })
  const seen = { idle: client.readyState }
  client.on('state', ({ state }) => (seen[state] = client.readyState))
  await rejection(client.connect())
  await client.authenticate('right')
  await server.terminateAll()
  await reached(client, 'reconnecting')
  await client.connect()
  await client.close()
  assert.deepEqual(seen, expected)
  const failed = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
  await reached(failed, 'failed')
  assert.equal(failed.readyState, CLOSED)
})

describe('listeners', () => {
  test('by property get the events, with the socket as this and as target', async (t) => {
    const server = await listen(t)
    const socket = socketOf(t, server.url, PATIENT)
    const told = []
    for (const type of ['open', 'message', 'error', 'close']) {
      assert.equal(socket[`on${type}`], null)
      const handler = function (event) {
        told.push([type, event.type, this === socket && event.target === socket && event.currentTarget === socket])
      }
      socket[`on${type}`] = handler
      assert.equal(socket[`on${type}`], handler)
    }
    await socket.connect()
    await server.terminateAll()
    await reached(socket, 'reconnecting')
    await new Promise(setImmediate)
    assert.deepEqual(told, ['open', 'message', 'close', 'error'].map((type) => [type, type, true]))
  })

  test('by property are one, and are taken away by anything that is no function', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const heard = []
    socket.onmessage = () => heard.push('first')
    socket.onmessage = () => heard.push('second')
    await socket.useTool('echo')
    assert.deepEqual(heard, ['second'])
    for (const nothing of [null, undefined, 5, {}]) {
      socket.onmessage = () => heard.push('never')
      socket.onmessage = nothing
      assert.equal(socket.onmessage, null)
    }
    await socket.useTool('echo')
    assert.deepEqual(heard, ['second'])
  })

  test('may be objects with handleEvent, may be added once, and may be removed', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const heard = []
    const object = {
      name: 'object',
      handleEvent(event) {
        heard.push(`${this.name} ${event.type}`)
      },
    }
    const twice = () => heard.push('twice')
    const removed = () => heard.push('removed')
    socket.addEventListener('message', object)
    socket.addEventListener('message', twice)
    socket.addEventListener('message', twice)
    socket.addEventListener('message', () => heard.push('once'), { once: true })
    socket.addEventListener('message', removed)
    socket.removeEventListener('message', removed)
    socket.removeEventListener('message', () => {})
    socket.removeEventListener('close', twice)
    socket.addEventListener('message', null)
    await socket.useTool('echo')
    await socket.useTool('echo')
    assert.deepEqual(heard, ['object message', 'twice', 'once', 'object message', 'twice'])
    socket.removeEventListener('message', object)
    socket.removeEventListener('message', twice)
    await socket.useTool('echo')
    assert.equal(heard.length, 5)
  })

  test('get the raw text of a message, JSON or not', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const messages = events(socket, 'message')
    for (const text of ['{"a" : 1}', 'no JSON: grüße 😀', '', '[1,', '"\\ud83d"']) {
      server.broadcast(text)
      assert.equal((await messages()).data, text)
    }
  })

  test('get code, reason and wasClean of a close', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const closes = events(socket, 'close')
    await server.closeAll(4001, 'enough')
    const { type, code, reason, wasClean } = await closes()
    assert.deepEqual({ type, code, reason, wasClean }, { type: 'close', code: 4001, reason: 'enough', wasClean: true })
    await reached(socket, 'ready')
    await server.terminateAll()
    assert.equal((await closes()).code, 1006)
  })

  test('get the error and its message', async (t) => {
    const { message, error } = await events(socketOf(t, DEAF_URL), 'error')()
    assert.equal(error.code, 'CONNECT_FAILED')
    assert.equal(message, error.message)
  })
})

describe('send()', () => {
  test('sends a string as it is', async (t) => {
    const server = await listen(t)
    const socket = socketOf(t, server.url)
    const frames = inbox(server, 'message')
    await events(socket, 'open')()
    assert.equal(socket.send('grüße 😀'), undefined)
    const texts = [(await frames())[0], (await frames())[0]]
    assert.deepEqual(texts, ['{"id":"auth","token":"anonymous"}', 'grüße 😀'])
  })

  test('throws an InvalidStateError while connecting', async (t) => {
    const waiting = open(t, DEAF_URL, PATIENT)
    await reached(waiting, 'reconnecting')
    for (const socket of [open(t, await silentUrl(t)), waiting]) {
      assert.throws(() => socket.send('{}'), (error) => error instanceof DOMException && error.name === 'InvalidStateError')
    }
  })

  test('passes over what is sent after the end', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const frames = []
    server.on('message', (text) => frames.push(text))
    const closed = socket.close()
    assert.equal(socket.send('closing'), undefined)
    await closed
    assert.equal(socket.send('closed'), undefined)
    assert.deepEqual(frames, [])
  })

  test('throws a TypeError for what is no string', async (t) => {
    const socket = await ready(t, await listen(t))
    for (const data of [undefined, null, 5, {}, Buffer.from('{}'), new ArrayBuffer(2)]) assert.throws(() => socket.send(data), TypeError)
  })

  test('throws QUEUE_FULL where the buffer is full', async (t) => {
    const socket = await ready(t, await listen(t), { maxBufferedAmount: 100 })
    assert.throws(() => socket.send('x'.repeat(101)), { name: 'MCPError', code: 'QUEUE_FULL', retryable: true })
    assert.equal(socket.readyState, WebSocket.OPEN)
  })
})

test('bufferedAmount counts what waits to be sent, and falls when it is gone', async (t) => {
  const socket = await ready(t, await listen(t))
  assert.equal(socket.bufferedAmount, 0)
  socket.send('grüße')
  assert.equal(socket.bufferedAmount, 7)
  await socket.useTool('echo')
  assert.equal(socket.bufferedAmount, 0)
  const stuck = await ready(t, await stuckUrl(t, [WELCOME]))
  for (let i = 0; i < 8; i++) stuck.send('x'.repeat(1 << 20))
  await new Promise(setImmediate)
  assert.ok(stuck.bufferedAmount > 1 << 20)
})

test('close(code, reason) reaches the server, and an invalid code throws', async (t) => {
  const server = await listen(t)
  const socket = socketOf(t, server.url)
  await events(socket, 'open')()
  const closes = events(socket, 'close')
  for (const code of [999, 1005, 1006, 5000]) assert.throws(() => socket.close(code), RangeError)
  socket.close(3000, 'done')
  assert.equal(socket.readyState, WebSocket.CLOSING)
  const { code, reason, wasClean } = await closes()
  assert.deepEqual({ code, reason, wasClean }, { code: 3000, reason: 'done', wasClean: true })
  assert.deepEqual(await (await server.nextConnection()).closed, { code: 3000, reason: 'done' })
})

test('the guide\'s own code, which authenticates and pings by itself, does no harm', async (t) => {
  const server = await listen(t, { tokens: ['key'] })
  const seen = []
  const results = new Promise((resolve) => {
    // From here on as in the guide.
    const socket = socketOf(t, server.url, { apiKey: 'key', heartbeatInterval: 10 })
    socket.addEventListener('open', () => authenticate('key'))
    socket.addEventListener('message', (event) => handleMessage(JSON.parse(event.data)))
    socket.addEventListener('close', (event) => seen.push(['close', event.code]))
    socket.addEventListener('error', (event) => seen.push(['error', event.message]))

    function authenticate(token) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ id: 'auth', token }))
    }

    function sendPing() {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ messageType: 'ping', timestamp: Date.now() }))
    }

    function sendToolRequest(toolName, parameters) {
      const requestId = `req_${Date.now()}_${Math.random().toString(36).substr(2, 9)}`
      socket.send(JSON.stringify({ id: requestId, name: toolName, parameters }))
      return requestId
    }

    let pongs = 0
    function handleMessage(data) {
      if (data.id === 'auth') {
        seen.push(['auth', data.success])
        sendPing()
      } else if (data.messageType === 'pong') {
        if (++pongs === 5) sendToolRequest('echo', { a: 1 })
      } else if (data.id && data.id.startsWith('req_')) {
        resolve({ socket, results: data.results })
      }
    }
  })
  const { socket, results: echoed } = await results
  assert.deepEqual(echoed, { a: 1 })
  assert.deepEqual(seen, [['auth', true], ['auth', true]])
  assert.equal(socket.state, 'ready')
  assert.equal(server.connections.length, 1)
  assert.equal((await server.nextConnection()).id, 1)
  assert.equal(await socket.useTool('echo', 2), 2)
})

test('the guide\'s reconnecting code of its own leaves one live socket', async (t) => {
  let isOver = false
  t.after(() => (isOver = true))
  const server = await listen(t)
  const sockets = []
  const second = new Promise((resolve) => {
    function connect() {
      const socket = socketOf(t, server.url)
      socket.addEventListener('open', () => sockets.push(socket) === 2 && resolve())
      socket.addEventListener('close', () => reconnect(socket))
    }
    function reconnect(socket) {
      // As in the guide: what is open or connecting is closed first.
      if (socket.readyState === WebSocket.OPEN || socket.readyState === WebSocket.CONNECTING) socket.close()
      if (!isOver) setTimeout(connect, 1)
    }
    connect()
  })
  await server.nextConnection()
  await server.closeAll(1012)
  await second
  await sockets[1].connect()
  assert.deepEqual(sockets.map(({ state }) => state), ['closed', 'ready'])
  assert.equal(server.connections.length, 1)
})
