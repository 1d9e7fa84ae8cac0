/** Tokens: given, asked for, refused, replaced, never answered. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'
import { needs } from './helpers/where.mjs'

/** The tokens of the auth messages that come, in order. */
function tokensOf(server) {
  const tokens = []
  server.on('message', (text) => {
    const { id, token } = JSON.parse(text)
    if (id === 'auth') tokens.push(token)
  })
  return tokens
}

describe('the token', () => {
  test('is sent in the first frame of every connection', async (t) => {
    const server = await listen(t, { tokens: ['key'] })
    const frames = inbox(server, 'message')
    const client = await ready(t, server, { apiKey: 'key' })
    assert.deepEqual(JSON.parse((await frames())[0]), { id: 'auth', token: 'key' })
    await client.reconnect()
    assert.deepEqual(JSON.parse((await frames())[0]), { id: 'auth', token: 'key' })
  })

  test('may hold any character but a line break', async (t) => {
    const apiKey = '"\\\u0000\t ü漢😀'
    await ready(t, await listen(t, { tokens: [apiKey] }), { apiKey })
  })

  test('is MCP_API_KEY where none is given, else "anonymous"', needs('environment variables'), async (t) => {
    const server = await listen(t)
    const tokens = tokensOf(server)
    const program = async ({ MCPClient, input: { url, apiKey } }) => {
      const client = new MCPClient({ url, apiKey })
      await client.connect()
      await client.close()
    }
    await run(t, program, { url: server.url }, { env: { MCP_API_KEY: 'from the environment' } })
    await run(t, program, { url: server.url, apiKey: 'given' }, { env: { MCP_API_KEY: 'from the environment' } })
    await run(t, program, { url: server.url }, { env: { MCP_API_KEY: '' } })
    await run(t, program, { url: server.url })
    assert.deepEqual(tokens, ['from the environment', 'given', 'anonymous', 'anonymous'])
  })
})

test('a key function that returns what no server can mean has failed', async (t) => {
  const server = await listen(t)
  for (const [key, words] of [
    ['', /^the key that the apiKey function returned is empty/],
    ['hunter2\n', /^the key that the apiKey function returned contains a line break/],
  ]) {
    const client = open(t, server, { apiKey: () => key, maxReconnectAttempts: 1 })
    const [{ code, cause }] = await next(client, 'error')
    assert.equal(code, 'AUTH_FAILED')
    assert.ok(cause instanceof TypeError)
    assert.match(cause.message, words)
    assert.doesNotMatch(cause.message, /hunter2/)
  }
})

describe('a refused token', () => {
  test('leaves the socket open and rejects all that waits', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = open(t, server, { apiKey: 'wrong' })
    const told = record(client, ['close', 'reconnecting', 'failed', 'authenticated'])
    const waiting = [client.useTool('echo'), client.useTool('echo', {}, { idempotent: true }), client.connect()].map(
      rejection,
    )
    for (const { code, sent } of await Promise.all(waiting.slice(0, 2)))
      assert.deepEqual({ code, sent }, { code: 'AUTH_FAILED', sent: false })
    assert.equal((await waiting[2]).code, 'AUTH_FAILED')
    assert.equal(client.state, 'unauthorized')
    assert.equal(server.connections.length, 1)
    assert.equal(server.requests.length, 0)
    assert.deepEqual(told, [])
  })

  test('is followed by ready when the server changes its mind by itself', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = open(t, server)
    await reached(client, 'unauthorized')
    server.broadcast({ id: 'auth', success: true })
    await reached(client, 'ready')
    assert.equal(client.error, null)
  })

  test('and a close with 1008 wait longer before the next attempt, which counts', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = open(t, server, { ...PATIENT, slowReconnectDelay: 5_000, reconnectJitter: 0 })
    await reached(client, 'unauthorized')
    const waiting = next(client, 'reconnecting')
    await server.closeAll(1008, 'bad token')
    assert.deepEqual(await waiting, [{ attempt: 1, maxAttempts: 10, delay: 65_000 }])
  })

  test('leaves messages possible, and no tools', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = open(t, server)
    await reached(client, 'unauthorized')
    const arrived = inbox(server, 'message')
    assert.equal(client.sendMessage({ hello: 1 }), true)
    assert.equal((await arrived())[0], '{"hello":1}')
    assert.equal((await rejection(client.useTool('echo'))).code, 'NOT_CONNECTED')
  })
})

describe('authenticate()', () => {
  test('refuses a token that no server can mean, without showing it', async (t) => {
    const client = await ready(t, await listen(t))
    for (const [token, words] of [
      ['', /^the token is empty/],
      ['hunter2\n', /^the token contains a line break/],
    ]) {
      assert.throws(
        () => client.authenticate(token),
        ({ name, message }) => name === 'TypeError' && words.test(message) && !message.includes('hunter2'),
      )
    }
  })

  test('with a new token makes an unauthorized client ready, and later connections use that token', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = open(t, server, { apiKey: 'wrong' })
    await reached(client, 'unauthorized')
    const tokens = tokensOf(server)
    assert.equal(await client.authenticate('right'), undefined)
    assert.equal(client.state, 'ready')
    await client.reconnect()
    assert.deepEqual(tokens, ['right', 'right'])
  })

  test('rejects when the new token is refused too', async (t) => {
    const client = open(t, await listen(t, { tokens: ['right'] }))
    await reached(client, 'unauthorized')
    assert.equal((await rejection(client.authenticate('wrong again'))).code, 'AUTH_FAILED')
    assert.equal(client.state, 'unauthorized')
  })

  test('without a socket keeps the token and connects', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = open(t, server, { autoConnect: false })
    await client.authenticate('right')
    await client.close()
    server.setTokens(['newer'])
    await client.authenticate('newer')
    assert.equal(client.state, 'ready')
  })

  test('while reconnecting dials at once, with the new token', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    server.refuseUpgrades(503)
    const client = open(t, server, PATIENT)
    await reached(client, 'reconnecting')
    await server.resumeAccepting()
    await client.authenticate('right')
    assert.equal(client.state, 'ready')
  })

  test('while connecting sends the new token in place of the old', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const tokens = tokensOf(server)
    const client = open(t, server, { apiKey: 'wrong' })
    await client.authenticate('right')
    assert.deepEqual(tokens, ['right'])
  })

  test('in ready keeps the state, and calls in flight live on', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = record(client, ['state', 'authenticated'])
    const call = client.useTool('sleep', { ms: 30 })
    await client.authenticate('another')
    assert.deepEqual(await call, { slept: 30 })
    assert.deepEqual(told, [['authenticated']])
    assert.equal(server.connections.length, 1)
  })

  test('in ready with a token that is refused leads to unauthorized, and calls in flight live on', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const client = await ready(t, server, { apiKey: 'right' })
    const call = client.useTool('sleep', { ms: 30 })
    assert.equal((await rejection(client.authenticate('wrong'))).code, 'AUTH_FAILED')
    assert.equal(client.state, 'unauthorized')
    assert.deepEqual(await call, { slept: 30 })
  })

  test('with what is no string throws a TypeError', async (t) => {
    const client = await ready(t, await listen(t))
    for (const token of [5, null, {}, () => 'key']) assert.throws(() => client.authenticate(token), TypeError)
    assert.equal(client.state, 'ready')
  })

  test('while closing rejects with CLOSED', async (t) => {
    const client = await ready(t, await listen(t))
    void client.close()
    assert.equal((await rejection(client.authenticate('key'))).code, 'CLOSED')
  })
})

describe('a token function', () => {
  for (const [kind, apiKey] of [
    ['that returns the token', () => 'right'],
    ['that promises the token', () => Promise.resolve('right')],
    ['that takes its time', async () => new Promise((resolve) => setTimeout(resolve, 20, 'right'))],
  ]) {
    test(`${kind} authenticates the client`, async (t) => {
      const client = await ready(t, await listen(t, { tokens: ['right'] }), { apiKey })
      assert.equal(client.state, 'ready')
    })
  }

  test('is asked before every authentication, and not before it is needed', async (t) => {
    const server = await listen(t)
    const tokens = tokensOf(server)
    let count = 0
    const client = new MCPClient({ url: server.url, autoConnect: false, apiKey: () => `token ${++count}` })
    t.after(() => client.close())
    assert.equal(count, 0)
    await client.connect()
    await client.reconnect()
    await client.authenticate()
    assert.deepEqual(tokens, ['token 1', 'token 2', 'token 3'])
  })

  test('is asked once more when its token is refused', async (t) => {
    const server = await listen(t, { tokens: ['fresh'] })
    const tokens = ['stale', 'fresh']
    const client = open(t, server, { apiKey: () => tokens.shift() })
    const told = record(client, ['state'])
    await client.connect()
    assert.deepEqual(
      told.map(([, { state }]) => state),
      ['connecting', 'authenticating', 'ready'],
    )
  })

  test('is not asked a third time', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const tokens = tokensOf(server)
    let count = 0
    const client = open(t, server, { apiKey: () => `wrong ${++count}` })
    assert.equal((await rejection(client.connect())).code, 'AUTH_FAILED')
    assert.deepEqual(tokens, ['wrong 1', 'wrong 2'])
    await rejection(client.connect())
    assert.deepEqual(tokens, ['wrong 1', 'wrong 2', 'wrong 3', 'wrong 4'])
  })

  test('is replaced by a token given to authenticate()', async (t) => {
    const server = await listen(t, { tokens: ['given'] })
    let count = 0
    const client = open(t, server, { apiKey: () => `asked ${++count}` })
    await reached(client, 'unauthorized')
    await client.authenticate('given')
    await client.reconnect()
    assert.equal(count, 2)
  })

  const cause = new Error('the vault is closed')
  for (const [what, apiKey, isCause] of [
    [
      'throws',
      () => {
        throw cause
      },
      (thrown) => thrown === cause,
    ],
    ['rejects', () => Promise.reject(cause), (thrown) => thrown === cause],
    [
      'throws what is no Error',
      () => {
        throw 'no'
      },
      (thrown) => thrown === 'no',
    ],
    ['returns nothing', () => undefined, (thrown) => thrown instanceof TypeError && /undefined/.test(thrown.message)],
    ['returns no string', () => 5, (thrown) => thrown instanceof TypeError && /number/.test(thrown.message)],
    ['promises null', async () => null, (thrown) => thrown instanceof TypeError && /null/.test(thrown.message)],
  ]) {
    test(`that ${what} fails the attempt with its error as the cause, and backs off`, async (t) => {
      const server = await listen(t)
      let isBroken = true
      const client = open(t, server, { apiKey: () => (isBroken ? apiKey() : 'right'), ...PATIENT })
      const [{ attempt, delay }] = await next(client, 'reconnecting')
      assert.deepEqual({ attempt, delay }, { attempt: 1, delay: 60_000 })
      assert.equal(client.error.code, 'AUTH_FAILED')
      assert.ok(isCause(client.error.cause), `${client.error.cause}`)
      isBroken = false
      await client.connect()
    })
  }

  test('that never answers fails the attempt after authTimeout', async (t) => {
    const server = await listen(t)
    const client = open(t, server, { apiKey: () => new Promise(() => {}), authTimeout: 20, ...PATIENT })
    const closed = next(client, 'close')
    await reached(client, 'reconnecting')
    assert.equal(client.error.code, 'AUTH_FAILED')
    assert.match(client.error.message, /authTimeout \(20 ms\)/)
    assert.equal((await closed)[0].code, 1006)
  })

  test('that answers for a connection that is gone changes nothing', async (t) => {
    const server = await listen(t)
    const tokens = tokensOf(server)
    const answers = []
    const client = open(t, server, { apiKey: () => new Promise((resolve) => answers.push(resolve)) })
    await reached(client, 'authenticating')
    while (answers.length < 1) await new Promise(setImmediate)
    const connected = client.reconnect()
    while (answers.length < 2) await new Promise(setImmediate)
    answers[0]('stale')
    answers[1]('fresh')
    await connected
    await client.useTool('echo')
    assert.deepEqual(tokens, ['fresh'])
  })

  test('that answers after close() changes nothing', async (t) => {
    const server = await listen(t)
    const tokens = tokensOf(server)
    let answer
    const client = open(t, server, { apiKey: () => new Promise((resolve) => (answer = resolve)) })
    while (!answer) await new Promise(setImmediate)
    await client.close()
    answer('late')
    await new Promise(setImmediate)
    assert.equal(client.state, 'closed')
    assert.deepEqual(tokens, [])
  })

  test('may use the client itself', async (t) => {
    const server = await listen(t)
    let client
    client = open(t, server, { apiKey: () => `${client.state}` })
    const tokens = tokensOf(server)
    await client.connect()
    assert.deepEqual(tokens, ['authenticating'])
  })
})

describe('a key that ends', () => {
  /** Keys that are renewed after half a second. */
  const short = (token) => ({ token, expiresAt: Date.now() + 1_000 })

  test('is renewed on the living connection before its end, while calls go on', async (t) => {
    const server = await listen(t)
    const frames = inbox(server, 'message')
    let count = 0
    const client = open(t, server, { apiKey: () => (++count === 1 ? short('first') : `later ${count}`) })
    const told = record(client, ['state', 'close', 'error'])
    await client.connect()
    assert.equal(JSON.parse((await frames())[0]).token, 'first')
    const call = client.useTool('sleep', { ms: 600 })
    await frames()
    assert.deepEqual(JSON.parse((await frames())[0]), { id: 'auth', token: 'later 2' })
    assert.deepEqual(await call, { slept: 600 })
    assert.deepEqual(
      told.map(([, { state }]) => state),
      ['connecting', 'authenticating', 'ready'],
    )
    assert.equal(server.connections.length, 1)
  })

  test('may have its end as a Date', async (t) => {
    const server = await listen(t)
    const frames = inbox(server, 'message')
    const keys = [{ token: 'first', expiresAt: new Date(Date.now() + 500) }, 'second']
    await ready(t, server, { apiKey: async () => keys.shift() })
    await frames()
    assert.equal(JSON.parse((await frames())[0]).token, 'second')
  })

  test("that is not renewed in time leads to unauthorized with the function's error as the cause", async (t) => {
    const server = await listen(t)
    const cause = new Error('the vault is closed')
    const keys = [short('first')]
    const client = await ready(t, server, {
      apiKey: () => {
        if (keys.length === 0) throw cause
        return keys.shift()
      },
      baseReconnectDelay: 100,
      maxReconnectDelay: 100,
    })
    const [renewal] = await next(client, 'error')
    assert.deepEqual([client.state, renewal.code, renewal.cause], ['ready', 'AUTH_FAILED', cause])
    await reached(client, 'unauthorized')
    assert.equal(client.connected, true)
    assert.equal(client.error.code, 'AUTH_FAILED')
    assert.match(client.error.message, /the key has expired/)
    assert.equal(client.error.cause.cause, cause)
    keys.push('another')
    await client.authenticate()
    assert.equal(client.state, 'ready')
  })

  for (const [what, expiresAt] of [
    ['is past', () => Date.now() - 1],
    ['is in seconds', () => Math.floor(Date.now() / 1000) + 3600],
    ['is not a number', () => NaN],
    ['is an invalid Date', () => new Date('no date')],
    ['is Infinity', () => Infinity],
  ]) {
    test(`whose end ${what} fails the attempt, and the error names ms`, async (t) => {
      const client = open(t, await listen(t), {
        apiKey: () => ({ token: 'secret', expiresAt: expiresAt() }),
        maxReconnectAttempts: 0,
      })
      const { code, message } = await rejection(client.connect())
      assert.equal(code, 'AUTH_FAILED')
      assert.match(message, /expiresAt .* in ms/)
      assert.ok(!message.includes('secret'))
    })
  }

  for (const [what, key] of [
    ['has no token', { expiresAt: Date.now() + 60_000 }],
    ['has a token that is no string', { token: 5, expiresAt: Date.now() + 60_000 }],
    ['has an end of another kind', { token: 'secret', expiresAt: '2030-01-01' }],
    ['has no end', { token: 'secret' }],
  ]) {
    test(`that ${what} fails the attempt with a TypeError that says what to return`, async (t) => {
      const client = open(t, await listen(t), { apiKey: () => key, maxReconnectAttempts: 0 })
      const { code, cause } = await rejection(client.connect())
      assert.equal(code, 'AUTH_FAILED')
      assert.ok(cause instanceof TypeError && /token, expiresAt/.test(cause.message), `${cause}`)
      assert.ok(!cause.message.includes('secret'))
    })
  }
})

describe('no answer to the auth message', () => {
  test('drops the connection after authTimeout and backs off', async (t) => {
    const server = await listen(t)
    server.intercept((text) => text.includes('"auth"'))
    const client = open(t, server, { authTimeout: 20, maxReconnectAttempts: Infinity })
    const [closed, waiting] = [next(client, 'close'), next(client, 'reconnecting')]
    const [{ code, reason, wasClean, willReconnect }] = await closed
    assert.deepEqual(
      { code, reason, wasClean, willReconnect },
      { code: 1006, reason: 'auth timeout', wasClean: false, willReconnect: true },
    )
    assert.equal((await waiting)[0].attempt, 1)
    server.intercept(null)
    await client.connect()
  })

  test('counts as an attempt: an accepting server that never answers is not tried for ever', async (t) => {
    const server = await listen(t)
    server.intercept(() => true)
    const client = open(t, server, { authTimeout: 5, maxReconnectAttempts: 2 })
    const error = await rejection(client.connect())
    assert.equal(error.code, 'RECONNECT_EXHAUSTED')
    assert.equal(error.cause.code, 'AUTH_TIMEOUT')
    for (const id of [1, 2, 3]) assert.equal((await server.nextConnection()).id, id)
  })
})
