/** `MCPTestServer`, seen through a WebSocket that is not ours. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { MCPTestServer, ToolFailure } from '@mcp-integration/client/testing'
import { RawClient, refusal } from './helpers/raw-client.mjs'
import { listen } from './helpers/test-server.mjs'

describe('listening', () => {
  test('a free port of the loopback is taken by default', async (t) => {
    const server = await listen(t)
    assert.match(server.url, /^ws:\/\/127\.0\.0\.1:\d+\/mcp-ws$/)
    assert.equal(server.url, `ws://127.0.0.1:${server.port}/mcp-ws`)
    assert.equal(server.dialect, 'guide')
  })

  test('a port in use rejects with the error of Node.js', async (t) => {
    const { port } = await listen(t)
    await assert.rejects(MCPTestServer.listen({ port }), { code: 'EADDRINUSE' })
  })

  const misfits = [
    [{ prot: 1 }, TypeError, /unknown option "prot"/],
    [{ port: -1 }, RangeError, /"port"/],
    [{ port: NaN }, RangeError, /"port"/],
    [{ port: 65_536 }, RangeError, /"port"/],
    [{ port: '80' }, TypeError, /"port"/],
    [{ host: '' }, TypeError, /"host"/],
    [{ path: 'mcp-ws' }, TypeError, /"path"/],
    [{ tokens: 'secret' }, TypeError, /"tokens"/],
    [{ tokens: ['secret', ''] }, TypeError, /"tokens"/],
    [{ tools: { add: 3 } }, TypeError, /"tools": "add"/],
    [{ dialect: 'auto' }, TypeError, /"dialect"/],
    [{ docs: '/there/is/no/such/folder' }, TypeError, /"docs"/],
    [{ history: -1 }, RangeError, /"history"/],
  ]
  for (const [options, type, message] of misfits) {
    test(`the options ${JSON.stringify(options)} are refused by name`, async () => {
      const error = await MCPTestServer.listen(options).catch((caught) => caught)
      assert.ok(error instanceof type, `${error}`)
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /secret/)
    })
  }

  test('a plain HTTP request is told that this is a WebSocket server', async (t) => {
    const server = await listen(t)
    const response = await fetch(server.url.replace('ws:', 'http:'))
    assert.equal(response.status, 426)
    assert.match(await response.text(), /WebSocket/)
  })

  test('another path is refused with HTTP 400', async (t) => {
    const server = await listen(t, { path: '/tools' })
    assert.match(await refusal(t, server.url.replace('/tools', '/mcp-ws')), /400/)
    await RawClient.open(t, `${server.url}?key=value`)
  })

  test('the module can be required and imported', () => {
    const required = createRequire(import.meta.url)('@mcp-integration/client/testing')
    assert.equal(required.MCPTestServer, MCPTestServer)
    assert.equal(MCPTestServer.name, 'MCPTestServer')
  })
})

describe('the guide dialect', () => {
  test('any token but an empty one authenticates where none are given', async (t) => {
    const server = await listen(t)
    const client = await RawClient.open(t, server.url)
    const connection = await server.nextConnection()
    assert.equal(connection.authenticated, false)
    assert.deepEqual(await client.ask({ id: 'auth', token: 'anonymous' }), { id: 'auth', success: true })
    assert.equal(connection.authenticated, true)
    assert.equal((await client.ask({ id: 'auth', token: '' })).success, false)
    assert.equal((await client.ask({ id: 'auth' })).success, false)
    assert.equal(connection.authenticated, false)
  })

  test('a token that is not among the given ones is refused without being repeated, and the connection stays', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = await RawClient.open(t, server.url)
    const refused = await client.ask({ id: 'auth', token: 'wrong' })
    assert.equal(refused.success, false)
    assert.equal(refused.error.code, 'BAD_TOKEN')
    assert.doesNotMatch(JSON.stringify(refused), /wrong|right/)
    assert.deepEqual(await client.ask({ id: 'auth', token: 'right' }), { id: 'auth', success: true })
  })

  test('the tokens can be replaced while the server runs', async (t) => {
    const server = await listen(t, { tokens: ['old'] })
    const client = await RawClient.authenticated(t, server.url, 'old')
    server.setTokens(['new'])
    assert.equal((await client.ask({ id: 'auth', token: 'old' })).success, false)
    assert.equal((await client.ask({ id: 'auth', token: 'new' })).success, true)
    server.setTokens(undefined)
    assert.equal((await client.ask({ id: 'auth', token: 'any' })).success, true)
    assert.throws(() => server.setTokens(['']), TypeError)
  })

  test('a request before the authentication gets an error and runs no tool', async (t) => {
    const server = await listen(t, { tools: { never: () => assert.fail('it ran') } })
    const client = await RawClient.open(t, server.url)
    const answer = await client.ask({ id: 'req_1', name: 'never', parameters: {} })
    assert.equal(answer.id, 'req_1')
    assert.equal(answer.error.code, 'NOT_AUTHENTICATED')
    assert.equal((await server.nextRequest()).id, 'req_1')
  })

  test('a ping gets a pong with the time of the server, authenticated or not', async (t) => {
    const server = await listen(t)
    const client = await RawClient.open(t, server.url)
    const pong = await client.ask({ messageType: 'ping', timestamp: 1 })
    assert.equal(pong.messageType, 'pong')
    assert.ok(Math.abs(pong.timestamp - Date.now()) < 60_000)
  })

  test('a result is answered under the id of its request, a string or a number', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    assert.deepEqual(await client.ask({ id: 'req_1', name: 'echo', parameters: { a: [1, null] } }), {
      id: 'req_1',
      results: { a: [1, null] },
    })
    assert.deepEqual(await client.ask({ id: 7, name: 'echo', parameters: 'x' }), { id: 7, results: 'x' })
    assert.deepEqual(await client.ask({ id: 'none', name: 'echo' }), { id: 'none' })
  })

  test('a request in a binary frame is understood', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    const answer = await client.ask(Buffer.from('{"id":"b","name":"echo","parameters":"ü"}'))
    assert.deepEqual(answer, { id: 'b', results: 'ü' })
  })

  const malformed = [
    ['text that is not JSON', '{"id":', { code: 'BAD_MESSAGE' }],
    ['an empty frame', '', { code: 'BAD_MESSAGE' }],
    ['a request without an id', '{"name":"echo"}', { code: 'BAD_REQUEST' }],
    [
      'a request whose id is nested too deep to be repeated',
      `{"name":"echo","id":${'['.repeat(2e5)}${']'.repeat(2e5)}}`,
      { code: 'BAD_REQUEST' },
    ],
    ['a request without a name', '{"id":"r"}', { code: 'BAD_REQUEST' }],
    ['a request whose name is no string', '{"id":"r","name":5}', { code: 'BAD_REQUEST' }],
  ]
  for (const [what, frame, error] of malformed) {
    test(`${what} is answered with an error, and the connection goes on`, async (t) => {
      const server = await listen(t)
      const client = await RawClient.authenticated(t, server.url)
      assert.equal((await client.ask(frame)).error.code, error.code)
      assert.equal((await client.ask({ id: 'r', name: 'echo', parameters: 1 })).results, 1)
      assert.equal(server.requests.length, 1)
    })
  }

  test('messages that ask for nothing get no answer', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    for (const frame of [
      'null',
      '5',
      '"auth"',
      '[]',
      '{}',
      '{"hello":"world"}',
      '{"messageType":"pong"}',
      '{"type":"ping"}',
    ])
      client.send(frame)
    assert.equal((await client.ask({ id: 'last', name: 'echo' })).id, 'last')
  })

  test('parameters too deep to be written are an error of the tool, not the end of the server', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    const answer = await client.ask(`{"id":"deep","name":"echo","parameters":${'['.repeat(2e5)}${']'.repeat(2e5)}}`)
    assert.equal(answer.error.code, 'TOOL_ERROR')
  })
})

describe('the event dialect', () => {
  test('connection and schemas come at once, and no authentication is asked for', async (t) => {
    const server = await listen(t, { dialect: 'event' })
    const client = await RawClient.open(t, server.url)
    const { event, data } = await client.next()
    assert.equal(event, 'connection')
    assert.equal(typeof data.clientId, 'string')
    assert.equal(typeof data.timestamp, 'number')
    assert.equal(typeof data.message, 'string')
    const schemas = await client.next()
    assert.equal(schemas.event, 'schemas')
    assert.ok(schemas.data.length >= 5)
    assert.ok(schemas.data.every((schema) => schema.type === 'object' && !('name' in schema)))
    assert.equal((await server.nextConnection()).authenticated, true)
  })

  async function openEvent(t, options) {
    const server = await listen(t, { dialect: 'event', ...options })
    const client = await RawClient.open(t, server.url)
    await client.next()
    await client.next()
    return { server, client, call: (request) => client.ask({ type: 'mcp_request', request }) }
  }

  test('a request is answered with a response under its id, as it was sent', async (t) => {
    const { call } = await openEvent(t)
    const response = (data) => ({ event: 'response', data })
    assert.deepEqual(
      await call({ id: 'a', name: 'echo', parameters: { x: 1 } }),
      response({ id: 'a', results: { x: 1 } }),
    )
    assert.deepEqual(await call({ id: 9, name: 'echo', parameters: {} }), response({ id: 9, results: {} }))
  })

  test('a request without an id gets one of the server', async (t) => {
    const { server, call } = await openEvent(t)
    const { data } = await call({ name: 'echo', parameters: { x: 1 } })
    assert.deepEqual(data.results, { x: 1 })
    assert.ok(data.id.length > 0)
    assert.equal((await server.nextRequest()).id, data.id)
  })

  test('a tool that fails answers with its error', async (t) => {
    const { call } = await openEvent(t)
    const { event, data } = await call({ id: 'a', name: 'fail', parameters: { message: 'No luck' } })
    assert.equal(event, 'response')
    assert.deepEqual(data, { id: 'a', error: { message: 'No luck', code: 'TOOL_ERROR' } })
  })

  test('what fails before the tool runs is an error event with the id of the request', async (t) => {
    const { call } = await openEvent(t)
    for (const request of [
      { id: 'a', name: 'nothing', parameters: {} },
      { id: 'a', name: 'echo' },
      { id: 'a', name: 'echo', parameters: null },
      { id: 'a', parameters: {} },
    ]) {
      const { event, data } = await call(request)
      assert.equal(event, 'error')
      assert.equal(data.requestId, 'a')
      assert.equal(typeof data.message, 'string')
    }
  })

  test('what belongs to no request is an error event without one', async (t) => {
    const { client, call } = await openEvent(t)
    for (const answer of [await client.ask('not JSON'), await call('nothing'), await call(undefined)]) {
      assert.equal(answer.event, 'error')
      assert.ok(!('requestId' in answer.data))
    }
  })

  test("the guide's frames are ignored without a word", async (t) => {
    const { client, server } = await openEvent(t)
    client.send({ id: 'auth', token: 'x' })
    client.send({ messageType: 'ping', timestamp: 1 })
    client.send({ id: 'req_1', name: 'echo', parameters: {} })
    const pong = await client.ask({ type: 'ping' })
    assert.equal(pong.event, 'pong')
    assert.equal(typeof pong.timestamp, 'number')
    assert.equal(server.requests.length, 0)
  })

  test('answers of different tools overtake each other', async (t) => {
    let finishSlow
    const slow = () => new Promise((resolve) => (finishSlow = resolve))
    const { client } = await openEvent(t, { tools: { slow } })
    client.send({ type: 'mcp_request', request: { id: 1, name: 'slow', parameters: {} } })
    client.send({ type: 'mcp_request', request: { id: 2, name: 'echo', parameters: {} } })
    assert.equal((await client.next()).data.id, 2)
    finishSlow()
    assert.equal((await client.next()).data.id, 1)
  })

  test('a server that stops drops its connections without a close frame', async (t) => {
    const { server, client } = await openEvent(t)
    await server.close()
    assert.equal((await client.closed).code, 1006)
  })
})

describe('frames that break the protocol of WebSocket', () => {
  const broken = [
    ['a frame without a mask', [0x81, 0x01, 0x61], 1002],
    ['an opcode that does not exist', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['text that is not UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff], 1007],
    ['a frame of more than 100 MiB', [0x81, 0xff, 0, 0, 0, 0, 0x06, 0x40, 0, 0x01, 0, 0, 0, 0], 1009],
  ]
  for (const [what, bytes, code] of broken) {
    test(`${what} ends its connection with ${code}, and nothing else`, async (t) => {
      const server = await listen(t)
      const other = await RawClient.authenticated(t, server.url)
      await server.nextConnection()
      const { socket, connection } = await upgradeByHand(t, server)
      const frames = []
      socket.on('data', (data) => frames.push(data))
      socket.write(Buffer.from(bytes))
      await connection.closed
      const closeFrame = Buffer.concat(frames).subarray(-4)
      assert.equal(closeFrame[0], 0x88)
      assert.equal(closeFrame.readUInt16BE(2), code)
      assert.equal((await other.ask({ id: 'r', name: 'echo', parameters: 1 })).results, 1)
    })
  }
})

describe('tools', () => {
  async function openWith(t, tools) {
    const server = await listen(t, { tools })
    const client = await RawClient.authenticated(t, server.url)
    return { server, client, call: (name, parameters) => client.ask({ id: 'r', name, parameters }) }
  }

  test('tools of your own run beside the built-in ones and may replace them', async (t) => {
    const { call } = await openWith(t, { add: async ({ a, b }) => a + b, echo: () => 'replaced' })
    assert.equal((await call('add', { a: 1, b: 2 })).results, 3)
    assert.equal((await call('echo', {})).results, 'replaced')
    assert.ok((await call('status', {})).results)
  })

  test('a name that every object has is no tool', async (t) => {
    const { call } = await openWith(t)
    for (const name of ['constructor', '__proto__', 'toString']) {
      assert.equal((await call(name, {})).error.code, 'UNKNOWN_TOOL')
    }
  })

  test('an unknown tool is named together with those there are', async (t) => {
    const { call } = await openWith(t, { add: () => 0 })
    const { error } = await call('ad', {})
    assert.equal(error.code, 'UNKNOWN_TOOL')
    assert.match(error.message, /"ad".*add, echo, fail, sleep, status, web_search/)
  })

  const thrown = [
    ['an error', new Error('Broken'), { message: 'Broken', code: 'TOOL_ERROR' }],
    [
      'an error with a code',
      Object.assign(new Error('Broken'), { code: 'E_BROKEN' }),
      { message: 'Broken', code: 'E_BROKEN' },
    ],
    [
      'an error with a code that is no string',
      Object.assign(new Error('Broken'), { code: 5 }),
      { message: 'Broken', code: 'TOOL_ERROR' },
    ],
    ['a ToolFailure', new ToolFailure('Too many', 'RATE_LIMIT'), { message: 'Too many', code: 'RATE_LIMIT' }],
    ['a string', 'just this', { message: 'just this', code: 'TOOL_ERROR' }],
    ['nothing at all', undefined, { message: 'undefined', code: 'TOOL_ERROR' }],
  ]
  for (const [what, value, error] of thrown) {
    test(`${what}, thrown or rejected with, becomes the error of the protocol`, async (t) => {
      const { call } = await openWith(t, {
        throws() {
          throw value
        },
        rejects: () => Promise.reject(value),
      })
      assert.deepEqual((await call('throws', {})).error, error)
      assert.deepEqual((await call('rejects', {})).error, error)
    })
  }

  test('results that have no JSON form are an error that names the tool', async (t) => {
    const { call } = await openWith(t, { big: () => 10n })
    const { error } = await call('big', {})
    assert.match(error.message, /^big: .*BigInt/)
    assert.equal(error.code, 'TOOL_ERROR')
  })

  test('a tool knows its request, and is told when nobody waits any more', async (t) => {
    const contexts = []
    const { server, client } = await openWith(t, {
      wait: (_parameters, context) => new Promise(() => contexts.push(context)),
    })
    client.send({ id: 'r', name: 'wait', parameters: { n: 1 } })
    const received = await server.nextRequest()
    const [{ request, signal }] = contexts
    assert.equal(request, received)
    assert.equal(signal.aborted, false)
    client.socket.terminate()
    await once(signal, 'abort')
  })

  test('status tells of the server', async (t) => {
    const { server, call } = await openWith(t)
    await call('echo', {})
    const { results } = await call('status', {})
    const { version } = createRequire(import.meta.url)('@mcp-integration/client/package.json')
    assert.equal(results.version, version)
    assert.equal(results.dialect, server.dialect)
    assert.equal(results.connections, 1)
    assert.equal(results.requests, 2)
    assert.ok(results.uptime >= 0)
  })

  test('sleep answers after its time', async (t) => {
    const { call } = await openWith(t)
    const start = performance.now()
    assert.deepEqual((await call('sleep', { ms: 30 })).results, { slept: 30 })
    assert.ok(performance.now() - start >= 25)
  })

  for (const ms of [undefined, null, -1, 60_001, '5', {}, []]) {
    test(`sleep refuses ${JSON.stringify(ms)} milliseconds`, async (t) => {
      const { call } = await openWith(t)
      const { error } = await call('sleep', { ms })
      assert.equal(error.code, 'BAD_PARAMETERS')
      assert.match(error.message, /^sleep: "ms" must be a number from 0 to 60000, /)
    })
  }

  test('a tool that sleeps does not keep the server from closing', async (t) => {
    const { server, client } = await openWith(t)
    client.send({ id: 'r', name: 'sleep', parameters: { ms: 60_000 } })
    await server.nextRequest('sleep')
    await server.close()
    assert.deepEqual(await client.closed, { code: 1001, reason: 'server closing' })
  })

  test('many tools may wait at once without a warning of Node.js', async (t) => {
    const { client, server } = await openWith(t)
    const warnings = []
    const note = ({ message }) => warnings.push(message)
    process.on('warning', note)
    t.after(() => process.off('warning', note))
    for (let id = 0; id < 50; id++) client.send({ id, name: 'sleep', parameters: { ms: 60_000 } })
    for (let id = 0; id < 50; id++) await server.nextRequest('sleep')
    await new Promise(setImmediate)
    assert.deepEqual(warnings, [])
  })

  test('fail fails with the message and the code that it is given', async (t) => {
    const { call } = await openWith(t)
    assert.deepEqual((await call('fail', { message: 'No', code: 'NO' })).error, { message: 'No', code: 'NO' })
    assert.equal((await call('fail')).error.code, 'TOOL_ERROR')
    assert.equal((await call('fail', { message: 5 })).error.code, 'BAD_PARAMETERS')
    assert.equal((await call('fail', 'now')).error.code, 'BAD_PARAMETERS')
  })

  test('ten thousand calls at once each get their own answer', async (t) => {
    const { client, server } = await openWith(t)
    for (let id = 0; id < 10_000; id++) client.send({ id, name: 'echo', parameters: id })
    for (let id = 0; id < 10_000; id++) assert.deepEqual(await client.next(), { id, results: id })
    assert.equal(server.requests.length, 10_000)
  })
})

describe('watching', () => {
  test('requests are on record with what came and on which connection', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    await client.ask({ id: 'req_1', name: 'echo', parameters: { a: 1 } })
    await client.ask({ id: 'req_2', name: 'nothing' })
    const [first, second] = server.requests
    assert.equal(first.id, 'req_1')
    assert.equal(first.name, 'echo')
    assert.deepEqual(first.parameters, { a: 1 })
    assert.equal(first.connection, server.connections[0])
    assert.ok(first.receivedAt <= second.receivedAt)
    assert.equal(second.parameters, undefined)
    assert.equal(server.connections[0].requestCount, 2)
  })

  test('the history is as long as it is asked to be', async (t) => {
    const server = await listen(t, { history: 1 })
    const client = await RawClient.authenticated(t, server.url)
    await client.ask({ id: 1, name: 'echo' })
    await client.ask({ id: 2, name: 'echo' })
    assert.deepEqual(
      server.requests.map(({ id }) => id),
      [2],
    )
    assert.equal((await server.nextRequest()).id, 2)
  })

  test('nextConnection and nextRequest hand out each thing once, whether it came before or after', async (t) => {
    const server = await listen(t)
    const early = server.nextConnection()
    const client = await RawClient.authenticated(t, server.url)
    assert.equal((await early).id, 1)
    await RawClient.open(t, server.url)
    await RawClient.open(t, server.url)
    assert.equal((await server.nextConnection()).id, 2)
    assert.equal((await server.nextConnection()).id, 3)

    const late = server.nextRequest('status')
    await client.ask({ id: 1, name: 'echo' })
    await client.ask({ id: 2, name: 'status' })
    await client.ask({ id: 3, name: 'echo' })
    assert.equal((await late).id, 2)
    assert.equal((await server.nextRequest()).id, 1)
    assert.equal((await server.nextRequest('echo')).id, 3)
  })

  test('who waits for what never comes is told when the server closes, and who ignores it is not troubled', async (t) => {
    const server = await listen(t)
    const awaited = server.nextRequest()
    void server.nextConnection()
    await server.close()
    await assert.rejects(awaited, /closed before the next request/)
    await assert.rejects(server.nextConnection(), /closed before the next connection/)
  })

  test('connection, message, request and close are told in this order', async (t) => {
    const server = await listen(t)
    const told = []
    server.on('connection', ({ id }) => told.push(['connection', id]))
    server.on('message', (text) => told.push(['message', text]))
    server.on('request', ({ name }) => told.push(['request', name]))
    const gone = once(server, 'close')
    const client = await RawClient.open(t, server.url)
    await client.ask('{"id":"auth","token":"x"}')
    await client.ask('{"id":"r","name":"echo"}')
    client.socket.close(4000, 'bye')
    const [connection, frame] = await gone
    assert.deepEqual(told, [
      ['connection', 1],
      ['message', '{"id":"auth","token":"x"}'],
      ['message', '{"id":"r","name":"echo"}'],
      ['request', 'echo'],
    ])
    assert.equal(connection.id, 1)
    assert.deepEqual(frame, { code: 4000, reason: 'bye' })
    assert.deepEqual(await connection.closed, frame)
    assert.deepEqual(server.connections, [])
  })

  test('a connection knows the headers and the subprotocol of its upgrade', async (t) => {
    const server = await listen(t)
    const socket = (await RawClient.open(t, server.url, { headers: { 'X-Team': 'blue' }, protocols: ['mcp', 'other'] }))
      .socket
    const connection = await server.nextConnection()
    assert.equal(connection.headers['x-team'], 'blue')
    assert.equal(connection.protocol, 'mcp')
    assert.equal(socket.protocol, 'mcp')
  })

  test('an interceptor keeps frames from the server and answers in its own way', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    server.intercept((text, connection) => {
      const { id, name } = JSON.parse(text)
      if (name !== 'echo') return false
      return connection.send(`{"results":1,"results":2,"id":"${id}"}`)
    })
    assert.deepEqual(await client.ask({ id: 'a', name: 'echo' }), { id: 'a', results: 2 })
    assert.equal((await client.ask({ id: 'b', name: 'status' })).results.requests, 1)
    server.intercept(null)
    assert.deepEqual(await client.ask({ id: 'c', name: 'echo', parameters: 3 }), { id: 'c', results: 3 })
  })

  test('anything can be pushed to one connection or to all', async (t) => {
    const server = await listen(t)
    const clients = [await RawClient.open(t, server.url), await RawClient.open(t, server.url)]
    server.broadcast({ news: 1 })
    server.broadcast('"as it is"')
    server.broadcast(Buffer.from('bytes'))
    for (const client of clients) {
      assert.deepEqual(await client.next(), { news: 1 })
      assert.equal(await client.next(), 'as it is')
      assert.equal(String(await client.next()), 'bytes')
    }
    const [first] = server.connections
    assert.throws(() => first.send(undefined), TypeError)
    await first.terminate()
    assert.equal(first.send('too late'), false)
  })
})

describe('failing on command', () => {
  test('all connections can be closed with a code and a reason', async (t) => {
    const server = await listen(t)
    const clients = [await RawClient.open(t, server.url), await RawClient.open(t, server.url)]
    await server.closeAll(1012, 'restart')
    assert.deepEqual(server.connections, [])
    for (const client of clients) assert.deepEqual(await client.closed, { code: 1012, reason: 'restart' })
    await RawClient.open(t, server.url)
  })

  test('a close that could not be sent is refused before anything happens', async (t) => {
    const server = await listen(t)
    await RawClient.open(t, server.url)
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2000, 5000, 1000.5, NaN]) {
      await assert.rejects(server.closeAll(code), RangeError)
      await assert.rejects(server.connections[0].close(code), RangeError)
    }
    await assert.rejects(server.closeAll(1000, 'é'.repeat(62)), RangeError)
    assert.equal(server.connections.length, 1)
  })

  test('a client that does not answer the close frame is dropped', async (t) => {
    const server = await listen(t)
    const { connection } = await upgradeByHand(t, server)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const gone = connection.close(1000)
    t.mock.timers.tick(2_000)
    await gone
    assert.deepEqual(await connection.closed, { code: 1006, reason: '' })
  })

  test('all connections can be dropped as if the server had crashed', async (t) => {
    const server = await listen(t)
    const clients = [await RawClient.open(t, server.url), await RawClient.open(t, server.url)]
    await server.terminateAll()
    for (const client of clients) assert.equal((await client.closed).code, 1006)
  })

  for (const dialect of ['guide', 'event']) {
    test(`no ping of the ${dialect} dialect or of WebSocket is answered while pongs are paused, and everything else is`, async (t) => {
      const server = await listen(t, { dialect, tools: {} })
      const client = await RawClient.open(t, server.url)
      const pongs = []
      client.socket.on('pong', (data) => pongs.push(String(data)))
      if (dialect === 'event') await Promise.all([client.next(), client.next()])
      const ping = dialect === 'guide' ? { messageType: 'ping', timestamp: 1 } : { type: 'ping' }
      const bad = () => client.ask('not JSON')

      server.pausePongs()
      client.socket.ping('lost')
      client.send(ping)
      assert.ok(JSON.stringify(await bad()).includes('not JSON'))
      server.resumePongs()
      client.socket.ping('found')
      const answer = await client.ask(ping)
      assert.equal(answer.messageType ?? answer.event, 'pong')
      assert.deepEqual(pongs, ['found'])
    })
  }

  test('upgrades can be refused with an HTTP status, while live connections go on', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    for (const status of [401, 403, 429, 503]) {
      server.refuseUpgrades(status)
      assert.match(await refusal(t, server.url), new RegExp(`${status}`))
    }
    assert.throws(() => server.refuseUpgrades(101), RangeError)
    assert.equal((await client.ask({ id: 'r', name: 'echo', parameters: 1 })).results, 1)
    await server.resumeAccepting()
    await RawClient.open(t, server.url)
  })

  test('an outage refuses connections on the port and ends on the same port, while live connections go on', async (t) => {
    const server = await listen(t)
    const { url } = server
    const client = await RawClient.authenticated(t, url)
    server.stopAccepting()
    server.stopAccepting()
    assert.match(await refusal(t, url), /ECONNREFUSED/)
    assert.equal((await client.ask({ id: 'r', name: 'echo', parameters: 1 })).results, 1)
    await Promise.all([server.resumeAccepting(), server.resumeAccepting()])
    await server.resumeAccepting()
    assert.equal(server.url, url)
    await RawClient.open(t, url)
    assert.equal(server.connections.length, 2)
  })
})

describe('closing', () => {
  test('close says goodbye, ends everything and may be called again', async (t) => {
    const server = await listen(t)
    const client = await RawClient.open(t, server.url)
    assert.equal(server.close(), server.close())
    await server.close()
    assert.deepEqual(await client.closed, { code: 1001, reason: 'server closing' })
    assert.match(await refusal(t, server.url), /ECONNREFUSED/)
    await assert.rejects(server.resumeAccepting(), /closed/)
  })

  test('a server is disposed of when its scope ends', async () => {
    const server = await MCPTestServer.listen()
    await server[Symbol.asyncDispose]()
    await assert.rejects(server.resumeAccepting(), /closed/)
  })

  test('a connection that never asked for an upgrade does not hold up the close', async (t) => {
    const server = await listen(t)
    const socket = connectTcp(server.port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    socket.write('GET /mcp-ws HTTP/1.1\r\n')
    await server.close()
  })
})

/** A connection whose client is a bare TCP socket, past the upgrade. */
async function upgradeByHand(t, server) {
  const socket = connectTcp(server.port, '127.0.0.1')
  t.after(() => socket.destroy())
  const key = `${'A'.repeat(22)}==`
  const headers = [
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
  ]
  socket.write(['GET /mcp-ws HTTP/1.1', ...headers, '', ''].join('\r\n'))
  const connection = await server.nextConnection()
  await once(socket, 'data')
  return { socket, connection }
}
