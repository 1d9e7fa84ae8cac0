/** How a bridge ends, from either side. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { MCPError } from '@mcp-integration/client'
import { connectClient, serveClient } from '@mcp-integration/client/bridge'
import { bridge, bridged, caughtUp, deferred } from './helpers/bridge.mjs'
import { next, open, ready, record, rejection } from './helpers/client.mjs'
import { silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

describe('the end of a bridge', () => {
  test('close() ends this end alone, and settles what is in flight', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const client = await ready(t, server)
    const [one, two] = [await bridged(t, client), await bridged(t, client)]
    const call = rejection(one.far.useTool('wait'))
    await server.nextRequest('wait')
    const told = record(one.far)
    const closed = one.far.close()
    assert.deepEqual([one.far.state, one.far.connected, told.length], ['closed', false, 0])
    await closed
    const error = await call
    assert.deepEqual(
      [error.code, error.message, error.toolName, error.sent],
      ['CLOSED', 'the client was closed', 'wait', true],
    )
    assert.deepEqual(
      told.map(([event, { state }]) => [event, state]),
      [['state', 'closed']],
    )
    await one.served.closed
    assert.deepEqual([client.state, client.stats().pending], ['ready', 0])
    assert.equal(await two.far.useTool('echo', 2), 2)
    await one.far.close()
    for (const promise of [one.far.useTool('echo'), one.far.connect(), one.far.reconnect()])
      assert.equal((await rejection(promise)).code, 'NOT_CONNECTED')
    assert.deepEqual([one.far.sendMessage(''), one.far.sendToolRequest('echo')], [false, null])
  })

  test('close() waits for calls in flight where it is told to', async (t) => {
    const release = deferred()
    const server = await listen(t, { tools: { wait: () => release.promise } })
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    const states = record(far, ['state'])
    const call = far.useTool('wait', {}, { idempotent: true })
    await server.nextRequest('wait')
    const closed = far.close({ drain: 60_000 })
    assert.equal(far.state, 'closing')
    assert.equal((await rejection(far.useTool('echo'))).code, 'CLOSED')
    // What happens to the client meanwhile is not this end's state any more.
    await client.reconnect()
    assert.equal(far.state, 'closing')
    release.resolve('done')
    assert.equal(await call, 'done')
    await closed
    assert.equal(far.state, 'closed')
    assert.deepEqual(
      states.map(([, { state }]) => state),
      ['closing', 'closed'],
    )
  })

  test('close() waits no longer than it is told to', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const { far } = await bridged(t, await ready(t, server))
    const call = rejection(far.useTool('wait'))
    await far.close({ drain: 5 })
    assert.equal((await call).code, 'CLOSED')
  })

  test('close() without a wait cuts short one that waits', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const { far } = await bridged(t, await ready(t, server))
    const states = record(far, ['state'])
    const call = rejection(far.useTool('wait'))
    const patient = far.close({ drain: 60_000 })
    await far.close()
    await patient
    assert.equal((await call).code, 'CLOSED')
    assert.deepEqual(
      states.map(([, { state }]) => state),
      ['closing', 'closed'],
    )
  })

  test('a port that closes rejects what is in flight with CONNECTION_LOST', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const { far, near, served } = await bridged(t, await ready(t, server))
    const told = record(far)
    const call = rejection(far.useTool('wait'))
    await server.nextRequest('wait')
    near.close()
    const error = await call
    assert.ok(error instanceof MCPError)
    assert.deepEqual([error.code, error.toolName, error.sent, error.retryable], ['CONNECTION_LOST', 'wait', true, true])
    assert.deepEqual(
      told.map(([event, detail]) => [event, detail.state ?? detail.code]),
      [
        ['state', 'failed'],
        ['failed', 'CONNECTION_LOST'],
      ],
    )
    assert.deepEqual([far.state, far.connected, far.error.code], ['failed', false, 'CONNECTION_LOST'])
    assert.equal((await rejection(far.useTool('echo'))).code, 'NOT_CONNECTED')
    await served.closed
    await far.close()
    assert.deepEqual([far.state, far.error], ['closed', null])
  })

  test('a call that never left says so', async (t) => {
    const { port1, port2 } = new MessageChannel()
    const far = connectClient(port2)
    const call = rejection(far.useTool('echo'))
    port1.close()
    const error = await call
    assert.deepEqual([error.code, error.sent], ['CONNECTION_LOST', false])
  })

  test('the serving end may say goodbye', async (t) => {
    const client = await ready(t, await listen(t))
    const { far, served } = await bridged(t, client)
    const failed = next(far, 'failed')
    served.close()
    served.close()
    assert.equal((await failed)[0].code, 'CONNECTION_LOST')
    await served.closed
    assert.equal(client.state, 'ready')
    assert.equal(client.listenerCount('state'), 0)
  })

  test('what belonged to a port that closed is dropped: its calls are aborted', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const client = await ready(t, server)
    const { far, port, served } = await bridged(t, client)
    for (let i = 0; i < 10; i++) far.useTool('wait').catch(() => {})
    for (let i = 0; i < 10; i++) await server.nextRequest('wait')
    assert.equal(client.stats().pending, 10)
    port.close()
    await served.closed
    assert.deepEqual([client.stats().pending, client.stats().failed], [0, 10])
  })

  test('a thread that is ended leaves nothing at the serving end', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const client = await ready(t, server)
    const worker = new Worker(
      `
      const { connectClient } = require('@mcp-integration/client/bridge')
      connectClient(require('node:worker_threads').parentPort).useTool('wait')
    `,
      { eval: true },
    )
    const served = serveClient(client, worker)
    await server.nextRequest('wait')
    await worker.terminate()
    await served.closed
    assert.equal(client.stats().pending, 0)
  })

  test('a page that is left says goodbye, one that is kept does not', async (t) => {
    const page = new EventTarget()
    for (const name of ['addEventListener', 'removeEventListener']) globalThis[name] = (...args) => page[name](...args)
    t.after(() => {
      delete globalThis.addEventListener
      delete globalThis.removeEventListener
    })
    const { far, served } = await bridged(t, await ready(t, await listen(t)))
    page.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: true }))
    assert.equal(await far.useTool('echo', 1), 1)
    page.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: false }))
    await served.closed
  })

  test('the calls of a reconnecting client do not outlive their port', async (t) => {
    const client = open(t, await silentUrl(t))
    const { far, port, served } = bridge(t, client)
    const call = rejection(far.useTool('echo'))
    const connected = rejection(far.connect())
    await next(far, 'state')
    await caughtUp(far, client)
    while (client.stats().queued === 0) await new Promise(setImmediate)
    port.close()
    await served.closed
    assert.deepEqual([client.stats().queued, client.listenerCount('state')], [0, 0])
    assert.equal((await call).code, 'CONNECTION_LOST')
    assert.equal((await connected).code, 'CONNECTION_LOST')
  })
})
