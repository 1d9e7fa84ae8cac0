/** The bridge: a client here, used from there, over the ports of Node.js. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { EventEmitter, once } from 'node:events'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { MCPClient, MCPError, MCPToolError } from '@mcp-integration/client'
import { connectClient, MCPError as BridgeMCPError, serveClient, webSocketPort } from '@mcp-integration/client/bridge'
import { ToolFailure } from '@mcp-integration/client/testing'
import { WebSocket, WebSocketServer } from 'ws'
import { bridge, bridged, caughtUp, rawBridge, rawServer } from './helpers/bridge.mjs'
import { inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

/** The fields of an error, with those of its causes. */
function fieldsOf(error) {
  const { name, message, code, retryable, toolName, requestId, sent, toolCode, data, cause } = error
  return { name, message, code, retryable, toolName, requestId, sent, toolCode, data, cause: cause && fieldsOf(cause) }
}

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
    const aborted = Promise.withResolvers?.() ?? deferred()
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

describe('commands over the bridge', () => {
  test('start a client that nobody has started', async (t) => {
    const client = open(t, await listen(t), { autoConnect: false })
    const { far } = bridge(t, client)
    await far.connect()
    assert.equal(far.state, 'ready')
    await far.connect()
  })

  test('wait for a client that is on its way, and reject when it does not arrive', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    const { far } = await bridged(t, client)
    await server.terminateAll()
    await reached(far, 'reconnecting')
    const waiting = far.connect()
    await rejection(far.reconnect())
    // It dials at once for its owner, and not for the far end.
    assert.equal(client.state, 'reconnecting')
    await client.connect()
    await waiting
    await server.terminateAll()
    await reached(far, 'reconnecting')
    const failing = rejection(far.connect())
    await rejection(far.reconnect())
    void client.close()
    assert.ok((await failing) instanceof MCPError)
  })

  test('do not control the client unless that is allowed', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    for (const command of [() => far.reconnect(), () => far.authenticate('other')]) {
      const error = await rejection(command())
      assert.ok(error instanceof MCPError)
      assert.deepEqual([error.code, error.retryable], ['NOT_ALLOWED', false])
      assert.match(error.message, /allowControl/)
    }
    await client.close()
    await reached(far, 'closed')
    assert.equal((await rejection(far.connect())).code, 'NOT_ALLOWED')
    assert.equal(client.state, 'closed')
  })

  test('control it where that is allowed', async (t) => {
    const server = await listen(t, { tokens: ['good'] })
    const client = open(t, server, { apiKey: 'bad' })
    const { far } = bridge(t, client, { allowControl: true })
    assert.equal((await rejection(far.connect())).code, 'AUTH_FAILED')
    await far.authenticate('good')
    assert.equal(far.state, 'ready')
    const connection = await server.nextConnection()
    await far.reconnect()
    await connection.closed
    await client.close()
    await reached(far, 'closed')
    await far.connect()
    assert.equal(far.state, 'ready')
  })

  test('of an end that has just come do not open what was closed on purpose', async (t) => {
    const client = await ready(t, await listen(t))
    await client.close()
    const { far } = bridge(t, client, { allowControl: true })
    assert.equal((await rejection(far.connect())).code, 'NOT_CONNECTED')
    assert.equal(client.state, 'closed')
    assert.equal(far.state, 'closed')
    await far.connect()
  })

  test('may be ignored', async (t) => {
    const { far } = bridge(t, open(t, DEAF_URL))
    void far.reconnect()
    void far.authenticate()
    assert.equal((await rejection(far.useTool('echo', 1, { timeout: 5 }))) instanceof MCPError, true)
  })
})

describe('messages over the bridge', () => {
  test('are not sent unless that is allowed', async (t) => {
    const server = await listen(t)
    const { far, log } = await bridged(t, await ready(t, server))
    const told = next(far, 'error')
    assert.equal(far.sendMessage({ id: 'auth', token: 'mine' }), false)
    assert.equal((await told)[0].code, 'NOT_ALLOWED')
    await far.useTool('echo')
    assert.deepEqual([server.requests.length, log.length], [1, 0])
  })

  test('are sent where that is allowed, a string as it is, and their answers come back to who has sent them', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const [one, two] = [await bridged(t, client, { allowMessages: true }), await bridged(t, client)]
    const heardByTwo = record(two.far, ['message'])
    await two.far.useTool('echo')
    const answer = next(one.far, 'message')
    assert.equal(one.far.sendMessage('{"id":"mine","name":"echo","parameters":7}'), true)
    assert.deepEqual((await answer)[0], { id: 'mine', results: 7 })
    assert.equal(one.far.sendMessage({ id: 8, name: 'echo', parameters: 8 }), true)
    assert.deepEqual((await next(one.far, 'message'))[0], { id: 8, results: 8 })
    await two.far.useTool('echo')
    assert.deepEqual(heardByTwo, [])
  })

  test('of sendToolRequest are answered under the id that it has returned', async (t) => {
    for (const dialect of ['guide', 'event']) {
      const server = await listen(t, { dialect })
      const client = await ready(t, server)
      const [one, two] = [await bridged(t, client), await bridged(t, client)]
      // What belongs to no request, the second greeting of the event dialect say, may still come.
      const answerIn = (message) =>
        [dialect === 'guide' ? message : message.data].find((answer) => /^req_/.test(answer.id ?? answer.requestId))
      const heardByTwo = record(two.far, ['message'])
      const messages = inbox(one.far, 'message')
      const ids = ['echo', 'fail'].map((tool) => one.far.sendToolRequest(tool, { message: 'no' }))
      for (const id of ids) assert.match(id, /^req_\d+_[0-9a-z]{9}$/)
      const answers = new Map()
      while (answers.size < 2) {
        const answer = answerIn((await messages())[0])
        if (answer !== undefined) answers.set(answer.id ?? answer.requestId, answer)
      }
      assert.deepEqual([...answers.keys()].sort(), ids.sort())
      assert.deepEqual([...answers.values()].find(({ error }) => !error).results, { message: 'no' })
      await two.far.useTool('echo')
      assert.deepEqual(
        heardByTwo.filter(([, message]) => answerIn(message) !== undefined),
        [],
      )
      assert.equal(client.stats().lateResponses, 0)
    }
  })

  test('that the server says unasked reach everybody', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const ends = [await bridged(t, client), await bridged(t, client), await bridged(t, client)]
    const heard = ends.map(({ far }) => record(far, ['message']))
    await Promise.all(ends.map(({ far }) => far.useTool('echo', 'private')))
    await client.useTool('echo', 'private')
    server.broadcast({ id: 'news-1', text: 'public' })
    server.broadcast({ id: 'auth', success: true })
    for (const [index, { far }] of ends.entries()) while (heard[index].length < 2) await next(far, 'message')
    for (const told of heard)
      assert.deepEqual(told, [
        ['message', { id: 'news-1', text: 'public' }],
        ['message', { id: 'auth', success: true }],
      ])
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

describe('tools over the bridge', () => {
  test('are those that are allowed, by name', async (t) => {
    const server = await listen(t)
    const { far } = await bridged(t, await ready(t, server), { allowTools: ['echo'] })
    assert.equal(await far.useTool('echo', 1), 1)
    const error = await rejection(far.useTool('status'))
    assert.deepEqual([error.code, error.toolName, error.retryable, error.sent], ['NOT_ALLOWED', 'status', false, false])
    const answer = next(far, 'message')
    const id = far.sendToolRequest('status')
    assert.deepEqual((await answer)[0].id, id)
    assert.equal((await answer)[0].error.code, 'NOT_ALLOWED')
    assert.deepEqual(
      server.requests.map(({ name }) => name),
      ['echo'],
    )
  })

  test('are those that a function allows; when it fails, none', async (t) => {
    const asked = []
    const allowTools = (tool, parameters) => {
      asked.push([tool, parameters])
      if (parameters === 'throw') throw new Error('mine')
      return parameters === 'yes'
    }
    const { far, log } = await bridged(t, await ready(t, await listen(t)), { allowTools })
    assert.equal(await far.useTool('echo', 'yes'), 'yes')
    for (const parameters of ['no', 'throw'])
      assert.equal((await rejection(far.useTool('echo', parameters))).code, 'NOT_ALLOWED')
    assert.deepEqual(asked, [
      ['echo', 'yes'],
      ['echo', 'no'],
      ['echo', 'throw'],
    ])
    assert.match(log[0].message, /allowTools failed/)
  })

  test('cannot be allowed by a misspelt option', async (t) => {
    const client = open(t, DEAF_URL, { autoConnect: false })
    const { port1 } = new MessageChannel()
    t.after(() => port1.close())
    for (const options of [
      { allowTool: [] },
      { allowTools: 'echo' },
      { allowTools: [5] },
      { allowControl: 1 },
      { onLog: 'x' },
      null,
    ]) {
      assert.throws(() => serveClient(client, port1, options), TypeError)
    }
    for (const port of [null, {}, { postMessage() {} }, { on() {} }]) {
      assert.throws(() => serveClient(client, port), TypeError)
      assert.throws(() => connectClient(port), TypeError)
    }
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
    const release = Promise.withResolvers?.() ?? deferred()
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

describe('what is malformed is logged and dropped', () => {
  const good = { mcpBridge: 1, type: 'call', id: 1, tool: 'echo', parameters: '1', options: {} }
  const forged = {
    'no object': 5,
    null: null,
    'no message of the bridge': { type: 'call' },
    'an array': [good],
    'a type that is none': { mcpBridge: 1, type: 'toString' },
    'a type that is no string': { mcpBridge: 1, type: { toString: null } },
    'an id that is no number': { ...good, id: '1' },
    'an id below nothing': { ...good, id: -1 },
    'a tool without a name': { ...good, tool: '' },
    'parameters that are no text': { ...good, parameters: { a: 1 } },
    'parameters that are not JSON': { ...good, parameters: '{' },
    'no options': { ...good, options: null },
    'options of the wrong kind': { ...good, options: { timeout: 'soon' } },
    'a response type that is none': { ...good, options: { responseType: 'blob' } },
    'an unknown command': { mcpBridge: 1, type: 'command', id: 2, name: 'close', token: null, seen: 'idle' },
    'events that cannot be listened to': { mcpBridge: 1, type: 'listen', events: ['state'] },
    'too many events': { mcpBridge: 1, type: 'listen', events: Array(9).fill('log') },
    'a message that may not be sent': { mcpBridge: 1, type: 'send', text: '{"id":"auth","token":"x"}' },
    'an answer': { mcpBridge: 1, type: 'done', id: 1, value: 'forged' },
  }

  for (const [what, message] of Object.entries(forged)) {
    test(`at the serving end: ${what}`, async (t) => {
      const server = await listen(t)
      const { say, heardOut, log } = rawBridge(t, await ready(t, server))
      say(message)
      await heardOut()
      assert.equal(log.length, 1)
      assert.match(log[0].message, /^a message through the bridge was dropped: /)
      assert.deepEqual([log[0].level, server.requests.length], ['warn', 0])
    })
  }

  /** Each is good as it stands; what stands beside it may be left out. */
  const TO_SERVER = [
    [{ type: 'listen', events: [] }],
    [{ type: 'call', id: 1, tool: 'echo', parameters: '1', options: {} }],
    [{ type: 'cancel', id: 1 }],
    [{ type: 'command', id: 1, name: 'connect', token: null, seen: 'idle' }, 'token'],
    [{ type: 'request', id: 'x', tool: 'echo', parameters: '1' }],
    [{ type: 'send', text: '{}' }],
  ]

  for (const [message, ...optional] of TO_SERVER) {
    test(`at the serving end: "${message.type}" with any field missing or of a wrong kind`, async (t) => {
      const server = await listen(t)
      const sent = []
      const client = await ready(t, server)
      server.on('message', (text) => sent.push(text))
      const { say, heardOut, log } = rawBridge(t, client, { allowMessages: true, allowControl: true })
      const damaged = damagedForms(message, optional)
      for (const form of damaged) say({ mcpBridge: 1, ...form })
      await heardOut()
      await client.useTool('echo', 'last')
      assert.deepEqual(
        log.map(({ message }) => message.replace(/ of ".*/, '')),
        damaged.map((_, index) => `a message through the bridge was dropped: the field "${damaged[index].damaged}"`),
      )
      assert.deepEqual([sent.length, client.state], [1, 'ready'])
    })
  }

  test('at the serving end: commands and messages that were not allowed, though their end asks for them itself', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const frames = []
    server.on('message', (text) => frames.push(text))
    const { say, hear, heardOut, log } = rawBridge(t, client, { allowTools: ['echo'] })
    for (const name of ['reconnect', 'authenticate'])
      say({ mcpBridge: 1, type: 'command', id: 5, name, token: 'stolen', seen: 'ready' })
    say({ mcpBridge: 1, type: 'send', text: '{"id":"auth","token":"stolen"}' })
    say({ mcpBridge: 1, type: 'call', id: 6, tool: 'status', parameters: '', options: {} })
    say({ mcpBridge: 1, type: 'request', id: 'mine', tool: 'status', parameters: '' })
    const refused = []
    while (refused.length < 4) {
      const { type, id, error, detail } = await hear()
      if (type === 'failed') refused.push([id, error.code])
      if (type === 'event' && detail?.id) refused.push([detail.id, detail.error.code])
    }
    assert.deepEqual(refused.sort(), [
      [5, 'NOT_ALLOWED'],
      [5, 'NOT_ALLOWED'],
      [6, 'NOT_ALLOWED'],
      ['mine', 'NOT_ALLOWED'],
    ])
    await heardOut()
    assert.equal(await client.useTool('echo', 'last'), 'last')
    assert.deepEqual([frames.length, client.state, log.length], [1, 'ready', 1])
    await client.close()
    // Whatever it claims to have seen.
    for (const seen of ['idle', 'closed'])
      say({ mcpBridge: 1, type: 'command', id: 7, name: 'connect', token: null, seen })
    for (let answers = 0; answers < 2; ) {
      const { id, error } = await hear()
      if (id !== 7) continue
      assert.equal(error.code, 'NOT_ALLOWED')
      answers++
    }
    assert.equal(client.state, 'closed')
  })

  test('at the serving end: the numbers of another end’s calls cannot be cancelled, nor answered', async (t) => {
    const release = Promise.withResolvers?.() ?? deferred()
    const server = await listen(t, { tools: { wait: () => release.promise } })
    const client = await ready(t, server)
    const [one, two] = [await bridged(t, client), rawBridge(t, client)]
    const call = one.far.useTool('wait')
    await server.nextRequest('wait')
    for (let id = 0; id < 8; id++) {
      two.say({ mcpBridge: 1, type: 'cancel', id })
      two.say({ mcpBridge: 1, type: 'done', id, value: 'forged' })
    }
    await two.heardOut()
    two.say({ mcpBridge: 1, type: 'bye' })
    await two.served.closed
    release.resolve('genuine')
    assert.equal(await call, 'genuine')
  })

  test('at the serving end: a call whose number is taken', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const { say, heardOut, log } = rawBridge(t, await ready(t, server))
    for (let i = 0; i < 2; i++) say({ ...good, tool: 'wait' })
    say({ mcpBridge: 1, type: 'cancel', id: 77 })
    await heardOut()
    assert.equal(log.length, 1)
    assert.equal(server.requests.length <= 1, true)
  })

  test('at the serving end, where the log is not flooded', async (t) => {
    const warn = t.mock.method(console, 'warn', () => {})
    const { say, heardOut } = rawBridge(t, await ready(t, await listen(t)), { onLog: undefined })
    for (let i = 0; i < 1_000; i++) say('junk')
    await heardOut()
    assert.equal(warn.mock.callCount(), 16)
    assert.match(warn.mock.calls.at(-1).arguments[0], /further ones of this port are not logged$/)
  })

  test('at the serving end: an id that another end uses stays that one’s', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const [one, two] = [
      await bridged(t, client, { allowMessages: true }),
      await bridged(t, client, { allowMessages: true }),
    ]
    const heardByTwo = record(two.far, ['message'])
    await two.far.useTool('echo')
    const answer = next(one.far, 'message')
    one.far.sendMessage({ id: 'x', name: 'echo', parameters: 1 })
    await answer
    two.far.sendMessage({ id: 'x', name: 'echo', parameters: 2 })
    await next(one.far, 'message')
    assert.deepEqual(heardByTwo, [])
  })

  const snapshot = {
    state: 'ready',
    connected: true,
    authenticated: true,
    url: 'ws://h/',
    attempt: 0,
    retryDelay: null,
    error: null,
    revision: 5,
  }
  const stats = { state: 'ready', pending: 0, requests: 0, heartbeatRtt: {}, requestLatency: {} }
  const welcome = { type: 'welcome', snapshot, stats, allowMessages: false }
  const strange = {
    'no message of the bridge': { mcpBridge: undefined, type: 'welcome' },
    'a state that is none': {
      type: 'state',
      snapshot: { ...snapshot, state: 'lost', revision: 9 },
      previous: 'ready',
      stats,
    },
    'a picture without an error that could be one': {
      type: 'state',
      snapshot: { ...snapshot, error: 'x', revision: 9 },
      previous: 'ready',
      stats,
    },
    'an event that is none': { type: 'event', name: 'constructor' },
    'an error that is none': { type: 'event', name: 'error', detail: 'x' },
    'details that are none': { type: 'event', name: 'reconnecting' },
    'bytes that are none': { type: 'done', id: 0, bytes: 'x' },
    'a request': { type: 'call', id: 0, tool: 'echo', parameters: '', options: {} },
  }

  for (const [what, message] of Object.entries(strange)) {
    test(`at the far end: ${what}`, async (t) => {
      const { far, say } = rawServer(t)
      say(welcome)
      await next(far, 'state')
      const [dropped] = [next(far, 'log')]
      say(message)
      const [entry] = await dropped
      assert.match(entry.message, /^a message through the bridge was dropped: /)
      assert.equal(far.state, 'ready')
    })
  }

  const close = { code: 1000, reason: '', wasClean: true, explanation: '', willReconnect: false }
  const TO_CLIENT = [
    [welcome],
    [{ type: 'state', snapshot: { ...snapshot, revision: 9 }, previous: 'ready', stats }],
    [{ type: 'event', name: 'close', detail: close }],
    [{ type: 'event', name: 'heartbeat', detail: { rtt: 1 } }],
    [{ type: 'event', name: 'log', detail: { level: 'info', message: '', fields: {} } }],
    [{ type: 'event', name: 'failed', detail: { code: 'X', message: '', retryable: false } }],
    [{ type: 'done', id: 0, bytes: new Uint8Array() }, 'bytes'],
    [{ type: 'failed', id: 0, error: { code: 'X', message: '', retryable: false } }],
    [{ type: 'stats', stats }],
    [{ type: 'bye', error: { code: 'X', message: '', retryable: false } }, 'error'],
  ]

  for (const [message, ...optional] of TO_CLIENT) {
    test(`at the far end: ${[message.type, message.name].filter(Boolean).join(' ')} with any field missing or of a wrong kind`, async (t) => {
      const { far, say, hear } = rawServer(t)
      say(welcome)
      await next(far, 'state')
      let isSettled = false
      const call = far.useTool('echo').finally(() => (isSettled = true))
      while ((await hear()).type !== 'call');
      const told = record(far)
      const damaged = damagedForms(message, optional)
      for (const form of damaged) say(form)
      while (told.length < damaged.length) await next(far, 'log')
      assert.deepEqual(
        told.map(([event, { message }]) => [event, message.replace(/ of ".*/, '')]),
        damaged.map((form) => ['log', `a message through the bridge was dropped: the field "${form.damaged}"`]),
      )
      assert.deepEqual([far.state, isSettled], ['ready', false])
      say({ type: 'done', id: 0, value: 'genuine' })
      assert.equal(await call, 'genuine')
    })
  }

  test('at the far end: answers that nobody waits for, and pictures of the past', async (t) => {
    const { far, say, hear } = rawServer(t)
    say(welcome)
    const call = far.useTool('echo')
    while ((await hear()).type !== 'call');
    const states = record(far, ['state'])
    say({ type: 'done', id: 5, value: 'stray' })
    say({ type: 'failed', id: 6, error: { code: 'X', message: '', retryable: false } })
    say({ type: 'state', snapshot: { ...snapshot, state: 'closed', revision: 4 }, previous: 'ready', stats })
    say({ type: 'done', id: 0, value: 'mine' })
    say({ type: 'done', id: 0, value: 'again' })
    assert.equal(await call, 'mine')
    assert.deepEqual(states, [])
  })

  test('ends of different versions say so', async (t) => {
    const { far, say } = rawServer(t)
    const call = rejection(far.useTool('echo'))
    const failed = next(far, 'failed')
    say({ ...welcome, mcpBridge: 2 })
    assert.equal((await failed)[0].code, 'BRIDGE_VERSION')
    assert.match((await call).message, /version 2 .* this one 1/)

    const { say: sayOld, hear, log } = rawBridge(t, await ready(t, await listen(t)))
    assert.equal((await hear()).type, 'welcome')
    sayOld({ mcpBridge: 2, type: 'hello' })
    const { mcpBridge, type } = await hear()
    assert.deepEqual({ mcpBridge, type }, { mcpBridge: 1, type: 'welcome' })
    assert.match(log[0].message, /version 2/)
  })

  test('results that cannot be cloned reject their call', async (t) => {
    const client = fakeClient({ useTool: async () => () => {} })
    const { far, log } = await bridged(t, client)
    assert.match((await rejection(far.useTool('any'))).message, /cannot cross the bridge/)
    assert.equal(log.length, 1)
  })
})

describe('ports of other kinds', () => {
  test('a WebSocket, with all that it cannot carry as it is', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { maxReconnectAttempts: Infinity })
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    t.after(() => sockets.close())
    await once(sockets, 'listening')
    const served = new Promise((resolve) =>
      sockets.once('connection', (socket) => resolve(serveClient(client, webSocketPort(socket)))),
    )
    const socket = new WebSocket(`ws://127.0.0.1:${sockets.address().port}`)
    const far = connectClient(webSocketPort(socket))
    // Before the socket is open.
    assert.deepEqual(await far.useTool('echo', { ä: [1] }), { ä: [1] })
    assert.equal(Buffer.from(await far.useTool('echo', '\ufeffä', { responseType: 'buffer' })).toString(), '"\ufeffä"')
    assert.ok((await rejection(far.useTool('fail', {}))) instanceof MCPToolError)
    const reconnecting = next(far, 'reconnecting')
    await server.terminateAll()
    assert.equal((await reconnecting)[0].maxAttempts, Infinity)
    await far.connect()
    const log = next(far, 'log')
    for (const peer of sockets.clients) peer.send('not json')
    assert.match((await log)[0].message, /not a message of the bridge/)
    await far.close()
    await (await served).closed
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
    // A page would say in the console that something was sent on a socket that is closed.
    socket.send = () => assert.fail('nothing can be sent any more')
    const late = connectClient(webSocketPort(socket))
    await reached(late, 'failed')
    await late.close()
  })

  test('one of a page, with addEventListener', async (t) => {
    const client = await ready(t, await listen(t))
    const { port1, port2 } = new MessageChannel()
    const ofPage = (port) => ({
      postMessage: (message) => port.postMessage(message),
      addEventListener: (type, listener) => port.addEventListener(type, listener),
      removeEventListener: (type, listener) => port.removeEventListener(type, listener),
      start: () => port.start(),
      close: () => port.close(),
    })
    const served = serveClient(client, ofPage(port1))
    const far = connectClient(ofPage(port2))
    assert.equal(await far.useTool('echo', 1), 1)
    await far.close()
    await served.closed
  })

  test('one that hands out events through on(), as Electron’s do, and takes nothing before it is started', async (t) => {
    const client = await ready(t, await listen(t))
    const { port1, port2 } = new MessageChannel()
    const main = Object.assign(new EventEmitter(), {
      postMessage: (message) => port1.postMessage(message),
      start: () =>
        port1
          .on('message', (data) => main.emit('message', { data, ports: [] }))
          .once('close', () => main.emit('close')),
      close: () => port1.close(),
    })
    const served = serveClient(client, main)
    const far = connectClient(port2)
    assert.equal(await far.useTool('echo', 1), 1)
    port2.close()
    await served.closed
    assert.deepEqual(main.eventNames(), [])
  })

  test('the scope of a worker is not closed, because that would end the worker', async (t) => {
    const client = await ready(t, await listen(t))
    const { port1, port2 } = new MessageChannel()
    serveClient(client, port1)
    t.after(() => port1.close())
    let closed = false
    const scope = {
      postMessage: (message) => port2.postMessage(message),
      addEventListener: (type, listener) => port2.addEventListener(type, listener),
      removeEventListener: (type, listener) => port2.removeEventListener(type, listener),
      close: () => (closed = true),
    }
    const far = connectClient(scope)
    await far.connect()
    await far.close()
    assert.equal(closed, false)
  })

  test('one that throws when it is posted to', async (t) => {
    const port = Object.assign(new EventEmitter(), {
      postMessage() {
        throw new Error('no more')
      },
    })
    const far = connectClient(port)
    assert.match((await next(far, 'failed'))[0].message, /no more/)
    const log = []
    serveClient(fakeClient(), port, { onLog: ({ message }) => log.push(message) })
    assert.match(log[0], /no more/)
  })
})

/** Not MCPClient: anything that has its face may be served. */
function fakeClient(methods = {}) {
  const { snapshot } = new MCPClient({ url: DEAF_URL, autoConnect: false })
  return Object.assign(new EventEmitter(), {
    snapshot: { ...snapshot, state: 'ready', connected: true, authenticated: true },
    stats: () => ({ state: 'ready', pending: 0, requests: 0, heartbeatRtt: {}, requestLatency: {} }),
    connect: async () => {},
    ...methods,
  })
}

function deferred() {
  let resolve
  const promise = new Promise((settle) => (resolve = settle))
  return { promise, resolve }
}

/**
 * The message without each of its fields, and with each of a kind that no field may be of; what `damaged` names is what
 * is wrong.
 */
function damagedForms({ type, ...fields }, optional) {
  return Object.entries(fields).flatMap(([field, value]) => {
    const { [field]: _, ...others } = fields
    const isNeeded = !optional.includes(field)
    const wrong = typeof value === 'boolean' ? 'true' : true
    return [
      ...(isNeeded ? [{ type, ...others, damaged: field }] : []),
      { type, ...others, [field]: wrong, damaged: field },
    ]
  })
}
