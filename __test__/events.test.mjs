/** Each event with what it brings, and the order in which things are told. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { MCPClient, MCPError } from '@mcp-integration/client'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'
import { needs } from './helpers/where.mjs'

const names = (told) => told.map(([name]) => name)

describe('the event', () => {
  test('"state" brings the snapshot and the state before', async (t) => {
    const client = open(t, await listen(t))
    const [snapshot, previous] = await next(client, 'state')
    assert.equal(snapshot.state, 'connecting')
    assert.equal(previous, 'idle')
  })

  test('"open" and "authenticated" bring nothing', async (t) => {
    const client = open(t, await listen(t))
    const told = record(client, ['open', 'authenticated'])
    await client.connect()
    assert.deepEqual(told, [['open'], ['authenticated']])
  })

  test('"message" brings every message parsed, the auth answer and pongs included', async (t) => {
    const server = await listen(t)
    const client = open(t, server, { heartbeatInterval: 5 })
    const messages = inbox(client, 'message')
    assert.deepEqual(await messages(), [{ id: 'auth', success: true }])
    const [pong] = await messages()
    assert.equal(pong.messageType, 'pong')
  })

  test('"message" brings a push as JSON.parse reads it, whatever it is', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const messages = inbox(client, 'message')
    const pushes = [{ news: ['ü', 1] }, [1, 2], 'text', 5, true, null]
    for (const push of pushes) server.broadcast(JSON.stringify(push))
    for (const push of pushes) assert.deepEqual(await messages(), [push])
  })

  test('"message" brings JSON in a binary frame like any other', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const arrived = next(client, 'message')
    server.broadcast(Buffer.from('{"text":"grüß dich"}'))
    assert.deepEqual(await arrived, [{ text: 'grüß dich' }])
  })

  test('"close" brings how the socket ended, in words too', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    for (const [code, reason, explanation] of [
      [1012, 'deploy', 'Service restart'],
      [1001, '', 'Going away'],
      [4321, 'grüße', 'Unknown code'],
    ]) {
      const closed = next(client, 'close')
      await server.closeAll(code, reason)
      const [info] = await closed
      assert.deepEqual(info, { code, reason, wasClean: true, explanation, willReconnect: true })
      assert.ok(Object.isFrozen(info))
      await reached(client, 'ready')
    }
  })

  test('"close" tells 1006 where no close frame came', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const closed = next(client, 'close')
    await server.terminateAll()
    const [{ code, wasClean, explanation, willReconnect }] = await closed
    assert.deepEqual(
      { code, wasClean, explanation, willReconnect },
      { code: 1006, wasClean: false, explanation: 'Abnormal closure', willReconnect: true },
    )
  })

  test('"close" tells where the client stays closed', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const closed = next(client, 'close')
    await server.closeAll(1000, 'that was all')
    assert.deepEqual((await closed)[0], {
      code: 1000,
      reason: 'that was all',
      wasClean: true,
      explanation: 'Normal closure',
      willReconnect: false,
    })
  })

  test('"close" does not come for a dial that fails, nor for one that is given up', async (t) => {
    const refused = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    const dialing = open(t, await silentUrl(t))
    const told = [record(refused, ['close']), record(dialing, ['close'])]
    await rejection(refused.connect())
    await dialing.close()
    assert.deepEqual(told, [[], []])
  })

  test('"reconnecting" brings attempt, limit and delay', async (t) => {
    const client = open(t, DEAF_URL, {
      maxReconnectAttempts: 2,
      baseReconnectDelay: 2,
      maxReconnectDelay: 9,
      reconnectFactor: 2,
    })
    const told = record(client, ['reconnecting'])
    await reached(client, 'failed')
    assert.deepEqual(told, [
      ['reconnecting', { attempt: 1, maxAttempts: 2, delay: 2 }],
      ['reconnecting', { attempt: 2, maxAttempts: 2, delay: 4 }],
    ])
  })

  test('"reconnecting" knows no limit where there is none', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: Infinity })
    assert.equal((await next(client, 'reconnecting'))[0].maxAttempts, Infinity)
  })

  test('"heartbeat" brings the round trip', async (t) => {
    const client = open(t, await listen(t), { heartbeatInterval: 1 })
    const [{ rtt }] = await next(client, 'heartbeat')
    assert.ok(rtt > 0 && rtt < 10_000, `${rtt}`)
  })

  test('"failed" brings the error, once', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    const told = record(client, ['failed'])
    await reached(client, 'failed')
    await client.close()
    assert.equal(told.length, 1)
    assert.ok(told[0][1] instanceof MCPError)
    assert.equal(told[0][1].code, 'RECONNECT_EXHAUSTED')
  })

  test('"error" brings an MCPError, and is not missed where nobody listens', async (t) => {
    const quiet = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    await reached(quiet, 'failed')
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
    const [error] = await next(client, 'error')
    assert.ok(error instanceof MCPError)
    assert.equal(error.code, 'CONNECT_FAILED')
  })

  test('"log" brings level, message and fields', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const logged = next(client, 'log')
    await server.closeAll(1012, 'deploy')
    const [entry] = await logged
    assert.equal(entry.level, 'info')
    assert.match(entry.message, /closed/)
    const cause = 'connection lost: closed with code 1012 (deploy)'
    const who = { client: client.id, connection: 1, url: server.url, attempt: 0 }
    assert.deepEqual(entry.fields, { ...who, code: 1012, reason: 'deploy', cause })
    assert.ok(Object.isFrozen(entry))
  })

  test(
    '"log" names the client by its number, which counts up in the process and its workers',
    needs('one core for all threads'),
    async (t) => {
      const [first, second] = [0, 1].map(() => open(t, DEAF_URL, { autoConnect: false }))
      assert.equal(second.id, first.id + 1)
      const program = `
      const { MCPClient } = require('@mcp-integration/client')
      const { parentPort, workerData } = require('node:worker_threads')
      parentPort.postMessage(new MCPClient({ url: workerData, autoConnect: false }).id)`
      const worker = new Worker(program, { eval: true, workerData: DEAF_URL })
      assert.deepEqual(await once(worker, 'message'), [second.id + 1])
    },
  )

  test('"log" is quiet at info in an undisturbed life, and tells every step of it at debug', async (t) => {
    const client = open(t, await listen(t))
    const entries = record(client, ['log'])
    await client.connect()
    await client.useTool('echo')
    await client.close()
    assert.deepEqual(
      entries.map(([, { level, message }]) => `${level}: ${message}`),
      [
        'debug: connecting',
        'debug: the socket is open',
        'debug: authenticated',
        'debug: the connection is closed',
        'debug: the client is closed',
      ],
    )
  })

  test(
    '"log" tells why the client cannot connect, in the words of Node.js, and without the query',
    needs('the reason why a dial failed'),
    async (t) => {
      const client = open(t, `${DEAF_URL}?key=hunter2`, { maxReconnectAttempts: 1 })
      const entries = record(client, ['log'])
      await next(client, 'failed')
      const told = entries.map(([, { level, message, fields }]) => [level, message, fields.attempt, fields.cause])
      assert.deepEqual(told, [
        ['debug', 'connecting', 0, undefined],
        ['warn', 'cannot connect', 0, 'ECONNREFUSED'],
        ['info', 'waiting before the next attempt', 1, 'ECONNREFUSED'],
        ['debug', 'connecting', 1, undefined],
        ['warn', 'cannot connect', 1, 'ECONNREFUSED'],
        ['error', 'the client has failed', 1, 'ECONNREFUSED'],
      ])
      assert.ok(entries.every(([, { fields }]) => fields.url === DEAF_URL))
    },
  )

  test('"log" names what a key function threw by its class alone', async (t) => {
    const apiKey = () => Promise.reject(new RangeError('hunter2'))
    const client = open(t, await listen(t), { apiKey, maxReconnectAttempts: 0 })
    const entries = record(client, ['log'])
    await next(client, 'failed')
    const entry = entries.map(([, entry]) => entry).find(({ message }) => message === 'the key function failed')
    assert.equal(entry.fields.cause, 'RangeError')
    assert.doesNotMatch(JSON.stringify(entries), /hunter2/)
  })
})

describe('the order:', () => {
  test('nothing is told inside of the constructor, and listeners added in the same turn hear everything', async (t) => {
    const told = []
    class Eager extends MCPClient {
      constructor(options) {
        super(options)
        told.push('constructed')
        this.on('state', ({ state }) => told.push(state))
      }
    }
    const client = new Eager({ url: (await listen(t)).url, onMessage: () => told.push('message') })
    t.after(() => client.close())
    // Long enough for the I/O thread to get ahead, were it told at once.
    const end = performance.now() + 20
    while (performance.now() < end);
    assert.deepEqual(told, ['constructed'])
    await client.connect()
    assert.deepEqual(told, ['constructed', 'connecting', 'authenticating', 'ready', 'message'])
  })

  test('on the way to ready: state, then the event with its own name, then the message, then promises', async (t) => {
    const client = open(t, await listen(t))
    const told = record(client)
    const settled = client.connect().then(() => told.push(['connect() resolved']))
    await settled
    // Log entries may come at any point.
    const events = names(told).filter((name) => name !== 'log')
    assert.deepEqual(events, ['state', 'state', 'open', 'state', 'authenticated', 'message', 'connect() resolved'])
  })

  test('when the token is refused: state, then error, then promises', async (t) => {
    const client = open(t, await listen(t, { tokens: ['right'] }))
    const told = record(client, ['state', 'error', 'message'])
    await client.connect().catch(() => told.push(['connect() rejected']))
    assert.deepEqual(names(told.slice(2)), ['state', 'error', 'message', 'connect() rejected'])
  })

  test('when the connection is lost: state, close, error and reconnecting, then promises', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, PATIENT)
    const told = record(client, ['state', 'close', 'error', 'reconnecting'])
    const call = client.useTool('sleep', { ms: 60_000 }).catch(() => told.push(['useTool() rejected']))
    await server.nextRequest('sleep')
    await server.terminateAll()
    await call
    assert.deepEqual(names(told.slice(0, 5)), ['state', 'close', 'error', 'reconnecting', 'useTool() rejected'])
  })

  test('... even where the delivery takes so long that the event loop gets its turn in between', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, PATIENT)
    const told = record(client, ['state', 'close', 'error', 'reconnecting'])
    const { signal } = new AbortController()
    signal.removeEventListener = (...args) => {
      const end = performance.now() + 10
      while (performance.now() < end);
      return EventTarget.prototype.removeEventListener.apply(signal, args)
    }
    const call = client.useTool('sleep', { ms: 60_000 }, { signal }).catch(() => told.push(['useTool() rejected']))
    await server.nextRequest('sleep')
    await server.terminateAll()
    await call
    assert.deepEqual(names(told.slice(0, 5)), ['state', 'close', 'error', 'reconnecting', 'useTool() rejected'])
  })

  test(
    'when the client fails: state, error, failed, then promises',
    needs('the reason why a dial failed'),
    async (t) => {
      const server = await listen(t)
      server.refuseUpgrades(404)
      const client = open(t, server)
      const told = record(client, ['state', 'error', 'failed'])
      const call = client.useTool('echo').catch(() => told.push(['useTool() rejected']))
      await client.connect().catch(() => told.push(['connect() rejected']))
      await call
      assert.deepEqual(names(told), ['state', 'state', 'error', 'failed', 'useTool() rejected', 'connect() rejected'])
    },
  )

  test('on close(): state, calls, state, close, then its promise', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = record(client, ['state', 'close', 'error'])
    client.useTool('sleep', { ms: 60_000 }).catch(() => told.push(['useTool() rejected']))
    await server.nextRequest('sleep')
    await client.close().then(() => told.push(['close() resolved']))
    assert.deepEqual(names(told), ['state', 'useTool() rejected', 'state', 'close', 'close() resolved'])
  })

  test('the "message" of an answer comes before the code behind its await, call by call', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const seen = new Set()
    client.on('message', ({ results }) => seen.add(results))
    await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        assert.equal(await client.useTool('echo', i), i)
        assert.ok(seen.has(i), `message ${i}`)
      }),
    )
  })

  test('listeners see the snapshot that their event is about', async (t) => {
    const server = await listen(t)
    const client = open(t, server)
    const seen = []
    for (const event of ['open', 'authenticated', 'close', 'reconnecting'])
      client.on(event, () => seen.push([event, client.state]))
    await client.connect()
    const waiting = next(client, 'reconnecting')
    await server.terminateAll()
    await waiting
    assert.deepEqual(seen, [
      ['open', 'authenticating'],
      ['authenticated', 'ready'],
      ['close', 'reconnecting'],
      ['reconnecting', 'reconnecting'],
    ])
  })
})
