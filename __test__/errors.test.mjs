/** Each error code: where it comes up, and all that the error carries. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { MCPError, MCPToolError, WS_ERROR_CODES } from '@mcp-integration/client'
import { next, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL, listenTcp, silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'
import { needs } from './helpers/where.mjs'

const OWN = ['code', 'retryable', 'toolName', 'requestId', 'sent', 'cause', 'phase', 'status']

/** `message` is a string or a pattern; of the other properties exactly those that are expected must be there. */
function assertError(error, { message, requestId, cause, ...expected }) {
  assert.ok(error instanceof MCPError && error instanceof Error, `${error}`)
  assert.equal(error.name, error instanceof MCPToolError ? 'MCPToolError' : 'MCPError')
  if (typeof message === 'string') assert.equal(error.message, message)
  else assert.match(error.message, message)
  const own = Object.fromEntries(OWN.filter((name) => name in error).map((name) => [name, error[name]]))
  if (requestId) {
    assert.match(own.requestId, /^req_\d+_[0-9a-z]{9}$/)
    delete own.requestId
  }
  if (cause) {
    assert.ok(own.cause instanceof Error)
    delete own.cause
  }
  assert.deepEqual(own, expected)
  assert.match(error.stack, new RegExp(`^${error.name}: `))
}

/** A server that never answers the tool `held`. */
async function holding(t, options) {
  const server = await listen(t)
  const client = await ready(t, server, options)
  server.intercept((text) => text.includes('"held"'))
  return { server, client }
}

/** Waits until the server has read a call of `held`. */
async function sent(server, call) {
  await next(server, 'message')
  return call
}

test('NOT_CONNECTED: a call where nothing is connecting', async (t) => {
  const client = open(t, DEAF_URL, { autoConnect: false })
  const message = 'WebSocket not connected or not authenticated'
  const expected = { message, code: 'NOT_CONNECTED', retryable: true, toolName: 'echo', requestId: true, sent: false }
  assertError(await rejection(client.useTool('echo')), expected)
  const refused = open(t, await listen(t, { tokens: ['right'] }))
  await reached(refused, 'unauthorized')
  const error = await rejection(refused.useTool('echo'))
  assertError(error, { ...expected, cause: true })
  assert.equal(error.cause, refused.error)
})

describe('CONNECT_FAILED:', () => {
  const failed = async (t, url, options) => {
    const client = open(t, url, { maxReconnectAttempts: 0, ...options })
    await reached(client, 'failed')
    return client.error
  }

  test('the connection is refused', needs('the reason why a dial failed'), async (t) => {
    const message = `cannot connect to ${DEAF_URL}: connection refused (ECONNREFUSED)`
    assertError(await failed(t, DEAF_URL), {
      message,
      code: 'CONNECT_FAILED',
      retryable: true,
      phase: 'tcp',
      cause: true,
    })
  })

  test('the server says nothing within connectTimeout', needs('the reason why a dial failed'), async (t) => {
    const error = await failed(t, await silentUrl(t), { connectTimeout: 20 })
    // A busy machine may need all of the time for TCP.
    assert.ok(['tcp', 'upgrade'].includes(error.phase), error.phase)
    assertError(error, {
      message: /connectTimeout \(20 ms\)/,
      code: 'CONNECT_FAILED',
      retryable: true,
      phase: error.phase,
      cause: true,
    })
  })

  test('the server hangs up', needs('the reason why a dial failed', 'raw sockets'), async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.once('data', () => socket.end()))
    const error = await failed(t, url)
    assertError(error, {
      message: /^cannot connect to ws:.*clos/,
      code: 'CONNECT_FAILED',
      retryable: true,
      phase: 'upgrade',
      ...('cause' in error && { cause: true }),
    })
  })

  test('the server speaks no HTTP', needs('the reason why a dial failed', 'raw sockets'), async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.end('220 mail.example ESMTP\r\n'))
    assertError(await failed(t, url), {
      message: /not a WebSocket handshake/,
      code: 'CONNECT_FAILED',
      retryable: false,
      phase: 'upgrade',
      cause: true,
    })
  })

  test('the server answers with an HTTP status', needs('the reason why a dial failed'), async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const expected = { code: 'CONNECT_FAILED', phase: 'upgrade' }
    assertError(await failed(t, server.url), { ...expected, message: /HTTP 503/, status: 503, retryable: true })
    server.refuseUpgrades(404)
    assertError(await failed(t, server.url), { ...expected, message: /HTTP 404/, status: 404, retryable: false })
  })
})

describe('AUTH_FAILED:', () => {
  test('the server refused the token, in its own words', async (t) => {
    const client = open(t, await listen(t, { tokens: ['right'] }))
    assertError(await rejection(client.connect()), {
      message: 'The token is not known to this server',
      code: 'AUTH_FAILED',
      retryable: false,
    })
    assert.equal(client.error.code, 'AUTH_FAILED')
  })

  for (const [error, message] of [
    ['"no such key"', 'no such key'],
    ['{"message":"no such key","code":"X"}', 'no such key'],
    ['{"code":"X"}', 'Authentication failed'],
    ['null', 'Authentication failed'],
    ['5', 'Authentication failed'],
    [undefined, 'Authentication failed'],
  ]) {
    test(`the words for the error ${error} are "${message}"`, async (t) => {
      const server = await listen(t)
      server.intercept((_text, connection) =>
        connection.send(`{"id":"auth","success":false${error === undefined ? '' : `,"error":${error}`}}`),
      )
      const client = open(t, server)
      assertError(await rejection(client.connect()), { message, code: 'AUTH_FAILED', retryable: false })
    })
  }

  test('the token function threw, and its error is the cause', async (t) => {
    const cause = new Error('the vault is closed')
    const client = open(t, await listen(t), { maxReconnectAttempts: 0, apiKey: () => Promise.reject(cause) })
    const error = await rejection(client.connect())
    assert.equal(error.cause, cause)
    assertError(error, { message: /apiKey function/, code: 'AUTH_FAILED', retryable: false, cause: true })
  })
})

test('AUTH_TIMEOUT: no answer to the auth message', async (t) => {
  const server = await listen(t)
  server.intercept(() => true)
  const client = open(t, server, { authTimeout: 20, maxReconnectAttempts: 0 })
  assertError(await rejection(client.connect()), { message: /within 20 ms/, code: 'AUTH_TIMEOUT', retryable: true })
})

describe('CONNECTION_LOST:', () => {
  test('the call was sent, so it may have run', async (t) => {
    const { server, client } = await holding(t)
    const call = rejection(client.useTool('held'))
    await sent(server)
    await server.terminateAll()
    assertError(await call, {
      message: /1006/,
      code: 'CONNECTION_LOST',
      retryable: true,
      toolName: 'held',
      requestId: true,
      sent: true,
    })
  })

  test('the server closed for good; what was queued certainly never left', async (t) => {
    const server = await listen(t)
    server.intercept(() => true)
    const client = open(t, server)
    await reached(client, 'authenticating')
    const call = rejection(client.useTool('echo'))
    const connect = rejection(client.connect())
    await server.closeAll(1000, 'that was all')
    const expected = {
      message: 'connection lost: closed with code 1000 (that was all)',
      code: 'CONNECTION_LOST',
      retryable: true,
    }
    assertError(await call, { ...expected, toolName: 'echo', requestId: true, sent: false })
    assertError(await connect, expected)
    assertError(client.error, expected)
  })
})

test(
  'RECONNECT_EXHAUSTED: the attempts are used up; the last failure is the cause',
  needs('the reason why a dial failed'),
  async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    const [failed] = await next(client, 'failed')
    const expected = {
      message: 'Maximum reconnection attempts reached',
      code: 'RECONNECT_EXHAUSTED',
      retryable: false,
      cause: true,
    }
    assertError(failed, expected)
    assertError(client.error, expected)
    assertError(failed.cause, {
      message: /ECONNREFUSED/,
      code: 'CONNECT_FAILED',
      retryable: true,
      phase: 'tcp',
      cause: true,
    })
  },
)

test('REQUEST_TIMEOUT: no answer in time', async (t) => {
  const { client } = await holding(t)
  const error = await rejection(client.useTool('held', {}, { timeout: 10 }))
  assertError(error, {
    message: 'Tool request timed out',
    code: 'REQUEST_TIMEOUT',
    retryable: true,
    toolName: 'held',
    requestId: true,
    sent: true,
  })
})

describe('TOOL_ERROR:', () => {
  const outcomes = [
    ['{"message":"No luck","code":"NO_LUCK","more":[1]}', 'No luck', 'NO_LUCK'],
    ['{"message":"No luck"}', 'No luck', null],
    ['{"message":"No luck","code":5}', 'No luck', null],
    ['{"code":"NO_LUCK"}', 'Tool execution failed', 'NO_LUCK'],
    ['{"message":5}', 'Tool execution failed', null],
    ['{"message":""}', 'Tool execution failed', null],
    ['"No luck"', 'No luck', null],
    ['5', 'Tool execution failed', null],
    ['true', 'Tool execution failed', null],
    ['[]', 'Tool execution failed', null],
    ['{}', 'Tool execution failed', null],
    ['{"message":"gr\\u00fc\\u00dfe 😀"}', 'grüße 😀', null],
  ]
  for (const [json, message, toolCode] of outcomes) {
    test(`the error ${json}`, async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      server.intercept((text, connection) =>
        connection.send(`{"id":"${JSON.parse(text).id}","error":${json},"results":1}`),
      )
      const error = await rejection(client.useTool('any'))
      assertError(error, { message, code: 'TOOL_ERROR', retryable: false, toolName: 'any', requestId: true })
      assert.ok(error instanceof MCPToolError)
      assert.equal(error.toolCode, toolCode)
      assert.deepEqual(error.data, JSON.parse(json))
    })
  }

  for (const json of ['null', 'false', '""', '0', '-0', '0.0e5']) {
    test(`the error ${json} is none`, async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      server.intercept((text, connection) =>
        connection.send(`{"id":"${JSON.parse(text).id}","error":${json},"results":1}`),
      )
      assert.equal(await client.useTool('any'), 1)
    })
  }
})

describe('CLOSED:', () => {
  const expected = { message: 'the client was closed', code: 'CLOSED', retryable: false }

  test('a call in flight', async (t) => {
    const { server, client } = await holding(t)
    const call = rejection(client.useTool('held'))
    await sent(server)
    await client.close()
    assertError(await call, { ...expected, toolName: 'held', requestId: true, sent: true })
  })

  test('a queued call, and who waits for the connection', async (t) => {
    const client = open(t, await silentUrl(t))
    const [call, connect] = [rejection(client.useTool('echo')), rejection(client.connect())]
    await client.close()
    assertError(await call, { ...expected, toolName: 'echo', requestId: true, sent: false })
    assertError(await connect, expected)
  })

  test('a call after close() has begun', async (t) => {
    const { client } = await holding(t)
    void client.close()
    assertError(await rejection(client.useTool('echo')), {
      ...expected,
      toolName: 'echo',
      requestId: true,
      sent: false,
    })
  })
})

describe('QUEUE_FULL:', () => {
  const expected = { code: 'QUEUE_FULL', retryable: true, toolName: 'echo', requestId: true, sent: false }

  test('maxPending calls are in flight', async (t) => {
    const { client } = await holding(t, { maxPending: 2 })
    for (const _ of [1, 2]) client.useTool('held').catch(() => {})
    assertError(await rejection(client.useTool('echo')), { ...expected, message: /maxPending is 2/ })
  })

  test('offlineQueueLimit calls wait for the connection', async (t) => {
    const client = open(t, await silentUrl(t), { offlineQueueLimit: 2 })
    for (const _ of [1, 2]) client.useTool('echo').catch(() => {})
    assertError(await rejection(client.useTool('echo')), { ...expected, message: /offlineQueueLimit is 2/ })
  })

  test('maxBufferedAmount bytes wait to be sent', async (t) => {
    const client = open(t, await silentUrl(t), { maxBufferedAmount: 1000 })
    client.useTool('echo', 'x'.repeat(600)).catch(() => {})
    assertError(await rejection(client.useTool('echo', 'x'.repeat(600))), {
      ...expected,
      message: /maxBufferedAmount is 1000/,
    })
  })
})

describe('MESSAGE_TOO_LARGE:', () => {
  test('a call larger than maxBufferedAmount', async (t) => {
    const client = await ready(t, await listen(t), { maxBufferedAmount: 1000 })
    const error = await rejection(client.useTool('echo', 'x'.repeat(1000)))
    const expected = { code: 'MESSAGE_TOO_LARGE', retryable: false, toolName: 'echo', requestId: true, sent: false }
    assertError(error, { ...expected, message: /larger than maxBufferedAmount \(1000 bytes\)/ })
    assert.equal(await client.useTool('echo', 'small'), 'small')
  })

  test('an answer larger than maxMessageSize to a call that would only get it again', async (t) => {
    const client = await ready(t, await listen(t), { maxMessageSize: 1000 })
    const error = await rejection(client.useTool('echo', 'x'.repeat(2000), { idempotent: true }))
    const expected = { code: 'MESSAGE_TOO_LARGE', retryable: false, toolName: 'echo', requestId: true, sent: true }
    assertError(error, { ...expected, message: /larger than maxMessageSize \(1000 bytes\)/ })
  })
})

describe('BAD_MESSAGE:', () => {
  test('a message that is not JSON goes to "error", and the connection is kept', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = next(client, 'error')
    server.broadcast('{"half":')
    assertError((await told)[0], { message: /not JSON/, code: 'BAD_MESSAGE', retryable: false })
    assert.equal(client.error, null)
    assert.equal(await client.useTool('echo', 1), 1)
  })

  test('an answer whose results are not JSON rejects its call', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    server.intercept((text, connection) => connection.send(`{"id":"${JSON.parse(text).id}","results":[1,}`))
    const error = await rejection(client.useTool('any'))
    assertError(error, {
      message: /the answer is not JSON/,
      code: 'BAD_MESSAGE',
      retryable: false,
      toolName: 'any',
      requestId: true,
    })
  })
})

test('the classes can be made by anyone, for tests and stand-ins', () => {
  const error = new MCPError('text', { code: 'CUSTOM', retryable: true, toolName: 'x', sent: false })
  assertError(error, { message: 'text', code: 'CUSTOM', retryable: true, toolName: 'x', sent: false })
  const tool = new MCPToolError('text', { retryable: false, toolCode: 'X', data: { a: 1 }, cause: error })
  assertError(tool, { message: 'text', code: 'TOOL_ERROR', retryable: false, cause: true })
})

test("WS_ERROR_CODES is the guide's table, and cannot be changed", () => {
  assert.equal(Object.keys(WS_ERROR_CODES).length, 16)
  assert.equal(WS_ERROR_CODES[1006], 'Abnormal closure')
  assert.equal(WS_ERROR_CODES[1015], 'TLS handshake')
  assert.ok(Object.isFrozen(WS_ERROR_CODES))
})

describe('instanceof', () => {
  const details = { code: 'CLOSED', retryable: false }

  test('knows the errors of each copy of the classes, of both classes and no others', needs('Node.js'), () => {
    const copy = createRequire(import.meta.url)('../dist/shared/errors.js')
    assert.notEqual(copy.MCPError, MCPError)
    const error = new copy.MCPError('gone', details)
    const toolError = new copy.MCPToolError('no', { retryable: false, toolCode: null, data: null })
    assert.ok(error instanceof MCPError && toolError instanceof MCPError && toolError instanceof MCPToolError)
    assert.ok(new MCPError('gone', details) instanceof copy.MCPError)
    assert.ok(!(error instanceof MCPToolError))
    for (const other of [new Error('gone'), { ...error }, 'MCPError', null, undefined, MCPError])
      assert.ok(!(other instanceof MCPError), String(other))
  })

  test('knows of a class that a user derives only its own', () => {
    class Mine extends MCPError {}
    assert.ok(new Mine('mine', details) instanceof Mine && new Mine('mine', details) instanceof MCPError)
    assert.ok(!(new MCPError('gone', details) instanceof Mine))
  })
})
