/** Several endpoints: one after the other, at the same time, or given by a function. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

describe('a list of urls', () => {
  test('is dialed in order until one is ready, without a wait', async (t) => {
    const server = await listen(t)
    const client = open(t, { url: [DEAF_URL, server.url] })
    const told = record(client, ['state', 'reconnecting'])
    await client.connect()
    assert.deepEqual(
      told.map(([event, { state, url }]) => [event, state, url]),
      [
        ['state', 'connecting', DEAF_URL],
        ['state', 'connecting', server.url],
        ['state', 'authenticating', server.url],
        ['state', 'ready', server.url],
      ],
    )
    assert.equal(client.url, server.url)
  })

  test('is gone through once per attempt, and the last good one is dialed first', async (t) => {
    const [first, second] = [await listen(t), await listen(t)]
    first.refuseUpgrades(503)
    const client = await ready(t, { url: [first.url, second.url] })
    assert.equal(client.url, second.url)
    await first.resumeAccepting()
    const waiting = next(client, 'reconnecting')
    await second.terminateAll()
    assert.equal((await waiting)[0].attempt, 1)
    await reached(client, 'ready')
    assert.equal(client.url, second.url)
  })

  test('goes on after a connection that was lost early: close, then connecting', async (t) => {
    const flapping = await listenRaw(t, (socket) => {
      socket.on('message', () => {
        socket.send('{"id":"auth","success":true}')
        socket.close(4000, 'flapping')
      })
    })
    const server = await listen(t)
    const client = open(t, { url: [flapping.url, server.url] }, { minUptime: 5_000 })
    const told = record(client, ['state', 'close', 'reconnecting'])
    while (client.url !== server.url || client.state !== 'ready') await next(client, 'state')
    assert.deepEqual(
      told.map(([event, { state, code }]) => `${event} ${state ?? code}`),
      [
        'state connecting',
        'state authenticating',
        'state ready',
        'close 4000',
        'state connecting',
        'state authenticating',
        'state ready',
      ],
    )
  })

  test('whose endpoints all refuse the key is unauthorized', async (t) => {
    const servers = [await listen(t), await listen(t)]
    for (const server of servers) server.refuseUpgrades(401)
    const client = open(t, { url: servers.map(({ url }) => url) })
    assert.equal((await rejection(client.connect())).code, 'AUTH_FAILED')
    assert.equal(client.state, 'unauthorized')
  })

  test('is the whole of the first round with maxReconnectAttempts: 0', async (t) => {
    const client = open(t, { url: [DEAF_URL, `${DEAF_URL}?other`] }, { maxReconnectAttempts: 0 })
    const told = record(client, ['error', 'failed'])
    await rejection(client.connect())
    assert.deepEqual(
      told.map(([event]) => event),
      ['error', 'error', 'failed'],
    )
  })

  test('may be the first argument, with URL objects', async (t) => {
    const server = await listen(t)
    const client = new MCPClient([new URL(server.url)])
    t.after(() => client.close())
    await client.connect()
    assert.equal(client.url, server.url)
  })

  test('keeps the query of the one in use out of the snapshot, and in client.url', async (t) => {
    const server = await listen(t)
    const client = await ready(t, { url: [DEAF_URL, `${server.url}?ticket=secret`] })
    assert.equal(client.snapshot.url, server.url)
    assert.equal(client.url, `${server.url}?ticket=secret`)
  })

  for (const [what, url, words] of [
    ['empty', [], /"url" is an empty list: give at least one/],
    ['with the same url twice', ['ws://h/x?key=secret', 'ws://h/x?key=secret'], /"url" names ws:\/\/h\/x twice/],
    ['with the same url in two spellings', ['localhost', 'ws://localhost/mcp-ws'], /twice/],
    ['with something else in it', ['ws://h/', 5], /"url" must be a string or a URL, .* got number/],
    ['with credentials in it', ['ws://h/', 'ws://me:secret@h/'], /"url" contains credentials/],
  ]) {
    test(`${what} throws a TypeError that says what to do`, () => {
      assert.throws(
        () => new MCPClient({ url, autoConnect: false }),
        (error) => error instanceof TypeError && words.test(error.message) && !error.message.includes('secret'),
      )
    })
  }
})

describe('race', () => {
  test('dials all, and the first to become ready wins', async (t) => {
    const server = await listen(t)
    const silent = await silentUrl(t)
    const mute = await listenRaw(t, () => {})
    const client = open(t, { url: [silent, mute.url, server.url] }, { race: true })
    const told = record(client, ['state', 'open', 'authenticated', 'close', 'error'])
    await client.connect()
    assert.deepEqual(
      told.map(([event, snapshot]) => (event === 'state' ? snapshot.state : event)),
      ['connecting', 'authenticating', 'open', 'ready', 'authenticated'],
    )
    assert.equal(client.snapshot.url, server.url)
    assert.deepEqual(await client.useTool('echo', { a: 1 }), { a: 1 })
  })

  test('asks the key function once', async (t) => {
    const servers = [await listenRaw(t, () => {}), await listen(t)]
    let count = 0
    const client = open(t, { url: servers.map(({ url }) => url) }, { race: true, apiKey: () => `key ${++count}` })
    await client.connect()
    assert.equal(count, 1)
  })

  test('drops the losers', async (t) => {
    let closed
    const lost = new Promise((resolve) => (closed = resolve))
    const mute = await listenRaw(t, (socket) => socket.on('close', closed))
    const server = await listen(t)
    await ready(t, { url: [mute.url, server.url] }, { race: true })
    await lost
  })

  test('is won by the first to open where code listens as to a WebSocket', async (t) => {
    const mute = await listenRaw(t, () => {})
    const server = await listen(t)
    const client = open(t, { url: [mute.url, server.url] }, { race: true })
    await new Promise((resolve) => client.addEventListener('open', resolve))
    assert.equal(client.url, mute.url)
  })

  test('fails when all have failed', async (t) => {
    const url = [DEAF_URL, `${DEAF_URL}?other`]
    const client = open(t, { url }, { race: true, maxReconnectAttempts: 1 })
    assert.equal((await rejection(client.connect())).code, 'RECONNECT_EXHAUSTED')
  })
})

describe('a url function', () => {
  test('is asked before each round; url is empty until it has answered', async (t) => {
    const servers = [await listen(t), await listen(t)]
    let count = 0
    const client = open(t, { url: async () => servers[count++].url })
    assert.deepEqual([client.url, client.snapshot.url, client.state], ['', '', 'connecting'])
    await client.connect()
    assert.equal(client.url, servers[0].url)
    await client.reconnect()
    assert.deepEqual([client.url, count], [servers[1].url, 2])
  })

  test('may be the first argument, and return a list', async (t) => {
    const server = await listen(t)
    const client = new MCPClient(() => [DEAF_URL, new URL(server.url)])
    t.after(() => client.close())
    await client.connect()
    assert.equal(client.url, server.url)
  })

  const cause = new Error('no such region')
  for (const [what, url, isCause] of [
    [
      'throws',
      () => {
        throw cause
      },
      (thrown) => thrown === cause,
    ],
    ['rejects', () => Promise.reject(cause), (thrown) => thrown === cause],
    ['returns nothing', () => undefined, (thrown) => /the url function returned undefined/.test(thrown.message)],
    [
      'returns a number',
      () => 5,
      (thrown) => /url function returned cannot be used: .* got number/.test(thrown.message),
    ],
    ['returns an empty list', () => [], (thrown) => /empty list: give at least one/.test(thrown.message)],
    ['returns one twice', () => [DEAF_URL, DEAF_URL], (thrown) => /twice/.test(thrown.message)],
    ['returns no URL', () => 'ws://[', (thrown) => /not a valid URL/.test(thrown.message)],
    ['returns another scheme', () => 'ftp://h/', (thrown) => /begins with ftp:/.test(thrown.message)],
  ]) {
    test(`that ${what} is a failed round with its error as the cause`, async (t) => {
      const client = open(t, { url }, { maxReconnectAttempts: 1 })
      const [, error] = await Promise.all([
        next(client, 'reconnecting'),
        next(client, 'error').then(([error]) => error),
      ])
      assert.deepEqual([error.code, error.retryable], ['CONNECT_FAILED', true])
      assert.ok(isCause(error.cause), `${error.cause}`)
      assert.equal((await next(client, 'failed'))[0].code, 'RECONNECT_EXHAUSTED')
    })
  }

  test('that never answers is a failed round after connectTimeout', async (t) => {
    const client = open(t, { url: () => new Promise(() => {}) }, { connectTimeout: 20, maxReconnectAttempts: 0 })
    const { code, message } = await rejection(client.connect())
    assert.equal(code, 'CONNECT_FAILED')
    assert.match(message, /connectTimeout \(20 ms\)/)
  })

  test('runs in the async context in which its client was made', async (t) => {
    const context = new AsyncLocalStorage()
    const server = await listen(t)
    const seen = []
    const url = () => {
      seen.push(context.getStore())
      return server.url
    }
    const client = context.run('mine', () => open(t, { url }))
    await client.connect()
    await context.run('of another', () => client.reconnect())
    assert.deepEqual(seen, ['mine', 'mine'])
  })

  test('that answers after close() changes nothing', async (t) => {
    let answer
    const client = open(t, { url: () => new Promise((resolve) => (answer = resolve)) })
    while (answer === undefined) await new Promise(setImmediate)
    await client.close()
    answer(DEAF_URL)
    await new Promise(setImmediate)
    assert.deepEqual([client.state, client.url], ['closed', ''])
  })
})
