/** Calls over a bridge whose other end never answers: each is settled all the same. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { connectClient } from '@mcp-integration/client/bridge'
import { bridged, fakeClient, rawServer } from './helpers/bridge.mjs'
import { bridgeServer, dialled } from './helpers/bridge-sockets.mjs'
import { next, ready, rejection } from './helpers/client.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { listen } from './helpers/test-server.mjs'

const SNAPSHOT = { state: 'ready', connected: true, authenticated: true, url: '', attempt: 0, error: null, revision: 5 }
const STATS = { state: 'ready', pending: 0, requests: 0, heartbeatRtt: {}, requestLatency: {} }
const WELCOME = { type: 'welcome', snapshot: SNAPSHOT, stats: STATS, allowMessages: false }

/** A port on which nobody ever answers. */
const deafPort = () => Object.assign(new EventEmitter(), { postMessage() {} })

async function timedOut(promise, sent) {
  const error = await rejection(promise)
  assert.deepEqual([error.code, error.retryable, error.toolName, error.sent], ['REQUEST_TIMEOUT', true, 'echo', sent])
  return error
}

describe('a call with a timeout is settled', () => {
  test('where nobody is at the other end', async () => {
    const far = connectClient(deafPort())
    await timedOut(far.useTool('echo', 1, { timeout: 10 }), false)
    await far.close()
  })

  test('where the other end falls silent, and it is told that nobody waits any more', async (t) => {
    const { far, say, hear } = rawServer(t)
    say(WELCOME)
    await next(far, 'state')
    const call = timedOut(far.useTool('echo', 1, { timeout: 10 }), true)
    const heard = []
    while (heard.at(-1)?.type !== 'cancel') heard.push(await hear())
    assert.deepEqual(
      heard.map(({ type }) => type),
      ['hello', 'call', 'cancel'],
    )
    assert.equal(heard[1].id, heard[2].id)
    await call
    // Its answer, should it still come, is nobody's.
    say({ type: 'done', id: heard[1].id, value: 'late' })
    say({ type: 'event', name: 'open' })
    await next(far, 'open')
  })

  test('where the answer was dropped for being malformed', async (t) => {
    const { far, say } = rawServer(t)
    say(WELCOME)
    await next(far, 'state')
    const call = timedOut(far.useTool('echo', 1, { timeout: 10 }), true)
    say({ type: 'done', id: 0, bytes: 'none' })
    assert.match((await next(far, 'log'))[0].message, /dropped: the field "bytes"/)
    await call
  })

  test('where the client that is served never settles it', async (t) => {
    const { far } = await bridged(t, fakeClient({ useTool: () => new Promise(() => {}) }))
    await timedOut(far.useTool('echo', 1, { timeout: 10 }), true)
  })

  test('where its socket is half-open and sends no pings', async (t) => {
    const client = await ready(t, await listen(t))
    const { url } = await bridgeServer(t, client, { pings: { pingInterval: 0 } })
    const proxy = await listenProxy(t, url)
    const far = dialled(t, proxy.url, { pingInterval: 0 })
    await far.connect()
    proxy.freezeAll()
    await timedOut(far.useTool('echo', 1, { timeout: 10 }), true)
  })

  test('where its socket was lost and cannot be opened again, with the reason as the cause', async (t) => {
    const { url, stop } = await bridgeServer(t, await ready(t, await listen(t)))
    const far = dialled(t, url, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    await far.connect()
    await stop()
    await next(far, 'bridge')
    const { cause } = await timedOut(far.useTool('echo', 1, { timeout: 10 }), false)
    assert.equal(cause, far.bridge.error)
  })

  test('by the client itself, where that is there: the far end waits for its answer', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    const error = await rejection(far.useTool('sleep', { ms: 60_000 }, { timeout: 10 }))
    // Only the client knows the id.
    assert.match(error.requestId, /^req_/)
    assert.equal(client.stats().timedOut, 1)
  })
})

describe('a call without a timeout', () => {
  test('has that of the client, which the far end is told', async (t) => {
    const client = fakeClient({ requestTimeout: 10, useTool: () => new Promise(() => {}) })
    const { far } = await bridged(t, client)
    assert.equal(far.requestTimeout, 10)
    await timedOut(far.useTool('echo'), true)
    const { far: chained } = await bridged(t, far)
    assert.equal(chained.requestTimeout, 10)
  })

  test('has it also where it was made before the other end had answered', async (t) => {
    const { far, say } = rawServer(t)
    assert.equal(far.requestTimeout, 30_000)
    const call = timedOut(far.useTool('echo'), true)
    say({ ...WELCOME, requestTimeout: 10 })
    await call
  })

  test('is that of MCPClient', async (t) => {
    const client = await ready(t, await listen(t), { requestTimeout: 12_345 })
    const { far } = await bridged(t, client)
    assert.deepEqual([client.requestTimeout, far.requestTimeout], [12_345, 12_345])
  })
})

test('calls that wait for the other end are bounded', async () => {
  const far = connectClient(deafPort())
  const calls = Array.from({ length: 1_025 }, () => rejection(far.useTool('echo')))
  const { code, sent } = await calls[1_024]
  assert.deepEqual([code, sent], ['QUEUE_FULL', false])
  await far.close()
  const codes = await Promise.all(calls.slice(0, 1_024))
  assert.deepEqual([...new Set(codes.map(({ code }) => code))], ['CLOSED'])
})

test('timers that a test has put in the place of the real ones do not hang the bridge', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  const far = connectClient(deafPort())
  await timedOut(far.useTool('echo', 1, { timeout: 10 }), false)
  await far.close()
})
