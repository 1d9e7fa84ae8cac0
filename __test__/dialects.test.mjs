/** The two wire dialects, how they are told apart, and the change from one to the other. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { WELCOME, listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

const eventServer = (t, options) => listen(t, { dialect: 'event', ...options })

/** What comes after the guide's auth message, which a client sends before it knows better. */
function framesOf(server) {
  const frames = inbox(server, 'message')
  return async () => {
    const [text] = await frames()
    const frame = JSON.parse(text)
    return frame.id === 'auth' ? JSON.parse((await frames())[0]) : frame
  }
}

describe('against a server of the event dialect', () => {
  test('the client becomes ready by itself, with the same events', async (t) => {
    const client = open(t, await eventServer(t))
    const told = record(client, ['state', 'open', 'authenticated', 'message'])
    const log = record(client, ['log'])
    await client.connect()
    assert.deepEqual(
      told.slice(0, 6).map(([name, first]) => first?.state ?? first?.event ?? first?.message ?? name),
      ['connecting', 'authenticating', 'open', 'ready', 'authenticated', 'connection'],
    )
    assert.equal(client.authenticated, true)
    assert.ok(log.some(([, { message }]) => message === 'the server speaks the event dialect'))
  })

  test('a first message "schemas" will do as well as "connection"', async (t) => {
    const { url } = await listenRaw(t, (socket) => socket.send('{"event":"schemas","data":[]}'))
    await ready(t, url)
  })

  test('a call is answered, with its parameters as they are', async (t) => {
    const server = await eventServer(t)
    const client = await ready(t, server)
    const frames = framesOf(server)
    assert.deepEqual(await client.useTool('echo', { query: 'ü', n: 1 }), { query: 'ü', n: 1 })
    const frame = await frames()
    assert.match(frame.request.id, /^req_\d+_[0-9a-z]{9}$/)
    assert.deepEqual(frame, {
      type: 'mcp_request',
      request: { id: frame.request.id, name: 'echo', parameters: { query: 'ü', n: 1 } },
    })
  })

  test('parameters that are missing or null are sent as {}', async (t) => {
    const server = await eventServer(t)
    const client = await ready(t, server)
    assert.deepEqual(await client.useTool('echo'), {})
    assert.deepEqual(await client.useTool('echo', null), {})
    assert.equal(await client.useTool('echo', 0), 0)
  })

  test('errors of tools, and of requests that never reached one, reject their calls', async (t) => {
    const client = await ready(t, await eventServer(t))
    const failed = await rejection(client.useTool('fail', { message: 'No luck', code: 'NO_LUCK' }))
    assert.equal(failed.message, 'No luck')
    assert.equal(failed.toolCode, 'NO_LUCK')
    const unknown = await rejection(client.useTool('nonsense', {}))
    assert.equal(unknown.code, 'TOOL_ERROR')
    assert.match(unknown.message, /Unknown tool "nonsense"/)
    assert.equal(unknown.requestId, unknown.data.requestId)
  })

  test('an error of no request is a message like any other', async (t) => {
    const server = await eventServer(t)
    const client = await ready(t, server)
    const messages = inbox(client, 'message')
    server.broadcast({ event: 'error', data: { message: 'something' } })
    server.broadcast({ event: 'news', data: 1 })
    while ((await messages())[0].event !== 'error');
    assert.deepEqual(await messages(), [{ event: 'news', data: 1 }])
    assert.equal(client.state, 'ready')
    assert.equal(client.stats().lateResponses, 0)
  })

  test('the heartbeat is spoken in it too', async (t) => {
    const server = await eventServer(t)
    const frames = framesOf(server)
    const client = await ready(t, server, { heartbeatInterval: 10 })
    await next(client, 'heartbeat')
    assert.deepEqual(await frames(), { type: 'ping' })
  })

  test('sendToolRequest is spoken in it too', async (t) => {
    const client = await ready(t, await eventServer(t))
    const messages = inbox(client, 'message')
    const id = client.sendToolRequest('echo', { a: 1 })
    let message
    do [message] = await messages()
    while (message.event !== 'response')
    assert.deepEqual(message, { event: 'response', data: { id, results: { a: 1 } } })
    assert.equal(client.stats().lateResponses, 0)
  })

  test('calls that were queued in the one dialect are sent in the other', async (t) => {
    const server = await eventServer(t)
    const client = open(t, server)
    const calls = [client.useTool('echo', { n: 1 }), client.useTool('echo')]
    assert.deepEqual(await Promise.all(calls), [{ n: 1 }, {}])
  })

  test('authenticate() has nothing to do, and a token function is not waited for', async (t) => {
    const server = await eventServer(t)
    const frames = inbox(server, 'message')
    const client = open(t, server, { apiKey: () => new Promise(() => {}), authTimeout: 100_000 })
    await client.connect()
    await client.authenticate('key')
    await client.useTool('echo')
    assert.equal(JSON.parse((await frames())[0]).type, 'mcp_request')
  })

  test('ten thousand calls at once each get their own answer', async (t) => {
    const client = await ready(t, await eventServer(t))
    const calls = Array.from({ length: 10_000 }, (_, i) => client.useTool('echo', i))
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => i),
    )
  })
})

describe('the option dialect', () => {
  test('"event" sends no auth message, and waits for the greeting', async (t) => {
    const server = await eventServer(t)
    const frames = inbox(server, 'message')
    const client = await ready(t, server, { dialect: 'event' })
    await client.useTool('echo')
    assert.equal(JSON.parse((await frames())[0]).type, 'mcp_request')
  })

  test('"event" against a server of the guide gets no greeting: AUTH_TIMEOUT', async (t) => {
    const client = open(t, await listen(t), { dialect: 'event', authTimeout: 20, maxReconnectAttempts: 0 })
    assert.equal((await rejection(client.connect())).code, 'AUTH_TIMEOUT')
  })

  test('"guide" against a server of the event dialect gets no answer: AUTH_TIMEOUT', async (t) => {
    const client = open(t, await eventServer(t), { dialect: 'guide', authTimeout: 20, maxReconnectAttempts: 0 })
    assert.equal((await rejection(client.connect())).code, 'AUTH_TIMEOUT')
  })

  test('"guide" takes events for pushes', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { dialect: 'guide' })
    const messages = inbox(client, 'message')
    server.broadcast({ event: 'connection', data: {} })
    assert.deepEqual(await messages(), [{ event: 'connection', data: {} }])
    assert.equal(await client.useTool('echo', 1), 1)
  })
})

describe('the dialect is found out anew on every connection:', () => {
  test('a server that is exchanged for one of the other dialect, and back, is spoken to in its own', async (t) => {
    let server = await listen(t)
    const { port } = server
    const client = await ready(t, server, PATIENT)
    for (const dialect of ['event', 'guide', 'event']) {
      const waiting = next(client, 'reconnecting')
      await server.terminateAll()
      await server.close()
      await waiting
      server = await MCPTestServer.listen({ port, dialect })
      t.after(() => server.close())
      const queued = client.useTool('status', {})
      await client.connect()
      assert.equal((await queued).dialect, dialect)
    }
  })

  test('a call is sent again in the other dialect if it may run twice', async (t) => {
    let server = await listen(t)
    const { port } = server
    const client = await ready(t, server, PATIENT)
    server.intercept((text) => text.includes('"status"'))
    const call = client.useTool('status', {}, { idempotent: true })
    await next(server, 'message')
    const waiting = next(client, 'reconnecting')
    await server.terminateAll()
    await server.close()
    await waiting
    server = await MCPTestServer.listen({ port, dialect: 'event' })
    t.after(() => server.close())
    void client.connect()
    assert.equal((await call).dialect, 'event')
  })
})

test("an auth answer after events: the guide's dialect it is after all, and calls are sent again in it", async (t) => {
  const frames = []
  const { url } = await listenRaw(t, (socket) => {
    socket.send('{"event":"connection","data":{}}')
    socket.on('message', (data) => {
      const frame = JSON.parse(data)
      frames.push(frame)
      if (frame.type === 'mcp_request') socket.send(WELCOME)
      if (frame.name === 'held') socket.send(JSON.stringify({ id: frame.id, results: 'in the end' }))
    })
  })
  const client = await ready(t, url)
  const logged = next(client, 'log')
  assert.equal(await client.useTool('held', { a: 1 }), 'in the end')
  assert.equal((await logged)[0].level, 'warn')
  const [auth, inEvent, inGuide] = frames
  assert.equal(auth.id, 'auth')
  assert.equal(inEvent.type, 'mcp_request')
  assert.deepEqual(inGuide, { id: inEvent.request.id, name: 'held', parameters: { a: 1 } })
})

test('events that come after the auth answer change nothing', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  const messages = inbox(client, 'message')
  server.broadcast({ event: 'schemas', data: [] })
  await messages()
  assert.equal(await client.useTool('echo', 1), 1)
  await reached(client, 'ready')
})
