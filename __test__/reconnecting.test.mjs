/** A lost connection: what is tried again, when, how often, and what becomes of calls. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, listenTcp, silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'
import { needs } from './helpers/where.mjs'

describe('attempts', () => {
  test('are counted without the first dial: a cap of 2 means three dials', needs('raw sockets'), async (t) => {
    let dials = 0
    const { url } = await listenTcp(t, (socket) => {
      dials++
      socket.destroy()
    })
    const client = open(t, url, { maxReconnectAttempts: 2 })
    const told = record(client, ['reconnecting', 'failed'])
    await rejection(client.connect())
    assert.equal(dials, 3)
    assert.deepEqual(
      told.map(([event]) => event),
      ['reconnecting', 'reconnecting', 'failed'],
    )
  })

  test('are none with a cap of 0: the first failure is the end, as it is', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    const told = record(client, ['reconnecting'])
    const [error] = await next(client, 'failed')
    assert.equal(error.code, 'CONNECT_FAILED')
    assert.deepEqual(told, [])
  })

  test('are without end with a cap of Infinity', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const client = open(t, server, { maxReconnectAttempts: Infinity })
    const attempts = inbox(client, 'reconnecting')
    for (let attempt = 1; attempt <= 15; attempt++) assert.equal((await attempts())[0].attempt, attempt)
    await server.resumeAccepting()
    await client.connect()
  })

  test('are 10 by default', async (t) => {
    const client = open(t, DEAF_URL)
    const told = record(client, ['reconnecting'])
    await reached(client, 'failed')
    assert.equal(told.length, 10)
    assert.equal(told[0][1].maxAttempts, 10)
  })

  test('are counted anew only after the client was ready: a server that accepts and then closes is not tried for ever', async (t) => {
    const server = await listen(t)
    server.intercept((_text, connection) => void connection.close(4000) ?? true)
    const client = open(t, server, { maxReconnectAttempts: 3 })
    assert.equal((await rejection(client.connect())).code, 'RECONNECT_EXHAUSTED')
    server.intercept(null)
    await client.connect()
    const waiting = next(client, 'reconnecting')
    await server.terminateAll()
    assert.equal((await waiting)[0].attempt, 1)
  })
})

describe('the delay', () => {
  test(
    'is at least as long as the server asks with Retry-After, in seconds or as a date, up to maxRetryAfter',
    needs('the reason why a dial failed', 'raw sockets'),
    async (t) => {
      for (const [header, least, most] of [
        ['2', 2_000, 2_000],
        [() => new Date(Date.now() + 5_000).toUTCString(), 3_000, 5_000],
        ['Sun, 06 Nov 1994 08:49:37 GMT', 1, 1],
        ['86400', 6_000, 6_000],
        ['soon', 1, 1],
      ]) {
        const value = typeof header === 'function' ? header() : header
        const { url } = await listenTcp(t, (socket) => {
          socket.on('error', () => {})
          socket.once('data', () => socket.end(`HTTP/1.1 503 Later\r\nRetry-After: ${value}\r\n\r\n`))
        })
        const client = open(t, url, { maxRetryAfter: 6_000 })
        const [{ delay }] = await next(client, 'reconnecting')
        assert.ok(delay >= least && delay <= most, `${value}: ${delay}`)
        assert.equal(client.snapshot.retryDelay, delay)
      }
    },
  )

  async function delaysOf(t, options) {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 6, ...options })
    const told = record(client, ['reconnecting', 'state'])
    await reached(client, 'failed')
    const delays = told.filter(([event]) => event === 'reconnecting').map(([, { delay }]) => delay)
    const shown = told.filter(([, { state }]) => state === 'reconnecting').map(([, { retryDelay }]) => retryDelay)
    assert.deepEqual(delays, shown)
    return delays
  }

  test('grows by reconnectFactor from baseReconnectDelay to maxReconnectDelay', async (t) => {
    assert.deepEqual(
      await delaysOf(t, { baseReconnectDelay: 2, reconnectFactor: 2, maxReconnectDelay: 20 }),
      [2, 4, 8, 16, 20, 20],
    )
    assert.deepEqual(
      await delaysOf(t, {
        baseReconnectDelay: 1,
        reconnectFactor: 3,
        maxReconnectDelay: 1_000,
        maxReconnectAttempts: 4,
      }),
      [1, 3, 9, 27],
    )
    assert.deepEqual(
      await delaysOf(t, { baseReconnectDelay: 0, reconnectFactor: 3, maxReconnectDelay: 9 }),
      [0, 0, 0, 0, 0, 0],
    )
  })

  async function firstDelays(t, count, options) {
    const clients = Array.from({ length: count }, () => open(t, DEAF_URL, options))
    const told = await Promise.all(clients.map((client) => next(client, 'reconnecting')))
    await Promise.all(clients.map((client) => client.close()))
    return told.map(([{ delay }]) => delay)
  }

  test("is by default the guide's: a second, give or take a fifth", async (t) => {
    const client = open(t, DEAF_URL, {
      baseReconnectDelay: undefined,
      maxReconnectDelay: undefined,
      reconnectJitter: undefined,
      slowReconnectDelay: undefined,
    })
    const [{ delay }] = await next(client, 'reconnecting')
    assert.ok(delay >= 800 && delay <= 1_200, `${delay}`)
  })

  test('is spread by reconnectJitter', needs('many failed dials'), async (t) => {
    const options = { baseReconnectDelay: 100_000, maxReconnectDelay: 100_000 }
    for (const [reconnectJitter, least, most] of [
      [0.2, 80_000, 120_000],
      [1, 0, 200_000],
      ['full', 0, 100_000],
    ]) {
      const delays = await firstDelays(t, 60, { ...options, reconnectJitter })
      assert.ok(Math.min(...delays) >= least && Math.max(...delays) <= most, `${delays}`)
      const spread = most - least
      assert.ok(
        Math.min(...delays) < least + spread / 4 && Math.max(...delays) > most - spread / 4,
        `${reconnectJitter}: ${delays}`,
      )
    }
    assert.deepEqual(await firstDelays(t, 3, { ...options, reconnectJitter: 0 }), [100_000, 100_000, 100_000])
  })

  async function delayAfter(t, code, options) {
    const server = await listen(t)
    const client = await ready(t, server, { ...PATIENT, slowReconnectDelay: 5_000, ...options })
    const waiting = next(client, 'reconnecting')
    await server.closeAll(code)
    return (await waiting)[0].delay
  }

  test('is longer by slowReconnectDelay after a close with one of slowReconnectCodes', async (t) => {
    for (const code of [1008, 1011]) assert.equal(await delayAfter(t, code), 65_000)
    for (const code of [1001, 1012, 1013, 4000]) assert.equal(await delayAfter(t, code), 60_000)
    const options = { slowReconnectCodes: [4000], slowReconnectDelay: 7_000 }
    assert.equal(await delayAfter(t, 4000, options), 67_000)
    assert.equal(await delayAfter(t, 1008, options), 60_000)
  })
})

describe('a close by the server', () => {
  test('with a code of noReconnectCodes is final, and with any other it is not', async (t) => {
    const server = await listen(t)
    for (const [code, noReconnectCodes, isFinal] of [
      [1000, undefined, true],
      [1001, undefined, false],
      [1000, [4000], false],
      [4000, [4000, 4001], true],
      [1000, [], false],
    ]) {
      const client = await ready(t, server, { noReconnectCodes, ...PATIENT })
      const closed = next(client, 'close')
      await server.closeAll(code)
      assert.equal((await closed)[0].willReconnect, !isFinal)
      assert.equal(client.state, isFinal ? 'closed' : 'reconnecting')
    }
  })

  test('with 1000 rejects calls with CONNECTION_LOST, idempotent ones too', async (t) => {
    const server = await listen(t)
    server.intercept((text) => text.includes('"held"'))
    const client = await ready(t, server)
    const calls = [{}, { idempotent: true }].map((options) => rejection(client.useTool('held', {}, options)))
    await next(server, 'message')
    await client.useTool('echo')
    await server.closeAll(1000)
    for (const { code, sent } of await Promise.all(calls)) assert.equal(code, 'CONNECTION_LOST', sent)
  })
})

describe('a call whose connection is lost', () => {
  /** A tool that loses its connection the first `losses` times. */
  async function losing(t, losses) {
    const ids = []
    const flaky = (parameters, { request }) => {
      ids.push(request.id)
      if (ids.length > losses) return parameters
      void request.connection.terminate()
      return new Promise(() => {})
    }
    const server = await listen(t, { tools: { flaky } })
    return { client: await ready(t, server), ids }
  }

  test('is rejected at once, for its tool may have run', async (t) => {
    const { client, ids } = await losing(t, 1)
    const { code, sent, requestId } = await rejection(client.useTool('flaky', 1))
    assert.deepEqual({ code, sent, requestId }, { code: 'CONNECTION_LOST', sent: true, requestId: ids[0] })
    await client.connect()
    assert.equal(await client.useTool('flaky', 2), 2)
    assert.equal(ids.length, 2)
  })

  for (const losses of [1, 2]) {
    test(`is sent again under its id if it is idempotent, ${losses} times`, async (t) => {
      const { client, ids } = await losing(t, losses)
      assert.deepEqual(await client.useTool('flaky', { n: 1 }, { idempotent: true }), { n: 1 })
      assert.equal(ids.length, losses + 1)
      assert.equal(new Set(ids).size, 1)
    })
  }

  test('is sent again twice at most', async (t) => {
    const { client, ids } = await losing(t, Infinity)
    const { code, sent } = await rejection(client.useTool('flaky', {}, { idempotent: true }))
    assert.deepEqual({ code, sent }, { code: 'CONNECTION_LOST', sent: true })
    assert.equal(ids.length, 3)
  })

  test('keeps its own timeout, which runs from the call', async (t) => {
    const server = await listen(t)
    server.intercept((text) => text.includes('"held"'))
    const client = await ready(t, server, PATIENT)
    const call = rejection(client.useTool('held', {}, { idempotent: true, timeout: 100 }))
    await next(server, 'message')
    await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
    const { code, sent } = await call
    assert.equal(code, 'REQUEST_TIMEOUT')
    assert.equal(sent, true, 'it was handed to the first socket')
  })
})

describe('calls without a connection', () => {
  test('wait for it, and are sent in the order of the calls', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const client = open(t, server, PATIENT)
    const calls = [client.useTool('echo', 0)]
    await reached(client, 'reconnecting')
    for (let i = 1; i < 100; i++) calls.push(client.useTool('echo', i))
    const { queued, pending } = client.stats()
    assert.deepEqual({ queued, pending }, { queued: 100, pending: 0 })
    assert.ok(client.bufferedAmount > 100)
    await server.resumeAccepting()
    void client.connect()
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => i),
    )
    assert.deepEqual(
      server.requests.map(({ parameters }) => parameters),
      calls.map((_, i) => i),
    )
    assert.equal(client.stats().queued, 0)
  })

  test('are rejected at once with an offlineQueueLimit of 0', async (t) => {
    const client = open(t, await silentUrl(t), { offlineQueueLimit: 0 })
    const { code, message, sent } = await rejection(client.useTool('echo'))
    const expected = { code: 'NOT_CONNECTED', message: 'WebSocket not connected or not authenticated', sent: false }
    assert.deepEqual({ code, message, sent }, expected)
  })

  test('are rejected with the error of a client that fails', needs('the reason why a dial failed'), async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(404)
    const client = open(t, server)
    const { code, toolName, sent } = await rejection(client.useTool('echo'))
    assert.deepEqual({ code, toolName, sent }, { code: 'CONNECT_FAILED', toolName: 'echo', sent: false })
  })

  test('are rejected with RECONNECT_EXHAUSTED when the attempts are used up', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(503)
    const { code, sent, cause } = await rejection(open(t, server, { maxReconnectAttempts: 2 }).useTool('echo'))
    assert.deepEqual(
      { code, sent, cause: cause.code },
      { code: 'RECONNECT_EXHAUSTED', sent: false, cause: 'CONNECT_FAILED' },
    )
  })
})

describe('an outage', () => {
  test('of the whole server is got over, on the same client', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    assert.equal(await client.useTool('echo', 1), 1)
    const waiting = next(client, 'reconnecting')
    server.stopAccepting()
    await server.terminateAll()
    await waiting
    await server.resumeAccepting()
    assert.equal(await client.useTool('echo', 2), 2)
    assert.equal(client.stats().reconnects, 1)
  })

  test('of one client does not concern the others', async (t) => {
    const server = await listen(t)
    const [one, other] = [await ready(t, server), await ready(t, server)]
    const told = record(other, ['state', 'close', 'error'])
    const waiting = next(one, 'reconnecting')
    await server.connections[0].terminate()
    await waiting
    assert.equal(await other.useTool('echo', 1), 1)
    assert.deepEqual(told, [])
  })
})
