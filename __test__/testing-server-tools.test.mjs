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
