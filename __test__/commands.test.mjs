/** connect(), reconnect() and close(): when they settle, and what they do in each state. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl, stuckUrl } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { WELCOME } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

describe('connect()', () => {
  test('resolves with nothing when the client is ready, and at once when it is so already', async (t) => {
    const client = open(t, await listen(t))
    assert.equal(await client.connect(), undefined)
    assert.equal(client.state, 'ready')
    assert.equal(await client.connect(), undefined)
  })

  test('makes one attempt however often it is called', async (t) => {
    const server = await listen(t)
    const auths = []
    server.on('message', (text) => auths.push(text))
    const client = open(t, server)
    await Promise.all(Array.from({ length: 10 }, () => client.connect()))
    await client.useTool('echo')
    assert.equal((await server.nextConnection()).id, 1)
    assert.equal(auths.filter((text) => text.includes('"auth"')).length, 1)
    assert.equal(server.connections.length, 1)
  })

  test('waits through failed attempts', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const client = open(t, server)
    const failures = inbox(client, 'reconnecting')
    const connected = client.connect()
    await failures()
    await failures()
    await server.resumeAccepting()
    await connected
    assert.equal(client.state, 'ready')
  })

  test('dials at once in reconnecting, whatever is left of the wait', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const client = open(t, server, PATIENT)
    await reached(client, 'reconnecting')
    await server.resumeAccepting()
    await client.connect()
  })

  test('authenticates again in unauthorized, on the same socket', async (t) => {
    const server = await listen(t, { tokens: ['other'] })
    const client = open(t, server, { apiKey: 'key' })
    await reached(client, 'unauthorized')
    server.setTokens(['key'])
    await client.connect()
    assert.equal(server.connections[0].id, 1)
  })

  test('rejects when the client fails, when the token is refused, and when it is closed, from either side', async (t) => {
    assert.equal(
      (await rejection(open(t, DEAF_URL, { maxReconnectAttempts: 1 }).connect())).code,
      'RECONNECT_EXHAUSTED',
    )
    assert.equal((await rejection(open(t, await listen(t, { tokens: ['right'] })).connect())).code, 'AUTH_FAILED')
    const closed = open(t, await silentUrl(t))
    const connect = rejection(closed.connect())
    await closed.close()
    assert.equal((await connect).code, 'CLOSED')
    const server = await listen(t)
    server.intercept((_text, connection) => void connection.close(1000) ?? true)
    assert.equal((await rejection(open(t, server).connect())).code, 'CONNECTION_LOST')
  })

  test('during close() ends the closing and connects anew', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const call = rejection(client.useTool('sleep', { ms: 60_000 }))
    await server.nextRequest('sleep')
    const closing = client.close({ drain: 60_000 })
    const connecting = client.connect()
    assert.equal(await closing, undefined)
    assert.equal((await call).code, 'CLOSED')
    await connecting
    assert.equal(await client.useTool('echo', 1), 1)
  })
})

describe('reconnect()', () => {
  test('drops the connection with a close frame and connects at once', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, PATIENT)
    const told = record(client, ['close'])
    const first = await server.nextConnection()
    assert.equal(await client.reconnect(), undefined)
    assert.equal((await first.closed).code, 1000)
    const [[, { code, reason, wasClean, willReconnect }]] = told
    assert.deepEqual({ code, wasClean, willReconnect }, { code: 1006, wasClean: false, willReconnect: true })
    assert.match(reason, /reconnect\(\)/)
    assert.deepEqual([client.state, client.stats().reconnects, (await server.nextConnection()).id], ['ready', 1, 2])
  })

  test('resets the counter of attempts', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const client = open(t, server, { maxReconnectAttempts: 3 })
    const attempts = inbox(client, 'reconnecting')
    for (const expected of [1, 2]) assert.equal((await attempts())[0].attempt, expected)
    const reconnected = rejection(client.reconnect())
    assert.equal(client.snapshot.attempt, 0)
    for (const expected of [1, 2, 3]) assert.equal((await attempts())[0].attempt, expected)
    assert.equal((await reconnected).code, 'RECONNECT_EXHAUSTED')
  })

  test('rejects calls in flight, keeps queued ones and sends idempotent ones again', async (t) => {
    const server = await listen(t)
    server.intercept((text) => text.includes('"held"') && server.connections[0].id === 1)
    const client = await ready(t, server)
    const lost = rejection(client.useTool('held'))
    const again = client.useTool('held', {}, { idempotent: true })
    again.catch(() => {})
    await client.useTool('echo')
    void client.reconnect()
    const queued = client.useTool('echo', 'queued')
    const { code, sent } = await lost
    assert.deepEqual({ code, sent }, { code: 'CONNECTION_LOST', sent: true })
    assert.equal(await queued, 'queued')
    assert.match((await rejection(again)).message, /Unknown tool/)
  })

  for (const state of ['idle', 'connecting', 'reconnecting', 'unauthorized', 'closed', 'failed']) {
    test(`connects from ${state}`, async (t) => {
      const server = await listen(t, { tokens: ['key'] })
      const client = open(t, server, { apiKey: 'key', autoConnect: state !== 'idle', ...PATIENT })
      if (state === 'reconnecting') server.refuseUpgrades(503)
      if (state === 'failed') server.refuseUpgrades(404)
      if (state === 'unauthorized') server.setTokens(['other'])
      if (state === 'closed') await client.close()
      await reached(client, state)
      server.setTokens(['key'])
      await server.resumeAccepting()
      await client.reconnect()
      assert.equal(client.state, 'ready')
    })
  }
})

describe('close()', () => {
  test('sends a close frame with its code and reason, and resolves when the handshake is done', async (t) => {
    const server = await listen(t)
    for (const [args, frame] of [
      [[], { code: 1000, reason: '' }],
      [[4000, 'grüße'], { code: 4000, reason: 'grüße' }],
      [[{ code: 3999, reason: 'enough' }], { code: 3999, reason: 'enough' }],
      [[{}], { code: 1000, reason: '' }],
      [[1001], { code: 1001, reason: '' }],
    ]) {
      const client = await ready(t, server)
      const closed = next(client, 'close')
      const connection = await server.nextConnection()
      assert.equal(await client.close(...args), undefined)
      assert.deepEqual(await connection.closed, frame)
      const [{ code, reason, wasClean, willReconnect }] = await closed
      assert.deepEqual({ code, reason, wasClean, willReconnect }, { ...frame, wasClean: true, willReconnect: false })
    }
  })

  test('rejects calls in flight and queued ones at once', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const call = rejection(client.useTool('sleep', { ms: 60_000 }))
    const closed = client.close()
    assert.equal((await call).code, 'CLOSED')
    await closed
    assert.deepEqual([client.stats().pending, client.stats().queued], [0, 0])
  })

  test('waits for calls in flight as long as drain says, and takes no new ones', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const call = client.useTool('sleep', { ms: 50 })
    const closed = client.close({ drain: 60_000 })
    assert.equal((await rejection(client.useTool('echo'))).code, 'CLOSED')
    assert.deepEqual(await call, { slept: 50 })
    await closed
    assert.equal(client.state, 'closed')
  })

  test('waits for nothing where nothing is in flight', async (t) => {
    const client = await ready(t, await listen(t))
    await client.useTool('echo')
    await client.close({ drain: 1_000_000 })
    assert.equal(client.state, 'closed')
  })

  test('rejects what is still in flight when drain is over', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const call = rejection(client.useTool('sleep', { ms: 60_000 }))
    await client.close({ drain: 20 })
    assert.equal((await call).code, 'CLOSED')
  })

  test('with drain is cut short by one without', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const call = rejection(client.useTool('sleep', { ms: 60_000 }))
    const closings = [client.close({ drain: 60_000 }), client.close()]
    await Promise.all([...closings, call])
  })

  test('does not wait for calls that are given up while it drains', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const abort = new AbortController()
    const calls = [
      rejection(client.useTool('sleep', { ms: 60_000 }, { signal: abort.signal })),
      rejection(client.useTool('sleep', { ms: 60_000 }, { timeout: 20 })),
    ]
    const closed = client.close({ drain: 60_000 })
    abort.abort()
    await closed
    await Promise.all(calls)
  })

  test('without a socket is done at once, and no "close" comes', async (t) => {
    for (const client of [
      open(t, DEAF_URL, { autoConnect: false }),
      open(t, await silentUrl(t)),
      await reachedClient(open(t, DEAF_URL, PATIENT), 'reconnecting'),
      await reachedClient(open(t, DEAF_URL, { maxReconnectAttempts: 0 }), 'failed'),
    ]) {
      const told = record(client, ['close'])
      const terminal = client.state === 'failed' ? 'failed' : 'closed'
      const closed = client.close()
      assert.equal(client.state, terminal)
      await closed
      assert.deepEqual(told, [])
    }
  })

  test('may be called again, and is what disposal does', async (t) => {
    const client = await ready(t, await listen(t))
    await Promise.all([client.close(), client.close(), client[Symbol.asyncDispose]()])
    await client.close()
    assert.equal(client.state, 'closed')
  })

  test('never reconnects, whatever the server says', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = record(client, ['reconnecting'])
    const closed = client.close()
    void server.terminateAll()
    await closed
    assert.equal(client.state, 'closed')
    assert.deepEqual(told, [])
  })

  test('gives the closing handshake two seconds', async (t) => {
    const client = await ready(t, await stuckUrl(t, [WELCOME]))
    const closed = next(client, 'close')
    const start = performance.now()
    await client.close()
    const took = performance.now() - start
    assert.ok(took > 1_990 && took < 10_000, `${took} ms`)
    const [{ code, wasClean }] = await closed
    assert.deepEqual({ code, wasClean }, { code: 1006, wasClean: false })
  })

  test('throws for what cannot be sent, and then nothing has happened', async (t) => {
    const client = await ready(t, await listen(t))
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN, -1000]) {
      assert.throws(() => client.close(code), RangeError, String(code))
      assert.throws(() => client.close({ code }), RangeError, String(code))
    }
    assert.throws(() => client.close({ code: '1000' }), TypeError)
    assert.throws(() => client.close(1000, 5), TypeError)
    assert.throws(() => client.close(1000, 'é'.repeat(62)), RangeError)
    for (const drain of [-1, NaN, Infinity, 2 ** 31]) assert.throws(() => client.close({ drain }), RangeError)
    assert.throws(() => client.close({ drain: '5' }), TypeError)
    for (const first of [null, 'x', true, () => {}]) {
      assert.throws(() => client.close(first), { name: 'TypeError', message: /^close\(\) takes an object of options/ })
    }
    assert.throws(() => client.close({ drian: 5_000 }), {
      name: 'TypeError',
      message: 'unknown option "drian" of close, did you mean "drain"?',
    })
    assert.throws(() => client.close({ delay: 5_000 }), { message: /"delay" of close: use code, reason, drain$/ })
    assert.equal(client.state, 'ready')
    assert.equal(await client.useTool('echo', 1), 1)
  })
})

test('promises of commands may be ignored: none becomes an unhandledRejection', async (t) => {
  const server = await listen(t, { tokens: ['right'] })
  const told = await run(
    t,
    async ({ MCPClient, tell, input: { url, deaf } }) => {
      process.on('unhandledRejection', (reason) => tell(`unhandled: ${reason}`))
      const settled = (client, event) => new Promise((resolve) => client.once(event, resolve))
      const refused = new MCPClient(url)
      const unauthorized = new Promise((resolve) =>
        refused.on('state', ({ state }) => state === 'unauthorized' && resolve()),
      )
      refused.connect()
      refused.authenticate('wrong')
      refused.reconnect()
      const failing = new MCPClient(deaf, { maxReconnectAttempts: 0 })
      const failed = settled(failing, 'failed')
      failing.connect()
      failing.reconnect()
      failing.authenticate('wrong')
      const thrower = new MCPClient(url, { maxReconnectAttempts: 0, apiKey: () => Promise.reject(new Error('no key')) })
      await Promise.all([unauthorized, failed, settled(thrower, 'failed')])
      refused.connect()
      refused.close()
      await new Promise(setImmediate)
      tell('done')
    },
    { url: server.url, deaf: DEAF_URL },
  )
  assert.deepEqual(told, ['done'])
})

async function reachedClient(client, state) {
  await reached(client, state)
  return client
}
