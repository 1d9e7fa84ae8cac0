/** The channels of node:diagnostics_channel: what subscribers are told, in which order and context. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { MCPClient, MCPToolError } from '@mcp-integration/client'
import { next, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

const EVENTS_OF_SUCCESS = EVENTS.slice(0, -1)

function calls(t, note) {
  return tracesOf(t, 'mcp-client:call', note)
}

/** What the subscribers of a TracingChannel are told until the end of the test: [event, context as it was then]. */
function tracesOf(t, name, note = (event, context) => [event, { ...context }]) {
  const told = []
  const subscribers = Object.fromEntries(EVENTS.map((event) => [event, (context) => told.push(note(event, context))]))
  const traced = tracingChannel(name)
  traced.subscribe(subscribers)
  t.after(() => traced.unsubscribe(subscribers))
  return told
}

function hear(t, name) {
  const told = []
  const listener = (message) => told.push(message)
  subscribe(name, listener)
  t.after(() => unsubscribe(name, listener))
  return told
}

describe('mcp-client:call', () => {
  test('tells of a call from its start to its end, with one object that fills up, and without contents', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = calls(t)
    const contexts = new Set()
    calls(t, (_event, context) => contexts.add(context))
    const requested = next(server, 'request')
    assert.deepEqual(await client.useTool('echo', { secret: 'größe' }), { secret: 'größe' })
    const [{ id: requestId }] = await requested

    const known = { client: client.id, toolName: 'echo', url: client.snapshot.url }
    const settled = { ...known, requestId, sent: true, resultSize: Buffer.byteLength('{"secret":"größe"}') }
    assert.deepEqual(told, [
      ['start', known],
      ['end', { ...known, requestId }],
      ['asyncStart', settled],
      ['asyncEnd', settled],
    ])
    assert.equal(contexts.size, 1)
  })

  test('says how large results are, however they come', async (t) => {
    const client = await ready(t, await listen(t))
    const told = calls(t)
    const sizeOf = async (...args) => {
      await client.useTool(...args)
      return told.at(-1)[1].resultSize
    }
    for (const length of [1, 100, 20_000, 200_000, 2_000_000]) {
      const value = ['x'.repeat(length / 2), 'y'.repeat(length / 2)]
      assert.equal(await sizeOf('echo', value), JSON.stringify(value).length)
    }
    assert.equal(await sizeOf('echo', 'bytes', { responseType: 'buffer' }), '"bytes"'.length)
    const all = await Promise.all([1, 22, 333].map((value) => client.useTool('echo', value)))
    assert.deepEqual(all, [1, 22, 333])
    const ends = told.filter(([event]) => event === 'asyncEnd').slice(-3)
    assert.deepEqual(
      ends.map(([, { resultSize }]) => resultSize),
      [1, 2, 3],
    )
  })

  test('tells the very error that the call rejects with, before the end', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = calls(t)
    const error = await rejection(client.useTool('fail'))
    assert.ok(error instanceof MCPToolError)
    assert.deepEqual(
      told.map(([event]) => event),
      ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
    )
    assert.equal(told.at(-1)[1].error, error)
    assert.deepEqual([told.at(-1)[1].sent, told.at(-1)[1].requestId], [true, error.requestId])

    const running = rejection(client.useTool('sleep', { ms: 60_000 }))
    await server.nextRequest()
    await server.terminateAll()
    const lost = await running
    assert.deepEqual([lost.code, told.at(-1)[1].error, told.at(-1)[1].sent], ['CONNECTION_LOST', lost, true])
  })

  test('tells of calls that are refused, aborted or wrong, in the same order', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = calls(t)
    const stop = new AbortController()
    const aborted = rejection(client.useTool('sleep', { ms: 60_000 }, { signal: stop.signal }))
    await server.nextRequest()
    stop.abort(new Error('enough'))
    await aborted
    await rejection(client.useTool('echo', {}, { signal: AbortSignal.abort(new Error('before')) }))
    await rejection(client.useTool(''))
    await client.close()
    const refused = await rejection(client.useTool('echo'))
    assert.deepEqual(
      told.map(([event]) => event),
      Array(4).fill(['start', 'end', 'error', 'asyncStart', 'asyncEnd']).flat(),
    )
    const ends = told.filter(([event]) => event === 'asyncEnd').map(([, context]) => context)
    assert.deepEqual(
      ends.map(({ error }) => error.message),
      ['enough', 'before', "the tool's name must be a non-empty string, got ''", refused.message],
    )
    assert.deepEqual([ends[3].sent, ends[3].requestId], [false, refused.requestId])
  })

  test('one may subscribe after the client was made, and while a call is on its way', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const untold = client.useTool('sleep', { ms: 5 })
    const told = calls(t)
    await Promise.all([untold, client.useTool('echo', 1)])
    assert.deepEqual(
      told.map(([, { toolName }]) => toolName),
      Array(4).fill('echo'),
    )
  })

  test('is told in the context of the caller, and in the stores that subscribers have bound to the start', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const storage = new AsyncLocalStorage()
    const bound = new AsyncLocalStorage()
    const { start } = tracingChannel('mcp-client:call')
    start.bindStore(bound, ({ toolName }) => `span of ${toolName}`)
    t.after(() => start.unbindStore(bound))
    const told = calls(t, (event) => [event, storage.getStore(), bound.getStore()])
    await Promise.all([
      storage.run('alice', () => client.useTool('sleep', { ms: 5 })),
      storage.run('bob', () => rejection(client.useTool('fail'))),
    ])
    for (const [name, tool] of [
      ['alice', 'sleep'],
      ['bob', 'fail'],
    ]) {
      const own = told.filter(([, store]) => store === name)
      assert.deepEqual(new Set(own.map(([, , span]) => span)), new Set([`span of ${tool}`]))
      assert.equal(own.length, tool === 'fail' ? 5 : 4)
    }
    await storage.run('carol', async () => {
      await client.useTool('echo')
      assert.deepEqual([storage.getStore(), bound.getStore()], ['carol', undefined])
    })
  })

  test('errors still show who awaited the call', async (t) => {
    const client = await ready(t, await listen(t))
    calls(t)
    async function whoAwaits() {
      return await client.useTool('fail')
    }
    assert.match((await rejection(whoAwaits())).stack, /whoAwaits/)
  })

  test('what a subscriber throws is an uncaught exception, and the call goes on', async (t) => {
    const server = await listen(t)
    const told = await run(
      t,
      async ({ MCPClient, input, tell }) => {
        const { subscribe } = await import('node:diagnostics_channel')
        for (const event of ['start', 'asyncEnd']) {
          subscribe(`tracing:mcp-client:call:${event}`, () => {
            throw new Error(event)
          })
        }
        const thrown = []
        process.on('uncaughtException', ({ message }) => thrown.push(message))
        const client = new MCPClient(input)
        tell(await client.useTool('echo', 5))
        await client.close()
        tell(thrown)
      },
      server.url,
    )
    assert.deepEqual(told, [5, ['start', 'asyncEnd']])
  })

  test('subscribers may call tools themselves', async (t) => {
    const client = await ready(t, await listen(t))
    let inner
    const nested = ({ toolName }) => {
      if (toolName === 'echo') inner = client.useTool('sleep', { ms: 0 })
    }
    subscribe('tracing:mcp-client:call:start', nested)
    t.after(() => unsubscribe('tracing:mcp-client:call:start', nested))
    assert.equal(await client.useTool('echo', 1), 1)
    assert.deepEqual(await inner, { slept: 0 })
  })
})

describe('mcp-client:connect', () => {
  test('tells of each dial when it begins, and what it did when it is over', async (t) => {
    const server = await listen(t)
    const told = tracesOf(t, 'mcp-client:connect')
    const client = await ready(t, server)
    const lost = reached(client, 'reconnecting')
    await server.terminateAll()
    await lost
    await client.connect()
    assert.deepEqual(
      told.map(([event, { connection }]) => [event, connection]),
      [1, 2].flatMap((connection) => EVENTS_OF_SUCCESS.map((event) => [event, connection])),
    )
    const { duration, phases, ...end } = told[3][1]
    const start = { client: client.id, connection: 1, url: server.url }
    assert.deepEqual(told[0][1], start)
    assert.deepEqual(end, { ...start, proxy: null, address: `127.0.0.1:${server.port}` })
    assert.deepEqual(
      phases.map(({ phase }) => phase),
      ['name', 'tcp', 'upgrade'],
    )
    assert.ok(duration > 0 && phases.every((phase) => phase.start + phase.duration <= duration + 1))
  })

  test('tells why a dial has failed or was given up', async (t) => {
    const told = tracesOf(t, 'mcp-client:connect')
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false })
    const error = await rejection(client.connect())
    const closed = open(t, await silentUrl(t))
    await closed.close()
    const ends = told.filter(([event]) => event === 'asyncEnd').map(([, context]) => context)
    assert.deepEqual(
      ends.map(({ client, error }) => [client, error.code]),
      [
        [client.id, 'CONNECT_FAILED'],
        [closed.id, 'CLOSED'],
      ],
    )
    assert.equal(ends[0].error.message, error.message)
    assert.equal(told.filter(([event]) => event === 'error').length, 2)
  })

  test('may be subscribed to while the client is connected', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const told = tracesOf(t, 'mcp-client:connect')
    const lost = reached(client, 'reconnecting')
    await server.terminateAll()
    await lost
    await reached(client, 'ready')
    assert.deepEqual(
      told.map(([event]) => event),
      EVENTS_OF_SUCCESS,
    )
  })

  test('tells nothing of a dial whose beginning was not told', async (t) => {
    const client = open(t, await silentUrl(t))
    await reached(client, 'connecting')
    const told = tracesOf(t, 'mcp-client:connect')
    await client.close()
    assert.deepEqual(told, [])
  })
})

test('mcp-client:state tells of the changes of all clients, as their events do', async (t) => {
  const server = await listen(t)
  const told = hear(t, 'mcp-client:state')
  const clients = [open(t, server), open(t, server)]
  const seen = new Map(clients.map(({ id }) => [id, []]))
  for (const client of clients) client.on('state', (...args) => seen.get(client.id).push(args))
  await Promise.all(clients.map((client) => client.connect()))
  await clients[0].close()
  for (const [id, events] of seen) {
    const own = told.filter(({ client }) => client === id)
    assert.deepEqual(
      own.map(({ snapshot, previous }) => [snapshot, previous]),
      events,
    )
    assert.ok(own.every(({ snapshot }, index) => snapshot === events[index][0]))
  }
  assert.notEqual(clients[0].id, clients[1].id)
})

test('mcp-client:log tells what clients log, although nobody listens to them', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  const told = hear(t, 'mcp-client:log')
  await client.useTool('echo')
  const lost = reached(client, 'reconnecting')
  await server.terminateAll()
  await lost
  await client.connect()
  const own = told.filter((message) => message.client === client.id).map(({ entry }) => entry)
  assert.deepEqual(
    own.slice(0, 2).map(({ level, message }) => [level, message]),
    [
      ['warn', 'the connection was lost'],
      ['info', 'waiting before the next attempt'],
    ],
  )
  assert.ok(Object.isFrozen(own[0]))
})

test('subscribers from before the package was loaded miss nothing', async (t) => {
  const server = await listen(t)
  const told = await run(
    t,
    async ({ input, tell }) => {
      const { channel, subscribe } = await import('node:diagnostics_channel')
      const { createRequire } = await import('node:module')
      const heard = []
      subscribe('mcp-client:state', ({ snapshot }) => heard.push(snapshot.state))
      channel('tracing:mcp-client:call:asyncEnd').subscribe(({ toolName }) => heard.push(toolName))
      globalThis.gc()
      // A copy of its own, which the program has not loaded.
      const require = createRequire(`${process.cwd()}/`)
      for (const path of Object.keys(require.cache)) delete require.cache[path]
      const { MCPClient } = require('@mcp-integration/client')
      const client = new MCPClient(input)
      await client.useTool('echo')
      await client.close()
      tell(heard)
    },
    server.url,
    { flags: ['--expose-gc'] },
  )
  assert.deepEqual(told, [['connecting', 'authenticating', 'ready', 'echo', 'closing', 'closed']])
})

test('without a subscriber nothing is made, and a channel that had one is as one that never had', async (t) => {
  const client = await ready(t, await listen(t))
  const traced = tracingChannel('mcp-client:call')
  const subscribers = { asyncEnd() {} }
  traced.subscribe(subscribers)
  await client.useTool('echo')
  traced.unsubscribe(subscribers)
  for (const event of EVENTS) assert.equal(channel(`tracing:mcp-client:call:${event}`).hasSubscribers, false)
  assert.equal(await client.useTool('echo', 2), 2)
})

test('client.id is a number of its own for each client', () => {
  const ids = [1, 2, 3].map(() => new MCPClient('localhost', { autoConnect: false }).id)
  assert.deepEqual(
    ids.map((id) => id - ids[0]),
    [0, 1, 2],
  )
})
