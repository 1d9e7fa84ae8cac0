/** A call that fails because there is no connection says why there is none; errors stay small (PROTOCOL.md rule 18). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient, MCPError } from '@mcp-integration/client'
import { connectClient, serveClient } from '@mcp-integration/client/bridge'
import { PATIENT, next, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

/** The code of an error and those of its causes. */
function codes(error) {
  return error instanceof Error ? [error.code, ...codes(error.cause)] : []
}

describe('the cause of a call that fails because there is no connection', () => {
  test('is the error of the client, the same object for all calls', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    await reached(client, 'failed')
    const errors = await Promise.all([1, 2, 3].map((i) => rejection(client.useTool('echo', i))))
    for (const error of errors) {
      assert.deepEqual(codes(error), ['NOT_CONNECTED', 'CONNECT_FAILED', 'ECONNREFUSED'])
      assert.equal(error.cause, client.error)
    }
    assert.equal(client.error, client.snapshot.error)
  })

  test('... also if the call has a signal', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    await reached(client, 'failed')
    const { signal } = new AbortController()
    assert.equal((await rejection(client.useTool('echo', 1, { signal }))).cause, client.error)
  })

  test('... and the events "error" and "failed" bring it too', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    const [errors, failures] = [next(client, 'error'), next(client, 'failed')]
    await reached(client, 'failed')
    assert.deepEqual([(await errors)[0], (await failures)[0]], [client.error, client.error])
    assert.equal((await errors)[0], client.error)
  })

  test('says after a timeout that the server is not there', async (t) => {
    const client = open(t, DEAF_URL, { ...PATIENT })
    const error = await rejection(client.useTool('echo', 1, { timeout: 200 }))
    assert.deepEqual(codes(error), ['REQUEST_TIMEOUT', 'CONNECT_FAILED', 'ECONNREFUSED'])
    assert.equal(error.cause, client.error)
    assert.equal(error.sent, false)
  })

  test('is the last failure when the attempts are used up', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    const calls = await Promise.all([1, 2].map((i) => rejection(client.useTool('echo', i))))
    for (const error of calls) {
      assert.deepEqual(codes(error), ['RECONNECT_EXHAUSTED', 'CONNECT_FAILED', 'ECONNREFUSED'])
      assert.equal(error.cause, client.error.cause)
    }
    const late = await rejection(client.useTool('echo'))
    assert.deepEqual(codes(late), ['NOT_CONNECTED', 'RECONNECT_EXHAUSTED', 'CONNECT_FAILED', 'ECONNREFUSED'])
  })

  test('is there when close() ends a call that waits for a reconnection', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, PATIENT)
    await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
    const [lost, call] = [client.error, rejection(client.useTool('echo'))]
    await client.close()
    const error = await call
    assert.deepEqual(codes(error), ['CLOSED', 'CONNECTION_LOST'])
    assert.equal(error.cause, lost)
  })

  test('is what the key function threw', async (t) => {
    const thrown = new RangeError('the vault is sealed')
    const client = open(t, await listen(t), { maxReconnectAttempts: 0, apiKey: () => Promise.reject(thrown) })
    const queued = await rejection(client.useTool('echo'))
    assert.equal(queued.code, 'AUTH_FAILED')
    assert.equal(queued.cause, thrown)
    const late = await rejection(client.useTool('echo'))
    assert.equal(late.cause, client.error)
    assert.equal(late.cause.cause, thrown)
  })

  test('is the refusal of the key', async (t) => {
    const client = open(t, await listen(t, { tokens: ['right'] }), { apiKey: 'wrong' })
    await reached(client, 'unauthorized')
    const error = await rejection(client.useTool('echo'))
    assert.deepEqual(codes(error), ['NOT_CONNECTED', 'AUTH_FAILED'])
  })

  test('is nothing where nothing went wrong', async (t) => {
    const idle = open(t, DEAF_URL, { autoConnect: false })
    assert.ok(!('cause' in (await rejection(idle.useTool('echo')))))
    const dialing = open(t, await silentUrl(t))
    assert.ok(!('cause' in (await rejection(dialing.useTool('echo', 1, { timeout: 1 })))))
  })
})

describe('the calls of the turn in which a client is made', () => {
  /** Long enough for the I/O thread to be refused before the calls get to it. */
  function busy() {
    const end = performance.now() + 20
    while (performance.now() < end);
  }

  for (const [when, before, after] of [
    ['at once', () => {}, () => {}],
    ['long before they are delivered', () => {}, busy],
    ['long before they are made', busy, () => {}],
  ]) {
    test(`hear why the client failed, where that happens ${when}`, async (t) => {
      for (let i = 0; i < 10; i++) {
        const client = new MCPClient(DEAF_URL, { maxReconnectAttempts: 0 })
        t.after(() => client.close())
        before()
        const { signal } = new AbortController()
        const calls = [client.useTool('one'), client.useTool('two', {}, { signal }), client.useTool('three')]
        const rejected = Promise.all(calls.map(rejection))
        after()
        for (const error of await rejected) {
          assert.deepEqual(codes(error), ['CONNECT_FAILED', 'ECONNREFUSED'])
          assert.equal(error.sent, false)
        }
      }
    })
  }

  test('... as do those of the turn in which connect() is called', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false })
    void client.connect()
    busy()
    assert.equal((await rejection(client.useTool('echo'))).code, 'CONNECT_FAILED')
    assert.equal((await rejection(client.useTool('echo'))).code, 'NOT_CONNECTED')
  })
})

describe('the words of a server', () => {
  test('are at most 8 KiB in an error, and end with an ellipsis', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const words = 'grüße'.repeat(5_000)
    server.intercept((text, connection) =>
      connection.send(JSON.stringify({ id: JSON.parse(text).id, error: { message: words, more: [1] } })),
    )
    const error = await rejection(client.useTool('any'))
    assert.ok(Buffer.byteLength(error.message) <= 8 * 1024, `${Buffer.byteLength(error.message)}`)
    assert.match(error.message, /^(grüße)+.{0,4}…$/)
    assert.deepEqual(error.data, { message: words, more: [1] })
  })

  test('do not show the key', async (t) => {
    const apiKey = 'hunter2-hunter2'
    const server = await listen(t)
    server.intercept((_text, connection) =>
      connection.send(JSON.stringify({ id: 'auth', success: false, error: `nobody has ${apiKey}` })),
    )
    const client = open(t, server, { apiKey })
    assert.equal((await rejection(client.connect())).message, 'nobody has [key]')
    assert.equal((await rejection(client.useTool('echo'))).cause.message, 'nobody has [key]')
  })

  test('in a refusal of 60 MB are not kept for each of 1,000 waiting calls', async (t) => {
    const refusal = `{"id":"auth","success":false,"error":{"message":"${'x'.repeat(60_000_000)}"}}`
    const { url } = await listenRaw(t, (socket) => socket.once('message', () => socket.send(refusal)))
    const client = open(t, url, { maxReconnectAttempts: 0 })
    const calls = Array.from({ length: 1_000 }, (_, i) => rejection(client.useTool('echo', i)))
    const errors = await Promise.all(calls)
    const before = process.memoryUsage().rss
    assert.ok(errors.every(({ code, message }) => code === 'AUTH_FAILED' && message.length <= 8 * 1024))
    assert.ok(before < 1_500_000_000, `${before} bytes`)
  })
})

describe('through the bridge', () => {
  function far(t, client) {
    const { port1, port2 } = new MessageChannel()
    const served = serveClient(client, port1)
    const connected = connectClient(port2)
    t.after(() => {
      served.close()
      void connected.close()
    })
    return connected
  }

  test('cause, phase and status cross', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const client = open(t, server, { maxReconnectAttempts: 0 })
    await reached(client, 'failed')
    const { code, cause } = await rejection(far(t, client).useTool('echo'))
    assert.deepEqual([code, cause.code, cause.phase, cause.status], ['NOT_CONNECTED', 'CONNECT_FAILED', 'upgrade', 503])
    assert.ok(cause instanceof MCPError)
  })

  test('the error of a key function does not cross, whatever it is', async (t) => {
    for (const thrown of [new Error('hunter2'), new MCPError('hunter2', { code: 'CLOSED', retryable: false })]) {
      const client = open(t, await listen(t), { maxReconnectAttempts: 0, apiKey: () => Promise.reject(thrown) })
      await reached(client, 'failed')
      assert.equal(client.error.cause, thrown)
      const error = await rejection(far(t, client).useTool('echo'))
      assert.deepEqual(codes(error), ['NOT_CONNECTED', 'AUTH_FAILED'])
      assert.ok(!JSON.stringify([error, error.cause, error.message, error.cause.message]).includes('hunter2'))
    }
  })
})
