/** Answers that come together lead to calls that are sent together, where many are awaited. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATIENT } from './helpers/client.mjs'

/** A WebSocket that the test plays the server of. */
class PlayedWebSocket {
  static made = []
  readyState = 0
  bufferedAmount = 0
  sent = []

  constructor() {
    PlayedWebSocket.made.push(this)
    setImmediate(() => {
      this.readyState = 1
      this.onopen?.({})
    })
  }

  send(text) {
    const message = JSON.parse(text)
    this.sent.push(message)
    if (message.id === 'auth') setImmediate(() => this.tell({ id: 'auth', success: true }))
  }

  close(code = 1000) {
    this.readyState = 2
    setImmediate(() => this.end(code, true))
  }

  end(code, wasClean) {
    this.readyState = 3
    this.onclose?.({ code, reason: '', wasClean })
  }

  tell(message) {
    this.onmessage({ data: JSON.stringify(message) })
  }

  get calls() {
    return this.sent.filter(({ name }) => name !== undefined)
  }

  /** As a server answers: with what the call has given. */
  answer(n) {
    const { id, parameters } = this.calls.find(({ parameters }) => parameters === n)
    this.tell({ id, results: parameters })
  }
}

globalThis.WebSocket = PlayedWebSocket
/** Goes on when a test says so: what follows a message at once belongs to its burst. */
let time = 1000
performance.now = () => time
const { MCPClient } = await import('@mcp-integration/client/portable')

const OPEN = 1
const MANY = 20
/** ms. */
const LATER = 5
const LIMIT = 1000

/** A client with so many calls in flight, each of which is followed by another one when it is answered. */
async function busy(t, count) {
  const client = new MCPClient('ws://played/', { ...PATIENT, maxMessageSize: LIMIT })
  t.after(() => client.close())
  await client.connect()
  const socket = PlayedWebSocket.made.at(-1)
  const follow = async (n) => client.useTool('any', (await client.useTool('any', n)) + 100)
  const calls = Array.from({ length: count }, (_, n) => follow(n))
  for (const call of calls) call.catch(() => {})
  time += LATER
  await untilSent(socket, count)
  return { client, socket, calls }
}

const parametersOf = ({ calls }) => calls.map(({ parameters }) => parameters)

async function untilSent(socket, count) {
  while (socket.calls.length < count) await new Promise(setImmediate)
}

/** All that follows without another task. */
async function microtasks() {
  for (let n = 0; n < 50; n++) await null
}

test('the call that follows an answer is sent at once while few are in flight', async (t) => {
  const { socket } = await busy(t, 3)
  socket.answer(1)
  await microtasks()
  assert.deepEqual(parametersOf(socket), [0, 1, 2, 101])
})

test('calls that follow no answer are sent at the end of their turn, however many are in flight', async (t) => {
  const { client, socket } = await busy(t, MANY)
  for (let n = 0; n < MANY; n++) client.useTool('any', n).catch(() => {})
  await microtasks()
  assert.equal(socket.calls.length, 2 * MANY)
  socket.answer(0)
  time += LATER
  await microtasks()
  assert.equal(socket.calls.length, 2 * MANY + 1)
})

test('calls that follow answers of one burst are sent together, in their order', async (t) => {
  const { socket } = await busy(t, MANY)
  for (const n of [2, 0, 1]) {
    socket.answer(n)
    await microtasks()
  }
  assert.equal(socket.calls.length, MANY)
  await untilSent(socket, MANY + 3)
  assert.deepEqual(parametersOf(socket).slice(MANY), [102, 100, 101])
})

test('a message is sent at the end of its turn, after the calls that wait', async (t) => {
  const { client, socket } = await busy(t, MANY)
  socket.answer(0)
  await microtasks()
  assert.equal(client.sendMessage({ mine: 1 }), true)
  client.sendToolRequest('any', 1000)
  client.useTool('any', 2000).catch(() => {})
  await microtasks()
  assert.deepEqual(parametersOf(socket).slice(MANY), [100, 1000, 2000])
  assert.deepEqual(socket.sent.at(-3), { mine: 1 })
})

for (const command of ['close', 'reconnect', 'authenticate']) {
  test(`${command}() sends what was accepted before it`, async (t) => {
    const { client, socket } = await busy(t, MANY)
    socket.answer(0)
    await microtasks()
    client[command]().catch(() => {})
    assert.deepEqual(parametersOf(socket).slice(MANY), [100])
  })
}

for (const [how, end] of Object.entries({
  'a message that is too large ends': (socket) => socket.tell('x'.repeat(LIMIT)),
  'the end of': (socket) => socket.end(1006, false),
})) {
  test(`a call that waits for others when ${how} its connection is sent on the next one alone`, async (t) => {
    const { client, socket, calls } = await busy(t, MANY)
    socket.answer(0)
    await microtasks()
    end(socket)
    assert.ok(socket.readyState > OPEN, 'a socket that is given up does not wait for the burst')
    const lost = await Promise.allSettled(calls.slice(1))
    assert.ok(lost.every(({ reason }) => reason.sent === true))
    assert.equal(socket.calls.length, MANY)
    void client.connect()
    while (PlayedWebSocket.made.at(-1) === socket) await new Promise(setImmediate)
    const next = PlayedWebSocket.made.at(-1)
    await untilSent(next, 1)
    assert.deepEqual(parametersOf(next), [100])
    next.answer(100)
    assert.equal(await calls[0], 100)
  })
}
