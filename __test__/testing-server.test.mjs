/** `MCPTestServer`, seen through a WebSocket that is not ours: listening, and what is said on the wire. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { tooDeep } from './helpers/nested.mjs'
import { RawClient, refusal, upgradeByHand } from './helpers/raw-client.mjs'
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
    [{ prot: 1 }, TypeError, /unknown option "prot" of MCPTestServer\.listen, did you mean "port"\?/],
    [null, TypeError, /takes an object of options, not null/],
    ['8080', TypeError, /takes an object of options, not '8080'/],
    [{ port: -1 }, RangeError, /"port"/],
    [{ port: NaN }, RangeError, /"port"/],
    [{ port: 65_536 }, RangeError, /"port"/],
    [{ port: '80' }, TypeError, /"port"/],
    [{ host: '' }, TypeError, /"host"/],
    [{ path: 'mcp-ws' }, TypeError, /"path"/],
    [{ tokens: 'secret' }, TypeError, /"tokens"/],
    [{ tokens: ['secret', ''] }, TypeError, /"tokens"/],
    [{ tools: { add: 3 } }, TypeError, /"tools": "add"/],
    [{ tools: { add: { rum: 3 } } }, TypeError, /"tools": "add".*"run"/],
    [{ tools: { add: { run: String, about: '' } } }, TypeError, /unknown option "about" of the tool "add"/],
    [{ tools: { add: { run: String, description: 3 } } }, TypeError, /"tools": the description of "add"/],
    [{ tools: { add: { run: String, parameters: 'a' } } }, TypeError, /"tools": the parameters of "add"/],
    [{ schemas: 'none' }, TypeError, /"schemas"/],
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

  test('parameters of any depth, and results too deep to be written, are not the end of the server', async (t) => {
    const server = await listen(t, { tools: { nest: tooDeep } })
    const client = await RawClient.authenticated(t, server.url)
    assert.equal((await client.ask('{"id":"nest","name":"nest","parameters":{}}')).error.code, 'TOOL_ERROR')
    // Older versions of Node.js cannot write it.
    const deep = await client.ask(`{"id":"deep","name":"echo","parameters":${'['.repeat(2e5)}${']'.repeat(2e5)}}`)
    assert.ok(Array.isArray(deep.results) || deep.error.code === 'TOOL_ERROR')
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

  test('tools are described with their names, or in the words of the test, if it says so', async (t) => {
    const first = async (options) => {
      const client = await RawClient.open(t, (await listen(t, { dialect: 'event', ...options })).url)
      await client.next()
      return (await client.next()).data
    }
    const [search] = await first({ schemas: 'named' })
    assert.deepEqual(Object.keys(search), ['name', 'description', 'parameters'])
    assert.equal(search.name, 'web_search')
    assert.deepEqual(search.parameters.required, ['query'])
    assert.deepEqual(await first({ schemas: ['anything', 7] }), ['anything', 7])
  })

  test('status lists the tools by their names', async (t) => {
    const { client } = await openEvent(t, { tools: { own: () => 0 } })
    client.send({ type: 'mcp_request', request: { id: 'r', name: 'status', parameters: {} } })
    const { activeTools } = (await client.next()).data.results
    assert.deepEqual(activeTools.at(-1), { name: 'own', available: true, latency: 0 })
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
