/** The tools of `MCPTestServer`: the built-in ones, those of a test, and stubs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { ToolFailure } from '@mcp-integration/client/testing'
import { RawClient } from './helpers/raw-client.mjs'
import { listen } from './helpers/test-server.mjs'

describe('tools', () => {
  async function openWith(t, tools) {
    const server = await listen(t, { tools })
    const client = await RawClient.authenticated(t, server.url)
    return { server, client, call: (name, parameters) => client.ask({ id: 'r', name, parameters }) }
  }

  test('tools of your own run beside the built-in ones and may replace them', async (t) => {
    const { call } = await openWith(t, { add: async ({ a, b }) => a + b, echo: () => 'replaced' })
    assert.equal((await call('add', { a: 1, b: 2 })).results, 3)
    assert.equal((await call('echo', {})).results, 'replaced')
    assert.ok((await call('status', {})).results)
  })

  test('a name that every object has is no tool', async (t) => {
    const { call } = await openWith(t)
    for (const name of ['constructor', '__proto__', 'toString']) {
      assert.equal((await call(name, {})).error.code, 'UNKNOWN_TOOL')
    }
  })

  test('an unknown tool is named together with those there are', async (t) => {
    const { call } = await openWith(t, { add: () => 0 })
    const { error } = await call('ad', {})
    assert.equal(error.code, 'UNKNOWN_TOOL')
    assert.match(error.message, /"ad".*add, echo, fail, sleep, status, web_search/)
  })

  const thrown = [
    ['an error', new Error('Broken'), { message: 'Broken', code: 'TOOL_ERROR' }],
    [
      'an error with a code',
      Object.assign(new Error('Broken'), { code: 'E_BROKEN' }),
      { message: 'Broken', code: 'E_BROKEN' },
    ],
    [
      'an error with a code that is no string',
      Object.assign(new Error('Broken'), { code: 5 }),
      { message: 'Broken', code: 'TOOL_ERROR' },
    ],
    ['a ToolFailure', new ToolFailure('Too many', 'RATE_LIMIT'), { message: 'Too many', code: 'RATE_LIMIT' }],
    ['a string', 'just this', { message: 'just this', code: 'TOOL_ERROR' }],
    ['nothing at all', undefined, { message: 'undefined', code: 'TOOL_ERROR' }],
  ]
  for (const [what, value, error] of thrown) {
    test(`${what}, thrown or rejected with, becomes the error of the protocol`, async (t) => {
      const { call } = await openWith(t, {
        throws() {
          throw value
        },
        rejects: () => Promise.reject(value),
      })
      assert.deepEqual((await call('throws', {})).error, error)
      assert.deepEqual((await call('rejects', {})).error, error)
    })
  }

  test('results that have no JSON form are an error that names the tool', async (t) => {
    const { call } = await openWith(t, { big: () => 10n })
    const { error } = await call('big', {})
    assert.match(error.message, /^big: .*BigInt/)
    assert.equal(error.code, 'TOOL_ERROR')
  })

  test('a tool knows its request, and is told when nobody waits any more', async (t) => {
    const contexts = []
    const { server, client } = await openWith(t, {
      wait: (_parameters, context) => new Promise(() => contexts.push(context)),
    })
    client.send({ id: 'r', name: 'wait', parameters: { n: 1 } })
    const received = await server.nextRequest()
    const [{ request, signal }] = contexts
    assert.equal(request, received)
    assert.equal(signal.aborted, false)
    client.socket.terminate()
    await once(signal, 'abort')
  })

  test('status tells of the server', async (t) => {
    const { server, call } = await openWith(t)
    await call('echo', {})
    const { results } = await call('status', {})
    const { version } = createRequire(import.meta.url)('@mcp-integration/client/package.json')
    assert.equal(results.version, version)
    assert.equal(results.dialect, server.dialect)
    assert.equal(results.connections, 1)
    assert.equal(results.requests, 2)
    assert.ok(results.uptime >= 0)
  })

  test('sleep answers after its time', async (t) => {
    const { call } = await openWith(t)
    const start = performance.now()
    assert.deepEqual((await call('sleep', { ms: 30 })).results, { slept: 30 })
    assert.ok(performance.now() - start >= 25)
  })

  for (const ms of [undefined, null, -1, 60_001, '5', {}, []]) {
    test(`sleep refuses ${JSON.stringify(ms)} milliseconds`, async (t) => {
      const { call } = await openWith(t)
      const { error } = await call('sleep', { ms })
      assert.equal(error.code, 'BAD_PARAMETERS')
      assert.match(error.message, /^sleep: "ms" must be a number from 0 to 60000, /)
    })
  }

  test('a tool that sleeps does not keep the server from closing', async (t) => {
    const { server, client } = await openWith(t)
    client.send({ id: 'r', name: 'sleep', parameters: { ms: 60_000 } })
    await server.nextRequest('sleep')
    await server.close()
    assert.deepEqual(await client.closed, { code: 1001, reason: 'server closing' })
  })

  test('many tools may wait at once without a warning of Node.js', async (t) => {
    const { client, server } = await openWith(t)
    const warnings = []
    const note = ({ message }) => warnings.push(message)
    process.on('warning', note)
    t.after(() => process.off('warning', note))
    for (let id = 0; id < 50; id++) client.send({ id, name: 'sleep', parameters: { ms: 60_000 } })
    for (let id = 0; id < 50; id++) await server.nextRequest('sleep')
    await new Promise(setImmediate)
    assert.deepEqual(warnings, [])
  })

  test('fail fails with the message and the code that it is given', async (t) => {
    const { call } = await openWith(t)
    assert.deepEqual((await call('fail', { message: 'No', code: 'NO' })).error, { message: 'No', code: 'NO' })
    assert.equal((await call('fail')).error.code, 'TOOL_ERROR')
    assert.equal((await call('fail', { message: 5 })).error.code, 'BAD_PARAMETERS')
    assert.equal((await call('fail', 'now')).error.code, 'BAD_PARAMETERS')
  })

  test('ten thousand calls at once each get their own answer', async (t) => {
    const { client, server } = await openWith(t)
    for (let id = 0; id < 10_000; id++) client.send({ id, name: 'echo', parameters: id })
    for (let id = 0; id < 10_000; id++) assert.deepEqual(await client.next(), { id, results: id })
    assert.equal(server.requests.length, 10_000)
  })
})

describe('tools that change while the server runs', () => {
  async function openWith(t, options) {
    const server = await listen(t, options)
    const client = await RawClient.authenticated(t, server.url)
    return { server, client, call: (name) => client.ask({ id: 'r', name, parameters: {} }) }
  }

  test('setTools() replaces the own tools and leaves those that are built in', async (t) => {
    const { server, call } = await openWith(t, { tools: { old: () => 'old', echo: () => 'mine' } })
    server.setTools({ fresh: () => 'fresh' })
    assert.equal((await call('fresh')).results, 'fresh')
    assert.deepEqual((await call('echo')).results, {})
    const { error } = await call('old')
    assert.match(error.message, /This server has: echo, fail, fresh, sleep, status, web_search$/)
    server.setTools({})
    assert.equal((await call('fresh')).error.code, 'UNKNOWN_TOOL')
    assert.throws(
      () => server.setTools({ add: 3 }),
      /"tools": "add" must be a function, or an object whose "run" is one, not 3/,
    )
  })

  test('setTools() lets a tool that is running answer', async (t) => {
    let finish
    const slow = () => new Promise((resolve) => (finish = resolve))
    const { server, client } = await openWith(t, { tools: { slow } })
    client.send({ id: 'r', name: 'slow' })
    await server.nextRequest('slow')
    server.setTools({})
    finish('done')
    assert.equal((await client.next()).results, 'done')
  })

  test('clients of the event dialect are told the schemas of the tools that there are when they connect', async (t) => {
    const server = await listen(t, { dialect: 'event', tools: { own: () => 0 } })
    const schemas = async () => {
      const client = await RawClient.open(t, server.url)
      await client.next()
      return (await client.next()).data
    }
    const before = await schemas()
    server.setTools({ one: () => 1, sleep: () => 2 })
    server.stub('stubbed', () => 3)
    server.stub('web_search', () => 4)
    const after = await schemas()
    assert.equal(after.length, before.length + 1)
    const asking = (required) => (list) => list.filter((schema) => String(schema.required) === required).length
    assert.deepEqual([asking('ms')(before), asking('ms')(after), asking('query')(after)], [1, 0, 1])
  })

  test('a stub answers in the place of a tool, or of none, until it is restored', async (t) => {
    const { server, call } = await openWith(t, { tools: { price: () => 3 } })
    const cheap = server.stub('price', () => 1)
    const other = server.stub('new', () => 'stubbed')
    assert.equal((await call('price')).results, 1)
    assert.equal((await call('new')).results, 'stubbed')
    assert.match((await call('unknown')).error.message, /fail, new, price, sleep/)
    for (const { restore } of [cheap, other, cheap]) restore()
    assert.equal((await call('price')).results, 3)
    assert.equal((await call('new')).error.code, 'UNKNOWN_TOOL')
  })

  test('of several stubs the newest answers, in whatever order they are restored', async (t) => {
    const { server, call } = await openWith(t)
    const [first, second, third] = [1, 2, 3].map((value) => server.stub('price', () => value))
    assert.equal((await call('price')).results, 3)
    second.restore()
    third.restore()
    assert.equal((await call('price')).results, 1)
    first[Symbol.dispose]()
    assert.equal((await call('price')).error.code, 'UNKNOWN_TOOL')
  })

  test('a stub of so many times makes room for what is under it', async (t) => {
    const { server, client, call } = await openWith(t, { tools: { price: () => 'real' } })
    server.stub('price', () => 'always')
    const failing = server.stub(
      'price',
      async () => {
        throw new ToolFailure('Too many', 'RATE_LIMIT')
      },
      { times: 2 },
    )
    client.send({ id: 1, name: 'price' })
    client.send({ id: 2, name: 'price' })
    client.send({ id: 3, name: 'price' })
    const answers = [await client.next(), await client.next(), await client.next()].sort((a, b) => a.id - b.id)
    assert.deepEqual(
      answers.map(({ error, results }) => error?.code ?? results),
      ['RATE_LIMIT', 'RATE_LIMIT', 'always'],
    )
    assert.equal(failing.requests.length, 2)
    server.restoreStubs()
    assert.equal((await call('price')).results, 'real')
  })

  test('a stub knows what it was asked, and by whom', async (t) => {
    const { server, client } = await openWith(t)
    const stub = server.stub('price', ({ item }) => item.length)
    await client.ask({ id: 'a', name: 'price', parameters: { item: 'tea' } })
    await client.ask({ id: 'b', name: 'echo', parameters: {} })
    assert.equal(stub.name, 'price')
    assert.deepEqual(
      stub.requests.map(({ id, parameters }) => [id, parameters]),
      [['a', { item: 'tea' }]],
    )
    assert.equal(stub.requests[0], server.requests[0])
  })

  test('stubs are above the tools that setTools() replaces', async (t) => {
    const { server, call } = await openWith(t, { tools: { price: () => 'old' } })
    const { restore } = server.stub('price', () => 'stub')
    server.setTools({ price: () => 'new' })
    assert.equal((await call('price')).results, 'stub')
    restore()
    assert.equal((await call('price')).results, 'new')
  })

  const misfits = [
    [['', () => 0], TypeError, /name of a tool.*not ''/],
    [['price', 3], TypeError, /stub of "price" must be a function, not 3/],
    [['price', () => 0, null], TypeError, /options of a stub.*not null/],
    [['price', () => 0, { time: 1 }], TypeError, /unknown option "time" of stub, did you mean "times"\?/],
    [['price', () => 0, { times: '1' }], TypeError, /"times".*not '1'/],
    [['price', () => 0, { times: 0 }], RangeError, /"times".*not 0/],
    [['price', () => 0, { times: 1.5 }], RangeError, /"times".*not 1.5/],
  ]
  for (const [args, type, message] of misfits) {
    test(`stub(${args.map((arg) => JSON.stringify(arg) ?? 'a function').join(', ')}) is refused by name`, async (t) => {
      const server = await listen(t)
      assert.throws(() => server.stub(...args), type)
      assert.throws(() => server.stub(...args), message)
    })
  }
})
