/** The bridge: a client here, used from there, over the ports of Node.js. */
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { MCPError, MCPToolError } from '@mcp-integration/client'
import { connectClient, MCPError as BridgeMCPError, serveClient } from '@mcp-integration/client/bridge'
import { ToolFailure } from '@mcp-integration/client/testing'
import { bridge, bridged, deferred, fakeClient, fieldsOf } from './helpers/bridge.mjs'
import { next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

describe('a client over the bridge', () => {
  test('is idle until the other end has answered, and what is called meanwhile waits', async (t) => {
    const client = await ready(t, await listen(t))
    const { far } = bridge(t, client)
    assert.deepEqual(far.snapshot, {
      state: 'idle',
      connected: false,
      authenticated: false,
      url: '',
      attempt: 0,
      retryDelay: null,
      retryAt: null,
      error: null,
      revision: 0,
    })
    assert.equal(far.stats().requests, 0)
    assert.equal(far.sendMessage('lost'), false)
    assert.equal(far.sendToolRequest('echo'), null)
    assert.deepEqual(await far.useTool('echo', { a: 1 }), { a: 1 })
    assert.deepEqual(far.snapshot, client.snapshot)
    assert.ok(Object.isFrozen(far.snapshot))
    for (const name of ['state', 'connected', 'authenticated', 'error']) assert.equal(far[name], client[name], name)
  })

  test('tells on arrival what has happened before, in order', async (t) => {
    const client = await ready(t, await listen(t))
    const { far } = bridge(t, client)
    const told = record(far)
    await far.connect()
    assert.deepEqual(told, [['state', client.snapshot, 'idle'], ['open'], ['authenticated']])
    assert.equal(told[0][1], far.snapshot)
  })

  test('has results of every kind', async (t) => {
    const values = [null, true, 0, -0.5, '', 'ä\u{1f600}\ud800', [], {}, [[null]], JSON.parse('{"__proto__":1}')]
    const client = await ready(t, await listen(t, { tools: { nothing: () => undefined } }))
    const { far } = await bridged(t, client)
    for (const value of values) assert.deepEqual(await far.useTool('echo', value), await client.useTool('echo', value))
    assert.equal(await far.useTool('nothing'), undefined)
    assert.deepEqual(await far.useTool('echo', { when: new Date(0), left: undefined, act() {} }), {
      when: '1970-01-01T00:00:00.000Z',
    })
  })

  test('has results as bytes, which are all that they hold', async (t) => {
    const client = await ready(t, await listen(t))
    const { far } = await bridged(t, client)
    const bytes = await far.useTool('echo', { ä: 1 }, { responseType: 'buffer' })
    assert.ok(bytes instanceof Uint8Array)
    assert.equal(Buffer.from(bytes).toString(), '{"ä":1}')
    const ofOthers = fakeClient({ useTool: async () => Buffer.from('shares its memory') })
    const { far: other } = await bridged(t, ofOthers)
    const shared = await other.useTool('any', {}, { responseType: 'buffer' })
    assert.equal(shared.buffer.byteLength, 'shares its memory'.length)
  })

  test('rejects with errors of the right class, with all that they carry', async (t) => {
    const server = await listen(t, {
      tools: {
        refuse: () => {
          throw new ToolFailure('no', 'REFUSED')
        },
      },
    })
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    for (const [tool, parameters, options] of [
      ['refuse'],
      ['no such tool'],
      ['sleep', { ms: 60_000 }, { timeout: 1 }],
    ]) {
      const [here, there] = [
        await rejection(client.useTool(tool, parameters, options)),
        await rejection(far.useTool(tool, parameters, options)),
      ]
      assert.equal(there.constructor.name, here.constructor.name)
      assert.ok(there instanceof MCPError && there instanceof BridgeMCPError)
      const { requestId, ...fields } = fieldsOf(there)
      assert.deepEqual({ ...fields, requestId: fieldsOf(here).requestId }, fieldsOf(here))
      assert.match(requestId, /^req_/)
    }
    const error = await rejection(far.useTool('refuse'))
    assert.ok(error instanceof MCPToolError)
    assert.deepEqual(
      [error.toolCode, error.toolName, error.data],
      ['REFUSED', 'refuse', { message: 'no', code: 'REFUSED' }],
    )
  })

  test('has the causes of errors', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 1 })
    await reached(client, 'failed')
    const { far } = bridge(t, client)
    await reached(far, 'failed')
    assert.deepEqual(fieldsOf(far.error), fieldsOf(client.error))
    assert.equal(far.error.code, 'RECONNECT_EXHAUSTED')
    assert.ok(far.error.cause instanceof MCPError)
    assert.equal((await rejection(far.useTool('echo'))).code, 'NOT_CONNECTED')
  })

  test('rejects in the caller what cannot be sent, with the errors of the client', async (t) => {
    const client = await ready(t, await listen(t))
    const { far, log } = await bridged(t, client)
    const circle = {}
    circle.circle = circle
    for (const args of [
      ['echo', circle],
      ['echo', 1n],
      [''],
      [5],
      ['echo', 1, { timeout: -1 }],
      ['echo', 1, { nonsense: 1 }],
      ['echo', 1, null],
      ['echo', 1, { signal: {} }],
    ]) {
      const [here, there] = [await rejection(client.useTool(...args)), await rejection(far.useTool(...args))]
      assert.deepEqual([there.constructor, there.message], [here.constructor, here.message])
    }
    for (const name of ['sendMessage', 'sendToolRequest']) assert.throws(() => far[name](circle), TypeError)
    assert.throws(() => far.authenticate(5), TypeError)
    assert.throws(() => far.close({ drain: -1 }), RangeError)
    assert.throws(() => far.on('open', null), TypeError)
    assert.deepEqual(log, [])
  })

  test('cancels a call whose signal aborts, here and at the server', async (t) => {
    const aborted = deferred()
    const server = await listen(t, {
      tools: { wait: (_, { signal }) => new Promise(() => signal.addEventListener('abort', aborted.resolve)) },
    })
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    const controller = new AbortController()
    const call = far.useTool('wait', {}, { signal: controller.signal })
    await server.nextRequest('wait')
    controller.abort(new Error('enough'))
    assert.equal((await rejection(call)).message, 'enough')
    await far.useTool('echo')
    assert.deepEqual([client.stats().pending, client.stats().failed], [0, 1])
    assert.equal(await rejection(far.useTool('wait', {}, { signal: AbortSignal.abort('before') })), 'before')
    assert.equal(server.requests.filter(({ name }) => name === 'wait').length, 1)
  })

  test('never sends a call that is aborted before the other end has answered', async (t) => {
    const server = await listen(t)
    const { far } = bridge(t, await ready(t, server))
    const controller = new AbortController()
    const call = far.useTool('echo', 'never', { signal: controller.signal })
    controller.abort()
    assert.equal((await rejection(call)).name, 'AbortError')
    await far.useTool('echo', 'ever')
    assert.deepEqual(
      server.requests.map(({ parameters }) => parameters),
      ['ever'],
    )
  })

  test('has one listener for a signal of many calls, which ends them all', async (t) => {
    const { far } = await bridged(t, await ready(t, await listen(t)))
    const abort = new AbortController()
    const calls = Array.from({ length: 50 }, () => far.useTool('sleep', { ms: 60_000 }, { signal: abort.signal }))
    assert.equal(getEventListeners(abort.signal, 'abort').length, 1)
    abort.abort('enough')
    for (const { reason } of await Promise.allSettled(calls)) assert.equal(reason, 'enough')
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
    const changed = new AbortController()
    const parameters = { toJSON: () => changed.abort('changed my mind') }
    assert.equal(await rejection(far.useTool('echo', parameters, { signal: changed.signal })), 'changed my mind')
  })

  test('lets go of the signal when the call is over', async (t) => {
    const { far } = await bridged(t, await ready(t, await listen(t)))
    const signal = new EventTarget()
    let listeners = 0
    for (const [name, step] of [
      ['addEventListener', 1],
      ['removeEventListener', -1],
    ])
      signal[name] = () => void (listeners += step)
    signal.throwIfAborted = () => {}
    await far.useTool('echo', 1, { signal })
    await rejection(far.useTool('fail', {}, { signal }))
    assert.equal(listeners, 0)
  })

  test('tells the events of the client, as the client does', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    const events = ['state', 'open', 'authenticated', 'close', 'reconnecting', 'message']
    const [here, there] = [record(client, events), record(far, events)]
    // Listening takes effect at the other end when this has come back.
    await far.useTool('echo')
    here.length = there.length = 0
    const lost = next(client, 'reconnecting')
    await server.terminateAll()
    await lost
    await reached(client, 'ready')
    server.broadcast({ push: 1 })
    while (there.at(-1)?.[1]?.push !== 1) await next(far, 'message')
    const plain = (told) =>
      told.map(([event, ...args]) => [
        event,
        ...args.map((arg) => (arg?.state ? { ...arg, error: arg.error && fieldsOf(arg.error) } : arg)),
      ])
    assert.deepEqual(plain(there), plain(here))
    assert.ok(here.length >= 8)
  })

  test('tells failures and errors as errors, and an endless number of attempts as such', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { maxReconnectAttempts: Infinity })
    const { far } = await bridged(t, client)
    const bad = next(far, 'error')
    server.broadcast('not json')
    const [error] = await bad
    assert.ok(error instanceof MCPError)
    assert.equal(error.code, 'BAD_MESSAGE')
    const reconnecting = next(far, 'reconnecting')
    await server.terminateAll()
    assert.equal((await reconnecting)[0].maxAttempts, Infinity)

    const failing = open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false })
    const other = bridge(t, failing).far
    const failed = next(other, 'failed')
    assert.equal((await rejection(other.connect())).code, 'CONNECT_FAILED')
    assert.equal((await failed)[0].code, 'CONNECT_FAILED')
  })

  test('has messages, heartbeats and log lines cross only while somebody listens', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { heartbeatInterval: 20 })
    const { far } = await bridged(t, client)
    assert.deepEqual(
      ['message', 'heartbeat', 'log'].map((event) => client.listenerCount(event)),
      [0, 0, 0],
    )
    const beat = next(far, 'heartbeat')
    const listener = () => {}
    far.on('log', listener).on('message', listener)
    assert.equal(typeof (await beat)[0].rtt, 'number')
    await far.useTool('echo')
    assert.deepEqual(
      ['message', 'heartbeat', 'log'].map((event) => client.listenerCount(event)),
      [1, 0, 1],
    )
    far.off('log', listener).off('message', listener).off('message', listener)
    await far.useTool('echo')
    assert.deepEqual(
      ['message', 'heartbeat', 'log'].map((event) => client.listenerCount(event)),
      [0, 0, 0],
    )
  })

  test('goes on when a listener throws', async (t) => {
    const { url } = await listen(t)
    const told = await run(
      t,
      async ({ MCPClient, input, tell }) => {
        const { connectClient, serveClient } = await import('@mcp-integration/client/bridge')
        const { port1, port2 } = new MessageChannel()
        const client = new MCPClient(input)
        serveClient(client, port1)
        const far = connectClient(port2)
        process.once('uncaughtException', ({ message }) => tell(message))
        far.once('state', () => {
          throw new Error('mine')
        })
        far.once('state', ({ state }) => tell(state))
        await far.connect()
        tell(await far.useTool('echo', 'fine'))
        await far.close()
        await client.close()
      },
      url,
    )
    assert.deepEqual(told.sort(), ['connecting', 'fine', 'mine'])
  })

  test('shows the statistics that were told last', async (t) => {
    const client = await ready(t, await listen(t))
    const { far } = await bridged(t, client)
    assert.deepEqual([far.stats().state, far.stats().requests], ['ready', 0])
    await far.useTool('echo')
    await far.useTool('echo')
    // They come after the answer that they count.
    assert.ok(far.stats().requests >= 1)
    await far.useTool('echo')
    assert.ok(far.stats().succeeded >= 2)
    const { heartbeatRtt, requestLatency } = far.stats()
    assert.ok('mean' in heartbeatRtt && requestLatency.count > 0)
  })

  test('never gets the key, nor the query of the url, nor what the key function has thrown', async (t) => {
    const server = await listen(t, { tokens: ['top-secret'] })
    const { port1, port2 } = new MessageChannel()
    const crossed = []
    const post = port1.postMessage.bind(port1)
    port1.postMessage = (message) => {
      crossed.push(message)
      post(message)
    }
    const client = open(t, `${server.url}?key=top-secret`, { apiKey: 'top-secret', autoConnect: false })
    const failing = open(t, server, {
      autoConnect: false,
      maxReconnectAttempts: 0,
      apiKey: () => {
        throw new Error('top-secret has run out')
      },
    })
    const served = serveClient(client, port1, { allowControl: true })
    const far = connectClient(port2)
    far
      .on('message', () => {})
      .on('log', () => {})
      .on('heartbeat', () => {})
    await far.connect()
    await far.reconnect()
    await far.useTool('echo')
    served.close()
    const deaf = open(t, `${DEAF_URL}?key=top-secret`, { autoConnect: false, maxReconnectAttempts: 1 })
    for (const one of [failing, deaf]) {
      const channel = new MessageChannel()
      channel.port1.postMessage = (message) => crossed.push(message)
      serveClient(one, channel.port1)
      await rejection(one.connect())
      channel.port1.close()
    }
    assert.ok(failing.error.cause.message.includes('top-secret'))
    assert.ok(crossed.length > 10)
    assert.doesNotMatch(JSON.stringify(crossed), /top-secret/)
  })
})

describe('the errors of the far end', () => {
  const LIKE_A_CLIENT = ['name', 'code', 'message', 'retryable', 'toolName', 'sent']
  const likeAClient = (error) => LIKE_A_CLIENT.map((field) => error[field])

  test('after served.close() are those of a client that is not connected', async (t) => {
    const client = await ready(t, await listen(t))
    const { far, served } = await bridged(t, client)
    served.close()
    await reached(far, 'failed')
    await client.close()
    const [here, there] = await Promise.all([client, far].map((end) => rejection(end.useTool('echo'))))
    assert.deepEqual(likeAClient(there), likeAClient(here))
    assert.deepEqual([there.code, there.retryable, there.cause], ['NOT_CONNECTED', true, far.error])
  })

  test('while it closes are those of a client that closes', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    const ends = [client, far]
    for (const end of ends) end.useTool('wait').catch(() => {})
    await server.nextRequest('wait')
    for (const end of ends) void end.close({ drain: 60_000 })
    const [here, there] = await Promise.all(ends.map((end) => rejection(end.useTool('echo'))))
    assert.deepEqual(likeAClient(there), likeAClient(here))
    assert.deepEqual([there.code, there.retryable], ['CLOSED', false])
  })
})

describe('many ends', () => {
  test('four threads make 10,000 calls at once, and each gets its own answers', async (t) => {
    const client = await ready(t, await listen(t))
    const script = fileURLToPath(new URL('./helpers/bridge-worker.mjs', import.meta.url))
    const reports = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name, index) => {
        const [report, channel] = [new MessageChannel(), new MessageChannel()]
        // Two come over ports of their own, two over the port that a worker has anyway.
        const ownPort = index % 2 === 0
        const worker = new Worker(script, {
          workerData: { name, calls: 2_500, report: report.port2, port: ownPort ? channel.port2 : undefined },
          transferList: ownPort ? [report.port2, channel.port2] : [report.port2],
        })
        t.after(() => worker.terminate())
        const served = serveClient(client, ownPort ? channel.port1 : worker)
        const told = once(report.port1, 'message')
        const exited = once(worker, 'exit')
        const [message] = await told
        await served.closed
        // Nothing of the bridge keeps a thread alive after close().
        assert.equal((await exited)[0], 0)
        return message
      }),
    )
    assert.deepEqual(
      reports,
      ['a', 'b', 'c', 'd'].map((name) => ({ name, answered: 2_500, wrong: 0 })),
    )
    const { requests, succeeded, pending } = client.stats()
    assert.deepEqual({ requests, succeeded, pending }, { requests: 10_000, succeeded: 9_000, pending: 0 })
    assert.equal(client.listenerCount('state'), 0)
  })

  test('of which there are more than an emitter likes listen to the client but once', async (t) => {
    const client = await ready(t, await listen(t))
    const warned = []
    process.on('warning', (warning) => warned.push(warning.name))
    const ends = await Promise.all(Array.from({ length: 30 }, () => bridged(t, client)))
    assert.equal(client.listenerCount('state'), 1)
    await Promise.all(ends.map(({ far }) => far.close()))
    await Promise.all(ends.map(({ served }) => served.closed))
    assert.equal(client.listenerCount('state'), 0)
    assert.deepEqual(warned, [])
  })

  test('can be chained: what is served may be served again', async (t) => {
    const client = await ready(t, await listen(t))
    const { far: middle } = await bridged(t, client)
    const { far } = await bridged(t, middle, { allowTools: ['echo', 'fail'] })
    assert.deepEqual(await far.useTool('echo', [1]), [1])
    assert.ok((await rejection(far.useTool('fail', { message: 'no' }))) instanceof MCPToolError)
    assert.equal((await rejection(far.useTool('status'))).code, 'NOT_ALLOWED')
    await client.close()
    await reached(far, 'closed')
  })
})
