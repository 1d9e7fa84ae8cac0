/** The states of a client, the snapshot of each, and what leads from one to the next. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PATIENT, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

/** Holds the client to every part of the contract's picture of a state. */
function assertIn(client, state, { connected = false, authenticated = false, readyState, ...rest }) {
  const { snapshot } = client
  assert.equal(snapshot.state, state)
  const expected = { connected, authenticated, attempt: 0, retryDelay: null, retryAt: null, ...rest }
  for (const [name, value] of Object.entries(expected)) assert.equal(snapshot[name], value, `${name} in ${state}`)
  assert.equal(client.readyState, readyState)
  assert.equal(client.stats().state, state)
  assert.equal(client.stats().connectedSince !== null, connected)
  for (const name of ['state', 'connected', 'authenticated', 'url', 'error'])
    assert.equal(client[name], snapshot[name], name)
}

/** A server that leaves every auth message without an answer. */
async function muteServer(t) {
  const server = await listen(t)
  server.intercept((text) => text.includes('"auth"'))
  return server
}

describe('a client is', () => {
  test('idle until connect() is called', (t) => {
    const client = open(t, DEAF_URL, { autoConnect: false })
    assertIn(client, 'idle', { readyState: 3, error: null, url: DEAF_URL })
  })

  test('connecting until the WebSocket is open', async (t) => {
    const client = open(t, await silentUrl(t))
    assertIn(client, 'connecting', { readyState: 0, error: null })
  })

  test('authenticating until the auth message is answered', async (t) => {
    const client = open(t, await muteServer(t))
    await reached(client, 'authenticating')
    assertIn(client, 'authenticating', { connected: true, readyState: 1, error: null })
  })

  test('ready when the server has accepted the token', async (t) => {
    const server = await listen(t)
    const before = Date.now()
    const client = await ready(t, server)
    assertIn(client, 'ready', { connected: true, authenticated: true, readyState: 1, error: null, url: server.url })
    const { connectedSince } = client.stats()
    assert.ok(connectedSince >= before && connectedSince <= Date.now())
  })

  test('unauthorized when the server has refused the token, with the socket open', async (t) => {
    const client = open(t, await listen(t, { tokens: ['right'] }), { apiKey: 'wrong' })
    await reached(client, 'unauthorized')
    assertIn(client, 'unauthorized', { connected: true, readyState: 1 })
    assert.equal(client.error.code, 'AUTH_FAILED')
  })

  test('reconnecting while it waits for the next attempt', async (t) => {
    const before = Date.now()
    const client = open(t, DEAF_URL, PATIENT)
    await reached(client, 'reconnecting')
    const { retryAt } = client.snapshot
    assertIn(client, 'reconnecting', { readyState: 0, attempt: 1, retryDelay: 60_000, retryAt })
    assert.ok(retryAt >= before + 60_000 && retryAt <= Date.now() + 60_000)
    assert.equal(client.error.code, 'CONNECT_FAILED')
  })

  test('connecting again in the attempt, with its number and the last failure still shown', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const connecting = reached(client, 'connecting')
    server.refuseUpgrades(503)
    await server.terminateAll()
    const snapshot = await connecting
    assert.equal(snapshot.attempt, 1)
    assert.equal(snapshot.retryDelay, null)
    assert.equal(snapshot.error.code, 'CONNECTION_LOST')
  })

  test('closing from close() until the closing handshake is done', async (t) => {
    const client = await ready(t, await listen(t))
    void client.close()
    assertIn(client, 'closing', { connected: true, readyState: 2, error: null })
  })

  test('closed after close()', async (t) => {
    const client = await ready(t, await listen(t))
    await client.close()
    assertIn(client, 'closed', { readyState: 3, error: null })
  })

  test('closed when the server has closed with a code that forbids reconnecting', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    await server.closeAll(1000, 'that was all')
    await reached(client, 'closed')
    assertIn(client, 'closed', { readyState: 3 })
    assert.equal(client.error.code, 'CONNECTION_LOST')
  })

  test('failed when the attempts are used up', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    await reached(client, 'failed')
    assertIn(client, 'failed', { readyState: 3 })
    assert.equal(client.error.code, 'RECONNECT_EXHAUSTED')
  })
})

describe('the snapshot', () => {
  test('is one object until the next change, and is what listeners of "state" get', async (t) => {
    const client = open(t, await listen(t))
    const shown = []
    client.on('state', (snapshot, previous) => shown.push([snapshot, client.snapshot, previous]))
    await client.connect()
    assert.equal(client.snapshot, client.snapshot)
    assert.deepEqual(
      shown.map(([snapshot, , previous]) => [previous, snapshot.state]),
      [
        ['idle', 'connecting'],
        ['connecting', 'authenticating'],
        ['authenticating', 'ready'],
      ],
    )
    for (const [snapshot, own] of shown) assert.equal(snapshot, own)
    assert.equal(shown.at(-1)[0], client.snapshot)
  })

  test('that a command shows on return is the one that "state" brings later', async (t) => {
    const client = await ready(t, await listen(t))
    void client.close()
    const { snapshot } = client
    const [told, previous] = await next(client, 'state')
    assert.equal(told, snapshot)
    assert.equal(previous, 'ready')
  })

  test('never goes back: what came before a command is told, and not shown any more', async (t) => {
    const client = await ready(t, await listen(t))
    const states = []
    client.on('state', ({ state }) => states.push([state, client.state]))
    void client.close({ drain: 60_000 })
    await client.connect()
    assert.deepEqual(states.slice(0, 3), [
      ['closing', 'connecting'],
      ['closed', 'connecting'],
      ['connecting', 'connecting'],
    ])
    assert.equal(client.state, 'ready')
  })

  test('cannot be changed', async (t) => {
    const { snapshot } = await ready(t, await listen(t))
    assert.ok(Object.isFrozen(snapshot))
  })

  test('changes with every change of the state and with nothing else', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { snapshot } = client
    await client.useTool('echo', 1)
    client.sendMessage('hello')
    client.stats()
    await client.connect()
    assert.equal(client.snapshot, snapshot)
    void client.reconnect()
    assert.notEqual(client.snapshot, snapshot)
  })
})

describe('what a command changes is visible when it returns:', () => {
  test('connect()', (t) => {
    const client = open(t, DEAF_URL, { autoConnect: false })
    void client.connect()
    assert.equal(client.state, 'connecting')
  })

  test('the constructor, by autoConnect', (t) => {
    assert.equal(open(t, DEAF_URL).state, 'connecting')
  })

  test('reconnect()', async (t) => {
    const client = await ready(t, await listen(t))
    void client.reconnect()
    assert.equal(client.state, 'connecting')
    assert.equal(client.connected, false)
    assert.equal(client.readyState, client.CONNECTING)
  })

  test('authenticate() in unauthorized', async (t) => {
    const client = open(t, await listen(t, { tokens: ['right'] }))
    await reached(client, 'unauthorized')
    void client.authenticate('right')
    assert.equal(client.state, 'authenticating')
    assert.equal(client.error, null)
  })

  test('authenticate() in ready leaves the state', async (t) => {
    const client = await ready(t, await listen(t))
    void client.authenticate()
    assert.equal(client.state, 'ready')
  })

  test('close() with a socket, without one, and in the middle of a dial', async (t) => {
    const open1 = await ready(t, await listen(t))
    void open1.close()
    assert.equal(open1.state, 'closing')
    const dialing = open(t, await silentUrl(t))
    void dialing.close()
    assert.equal(dialing.state, 'closed')
    const idle = open(t, DEAF_URL, { autoConnect: false })
    void idle.close()
    assert.equal(idle.state, 'closed')
  })

  test('connect() in reconnecting, which dials at once', async (t) => {
    const client = open(t, DEAF_URL, PATIENT)
    await reached(client, 'reconnecting')
    void client.connect()
    assert.equal(client.state, 'connecting')
    assert.equal(client.snapshot.retryDelay, null)
    assert.equal(client.snapshot.attempt, 1, 'it is the attempt that was waited for')
  })

  test('no event fires before it returns', async (t) => {
    const client = await ready(t, await listen(t))
    const told = record(client)
    client.sendMessage('hello')
    void client.reconnect()
    void client.close()
    assert.deepEqual(told, [])
  })
})

describe('from terminal states connect() leads out again:', () => {
  test('closed by us', async (t) => {
    const client = await ready(t, await listen(t))
    await client.close()
    await client.connect()
    assert.equal(client.state, 'ready')
  })

  test('closed by the server', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    await server.closeAll(1000)
    await reached(client, 'closed')
    await client.connect()
    assert.equal(client.error, null)
  })

  test('failed', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(404)
    const client = open(t, server)
    await reached(client, 'failed')
    await server.resumeAccepting()
    await client.connect()
    assert.equal(client.state, 'ready')
  })

  test('but no call does', async (t) => {
    const client = await ready(t, await listen(t))
    await client.close()
    assert.equal((await rejection(client.useTool('echo'))).code, 'NOT_CONNECTED')
    assert.equal(client.state, 'closed')
  })
})
