/** useTool: what goes in, what comes back, and how a call ends early. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { MCPError, MCPToolError } from '@mcp-integration/client'
import { inbox, next, open, reached, ready, rejection } from './helpers/client.mjs'
import { tooDeep } from './helpers/nested.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'
import { IS_PORTABLE, needs } from './helpers/where.mjs'

/** A server that answers each call with this text in place of its results, and one that leaves `results` out for ''. */
async function answering(t, results) {
  const server = await listen(t)
  server.intercept((text, connection) => {
    const { id, name } = JSON.parse(text)
    if (name === undefined) return false
    return connection.send(results === '' ? `{"id":"${id}"}` : `{"id":"${id}","results":${results}}`)
  })
  return server
}

/** A ready client, and a call that stays without an answer until `answer` is called. */
async function held(t, options) {
  const server = await listen(t)
  const client = await ready(t, server)
  server.intercept((text) => text.includes('"held"'))
  const seen = new Promise((resolve) => {
    server.on('message', (text, connection) => {
      const { id, name } = JSON.parse(text)
      if (name === 'held') resolve({ answer: () => connection.send({ id, results: 'late' }) })
    })
  })
  const call = client.useTool('held', {}, options)
  call.catch(() => {})
  return { server, client, call, ...(await seen) }
}

const textOf = (bytes) => new TextDecoder().decode(bytes)

describe('the calls of one turn', () => {
  test('are counted at once, and refused one by one', async (t) => {
    const client = await ready(t, await listen(t), { maxPending: 100 })
    const calls = Array.from({ length: 150 }, (_, i) => client.useTool('echo', i))
    const { requests, pending } = client.stats()
    assert.deepEqual({ requests, pending }, { requests: 150, pending: 100 })
    assert.ok(client.bufferedAmount > 0)
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual(
      outcomes.slice(0, 100).map(({ value }) => value),
      Array.from({ length: 100 }, (_, i) => i),
    )
    assert.deepEqual(new Set(outcomes.slice(100).map(({ reason }) => reason?.code)), new Set(['QUEUE_FULL']))
  })

  test('go in their order, whichever way they go and however many clients make them', async (t) => {
    const servers = [await listen(t), await listen(t)]
    const clients = await Promise.all(servers.map((server) => ready(t, server)))
    const frames = servers.map((server) => inbox(server, 'message'))
    const { signal } = new AbortController()
    const parameters = ['plain', 'x'.repeat(100_000), '', null, undefined, { deep: 'grüße' }]
    const calls = Array.from({ length: 300 }, (_, i) => {
      const options = i % 7 === 0 ? { signal } : i % 5 === 0 ? { responseType: 'buffer' } : {}
      return clients[i % 3 === 0 ? 0 : 1].useTool('echo', [i, parameters[i % parameters.length]], options)
    })
    for (const [at, inboxOf] of frames.entries()) {
      for (let i = 0; i < 300; i++) {
        if ((i % 3 === 0 ? 0 : 1) === at) assert.equal(JSON.parse((await inboxOf())[0]).parameters[0], i)
      }
    }
    for (const [i, result] of (await Promise.all(calls)).entries()) {
      assert.equal((ArrayBuffer.isView(result) ? JSON.parse(textOf(result)) : result)[0], i)
    }
  })

  test('are made before what is commanded after them', async (t) => {
    const server = await listen(t)
    const frames = inbox(server, 'message')
    const client = await ready(t, server)
    await frames()
    const [answered, cut] = [client.useTool('echo', 1), client.useTool('sleep', { ms: 60_000 })]
    const id = client.sendToolRequest('echo', 2)
    const closed = client.close({ drain: 1_000 })
    assert.equal((await rejection(client.useTool('echo', 3))).code, 'CLOSED')
    assert.equal(await answered, 1)
    assert.equal((await rejection(cut)).code, 'CLOSED')
    await closed
    assert.deepEqual(
      [1, { ms: 60_000 }],
      [JSON.parse((await frames())[0]).parameters, JSON.parse((await frames())[0]).parameters],
    )
    assert.equal(JSON.parse((await frames())[0]).id, id)
  })
})

describe('parameters', () => {
  async function frameOf(t, ...parameters) {
    const server = await listen(t)
    const client = await ready(t, server)
    const frame = next(server, 'message')
    await client.useTool('status', ...parameters)
    return (await frame)[0]
  }

  test("travel as JSON.stringify writes them, under an id of the guide's form", async (t) => {
    const parameters = {
      query: 'grüße 😀',
      list: [1, null, undefined],
      date: new Date(0),
      skipped: undefined,
      nested: { toJSON: () => 'own' },
    }
    const { id, ...rest } = JSON.parse(await frameOf(t, parameters))
    assert.match(id, /^req_\d{13}_[0-9a-z]{9}$/)
    assert.deepEqual(rest, { name: 'status', parameters: JSON.parse(JSON.stringify(parameters)) })
  })

  for (const nothing of [undefined, () => {}, Symbol('none')]) {
    test(`that JSON cannot say (${typeof nothing}) are left out`, async (t) => {
      assert.deepEqual(Object.keys(JSON.parse(await frameOf(t, nothing))), ['id', 'name'])
    })
  }

  test('may be left out', async (t) => {
    assert.deepEqual(Object.keys(JSON.parse(await frameOf(t))), ['id', 'name'])
  })

  for (const plain of [null, 0, false, '', 'text', [1]]) {
    test(`may be ${JSON.stringify(plain)}`, async (t) => {
      assert.deepEqual(JSON.parse(await frameOf(t, plain)).parameters, plain)
    })
  }

  test('hold lone surrogates and every kind of character', async (t) => {
    const client = await ready(t, await listen(t))
    for (const text of [
      '\ud83d',
      '\ude00\ud83d',
      'a\0b',
      '\u2028\u2029',
      '\u007f\u0080ÿ€😀',
      '"\\/\b\f\n\r\t',
      'ü'.repeat(600),
      '😀'.repeat(300),
    ]) {
      assert.equal(await client.useTool('echo', text), text)
    }
  })

  test('that cannot be written as JSON reject with a TypeError that names the tool and keeps the cause', async (t) => {
    const client = await ready(t, await listen(t))
    const circle = {}
    circle.self = circle
    const thrower = {
      toJSON() {
        throw new Error('no wish to')
      },
    }
    for (const [parameters, cause] of [
      [circle, TypeError],
      [{ big: 1n }, TypeError],
      [thrower, Error],
      [tooDeep(), RangeError],
    ]) {
      const error = await rejection(client.useTool('echo', parameters))
      assert.equal(error.constructor, TypeError)
      assert.match(error.message, /"echo" cannot be written as JSON/)
      assert.equal(error.cause.constructor, cause)
    }
    assert.equal(client.stats().requests, 0)
  })
})

describe('useTool never throws; it rejects', () => {
  const calls = {
    'no name': [],
    'an empty name': [''],
    'a name that is no string': [5],
    'options that are no object': ['echo', {}, 5],
    'options that are null': ['echo', {}, null],
    'an unknown option': ['echo', {}, { timeOut: 5 }],
    'a timeout that is no number': ['echo', {}, { timeout: '5' }],
    'a signal that is none': ['echo', {}, { signal: {} }],
    'a signal that is null': ['echo', {}, { signal: null }],
    'an unknown responseType': ['echo', {}, { responseType: 'text' }],
    'an idempotent that is no boolean': ['echo', {}, { idempotent: 'yes' }],
  }
  for (const [what, args] of Object.entries(calls)) {
    test(what, async (t) => {
      const client = await ready(t, await listen(t))
      assert.equal((await rejection(client.useTool(...args))).constructor, TypeError)
    })
  }

  test('an unknown option, with the one that may have been meant', async (t) => {
    const client = await ready(t, await listen(t))
    for (const [name, words] of [
      ['timeOut', 'unknown option "timeOut" of useTool, did you mean "timeout"?'],
      ['singal', 'unknown option "singal" of useTool, did you mean "signal"?'],
      ['retries', 'unknown option "retries" of useTool: use timeout, signal, idempotent, responseType'],
      ['', 'unknown option "" of useTool: use timeout, signal, idempotent, responseType'],
    ]) {
      assert.equal((await rejection(client.useTool('echo', {}, { [name]: 1 }))).message, words)
    }
  })

  for (const timeout of [-1, NaN, Infinity, 2 ** 31, -0.5]) {
    test(`a timeout of ${timeout}`, async (t) => {
      const client = await ready(t, await listen(t))
      const error = await rejection(client.useTool('echo', {}, { timeout }))
      assert.equal(error.constructor, RangeError)
      assert.match(error.message, /"timeout"/)
    })
  }

  test('a call without a connection', async (t) => {
    const error = await rejection(open(t, DEAF_URL, { autoConnect: false }).useTool('echo'))
    assert.equal(error.code, 'NOT_CONNECTED')
  })
})

describe('results', () => {
  const values = [
    'null',
    'true',
    '0',
    '-0',
    '1e999',
    '12345678901234567890',
    '""',
    '"\\ud83d"',
    '"grüße 😀"',
    '[]',
    '{}',
    ' [ 1 , 2 ] ',
    '{"a":1,"a":2}',
    '{"__proto__":{"x":1}}',
    '{"toString":1}',
  ]
  for (const json of values) {
    test(`${json} are what JSON.parse makes of them`, async (t) => {
      const client = await ready(t, await answering(t, json))
      assert.deepEqual(await client.useTool('any'), JSON.parse(json))
    })
  }

  test('that are absent are undefined', async (t) => {
    const client = await ready(t, await answering(t, ''))
    assert.equal(await client.useTool('any'), undefined)
  })

  for (const [what, results] of [
    ['ASCII', 'x'.repeat(20 << 20)],
    ['beyond Latin', '漢'.repeat(5 << 20)],
    ['small objects', Array.from({ length: 100_000 }, (_, i) => ({ i, text: `number ${i}` }))],
  ]) {
    test(`of many megabytes of ${what} arrive whole`, async (t) => {
      const client = await ready(t, await listen(t, { tools: { huge: () => results } }))
      assert.deepEqual(await client.useTool('huge'), results)
    })
  }

  test('nested 100,000 deep arrive whole', async (t) => {
    const depth = 100_000
    const client = await ready(t, await answering(t, `${'['.repeat(depth)}${']'.repeat(depth)}`))
    let [levels, value] = [0, await client.useTool('deep')]
    for (; value !== undefined; levels++) [value] = value
    assert.equal(levels, depth)
  })

  test('around every size at which the way of delivery changes arrive whole', async (t) => {
    const client = await ready(t, await listen(t))
    for (const around of [512, 4096, 16 * 1024, 64 * 1024, 256 * 1024]) {
      const texts = [-3, -2, -1, 0, 1, 2, 3].flatMap((more) => [
        `é${'x'.repeat(around + more)}`,
        'x'.repeat(around + more),
      ])
      assert.deepEqual(await Promise.all(texts.map((text) => client.useTool('echo', text))), texts)
    }
  })
})

describe('responseType "buffer"', () => {
  test('hands over the bytes of the results as they came', async (t) => {
    for (const json of ['{"b":1 ,"a":[ "grüße 😀" ],"a":1e999}', 'null', '"\\u0041"', `"${'x'.repeat(100_000)}"`]) {
      const client = await ready(t, await answering(t, json))
      const bytes = await client.useTool('any', {}, { responseType: 'buffer' })
      assert.ok(IS_PORTABLE ? bytes instanceof Uint8Array : Buffer.isBuffer(bytes))
      assert.equal(textOf(bytes), json)
    }
  })

  test('hands over no bytes where the results are absent', async (t) => {
    const client = await ready(t, await answering(t, ''))
    const bytes = await client.useTool('any', {}, { responseType: 'buffer' })
    assert.deepEqual(bytes, IS_PORTABLE ? new Uint8Array(0) : Buffer.alloc(0))
  })

  test('rejects with the error of a tool all the same', async (t) => {
    const client = await ready(t, await listen(t))
    const error = await rejection(client.useTool('fail', { message: 'No' }, { responseType: 'buffer' }))
    assert.equal(error.message, 'No')
  })
})

describe('an AbortSignal', () => {
  const listeners = (signal) => getEventListeners(signal, 'abort').length

  test('that is aborted already rejects with its reason, and nothing is sent', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const reason = new Error('changed my mind')
    assert.equal(await rejection(client.useTool('never', {}, { signal: AbortSignal.abort(reason) })), reason)
    await client.useTool('echo')
    assert.deepEqual(
      server.requests.map(({ name }) => name),
      ['echo'],
    )
  })

  test('that aborts before the answer rejects with its reason; the answer then is late', async (t) => {
    const abort = new AbortController()
    const { client, call, answer } = await held(t, { signal: abort.signal })
    assert.equal(listeners(abort.signal), 1)
    abort.abort()
    const error = await rejection(call)
    assert.equal(error, abort.signal.reason)
    assert.equal(error.name, 'AbortError')
    assert.equal(listeners(abort.signal), 0)
    assert.equal(client.stats().pending, 0)
    const late = next(client, 'message')
    answer()
    await late
    assert.equal(client.stats().lateResponses, 1)
    assert.equal(client.stats().failed, 1)
  })

  test('rejects with a reason of any kind', async (t) => {
    for (const reason of ['text', 0, null, { code: 5 }]) {
      const abort = new AbortController()
      const { call } = await held(t, { signal: abort.signal })
      abort.abort(reason)
      assert.equal(await rejection(call), reason)
    }
  })

  test('that aborts after the answer changes nothing', async (t) => {
    const client = await ready(t, await listen(t))
    const abort = new AbortController()
    assert.equal(await client.useTool('echo', 1, { signal: abort.signal }), 1)
    assert.equal(listeners(abort.signal), 0)
    abort.abort()
    assert.equal(await client.useTool('echo', 2), 2)
  })

  test(
    'that aborts while the answer is on its way to JavaScript rejects all the same',
    needs('a core on a thread of its own'),
    async (t) => {
      const abort = new AbortController()
      const { server, client, call, answer } = await held(t, { signal: abort.signal })
      answer()
      const end = performance.now() + 5_000
      while (client.stats().succeeded === 0 && performance.now() < end);
      assert.equal(client.stats().succeeded, 1)
      abort.abort()
      assert.equal((await rejection(call)).name, 'AbortError')
      const counts = ({ requests, pending, succeeded, failed }) => ({ requests, pending, succeeded, failed })
      assert.deepEqual(counts(client.stats()), { requests: 1, pending: 0, succeeded: 0, failed: 1 })
      server.intercept(null)
      assert.equal(await client.useTool('echo', 'next'), 'next')
      assert.deepEqual(counts(client.stats()), { requests: 2, pending: 0, succeeded: 1, failed: 1 })
    },
  )

  test(
    'that aborts while a failure is on its way to JavaScript counts one failure',
    needs('a core on a thread of its own'),
    async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      const abort = new AbortController()
      const all = new Promise((resolve) => {
        const ids = []
        server.intercept((text, connection) => {
          const { id, name } = JSON.parse(text)
          if (name === 'held' && ids.push(id) === 20)
            resolve(() => ids.map((id) => connection.send({ id, error: 'no' })))
          return name === 'held'
        })
      })
      const calls = Array.from({ length: 20 }, () => client.useTool('held', {}, { signal: abort.signal }))
      const fail = await all
      fail()
      const end = performance.now() + 5_000
      while (client.stats().failed < 20 && performance.now() < end);
      assert.equal(client.stats().failed, 20)
      abort.abort()
      for (const { reason } of await Promise.allSettled(calls)) assert.equal(reason.name, 'AbortError')
      await client.useTool('echo')
      const { succeeded, failed } = client.stats()
      assert.deepEqual({ succeeded, failed }, { succeeded: 1, failed: 20 })
    },
  )

  test('that is shared by 16,384 calls has one listener, warns of nothing, and ends them all', async (t) => {
    const warnings = []
    const warn = (warning) => warnings.push(warning.name)
    process.on('warning', warn)
    t.after(() => process.off('warning', warn))
    const server = await listen(t)
    server.intercept((text) => text.includes('"held"'))
    const client = await ready(t, server)
    const controller = new AbortController()
    const calls = Array.from({ length: 16_384 }, () => client.useTool('held', {}, { signal: controller.signal }))
    // One for each call would take seconds, because each looks through all before it.
    assert.equal(listeners(controller.signal), 1)
    controller.abort('enough')
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual(new Set(outcomes.map(({ reason }) => reason)), new Set(['enough']))
    const { pending, failed } = client.stats()
    assert.deepEqual({ pending, failed, warnings }, { pending: 0, failed: 16_384, warnings: [] })
  })

  test('that aborts while the parameters are written as JSON counts', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const abort = new AbortController()
    const parameters = { toJSON: () => abort.abort('changed my mind') }
    assert.equal(await rejection(client.useTool('echo', parameters, { signal: abort.signal })), 'changed my mind')
    assert.equal(await client.useTool('echo', 1), 1)
    assert.deepEqual([server.requests.length, client.stats().requests], [1, 1])
  })

  test('takes a queued call back before it is sent', async (t) => {
    const server = await listen(t)
    const client = open(t, server)
    const abort = new AbortController()
    const call = client.useTool('never', {}, { signal: abort.signal })
    abort.abort()
    await rejection(call)
    await client.useTool('echo')
    assert.deepEqual(
      server.requests.map(({ name }) => name),
      ['echo'],
    )
  })

  test('is let go of however the call ends', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { signal } = new AbortController()
    const calls = [
      client.useTool('fail', {}, { signal }),
      client.useTool('sleep', { ms: 60_000 }, { signal, timeout: 20 }),
      client.useTool('sleep', { ms: 60_000 }, { signal }),
    ].map(rejection)
    assert.equal(listeners(signal), 1)
    assert.equal((await calls[0]).code, 'TOOL_ERROR')
    assert.equal((await calls[1]).code, 'REQUEST_TIMEOUT')
    await server.terminateAll()
    assert.equal((await calls[2]).code, 'CONNECTION_LOST')
    await client.close()
    await rejection(client.useTool('echo', {}, { signal }))
    assert.equal(listeners(signal), 0)
  })

  test('may be shared by calls of which one is answered', async (t) => {
    const abort = new AbortController()
    const { client, call } = await held(t, { signal: abort.signal })
    assert.equal(await client.useTool('echo', 1, { signal: abort.signal }), 1)
    abort.abort()
    await rejection(call)
  })
})

describe('a timeout', () => {
  test('rejects the call; the answer then is late', async (t) => {
    const { client, call, answer } = await held(t, { timeout: 20 })
    const error = await rejection(call)
    assert.equal(error.code, 'REQUEST_TIMEOUT')
    const late = next(client, 'message')
    answer()
    await late
    const { timedOut, lateResponses, pending } = client.stats()
    assert.deepEqual({ timedOut, lateResponses, pending }, { timedOut: 1, lateResponses: 1, pending: 0 })
  })

  test("is requestTimeout where the call says nothing, and the call's own where it does", async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { requestTimeout: 50 })
    const slow = client.useTool('sleep', { ms: 100 }, { timeout: 10_000 })
    assert.equal((await rejection(client.useTool('sleep', { ms: 60_000 }))).code, 'REQUEST_TIMEOUT')
    assert.deepEqual(await slow, { slept: 100 })
    assert.deepEqual(await client.useTool('sleep', { ms: 100 }, { timeout: 0 }), { slept: 100 })
  })

  test('of 0 is none', async (t) => {
    const client = await ready(t, await listen(t), { requestTimeout: 0 })
    const [slow, quick] = [
      client.useTool('sleep', { ms: 60 }),
      client.useTool('sleep', { ms: 60_000 }, { timeout: 30 }),
    ]
    assert.equal((await rejection(quick)).code, 'REQUEST_TIMEOUT')
    assert.deepEqual(await slow, { slept: 60 })
  })

  test('runs from the call, also while it waits for the connection', async (t) => {
    const server = await listen(t)
    server.intercept((text) => text.includes('"auth"'))
    const client = open(t, server)
    await reached(client, 'authenticating')
    const error = await rejection(client.useTool('echo', {}, { timeout: 20 }))
    assert.equal(error.code, 'REQUEST_TIMEOUT')
    assert.equal(error.sent, false)
  })
})

test('a tool may not exist, and may fail: that is an MCPToolError', async (t) => {
  const client = await ready(t, await listen(t))
  const error = await rejection(client.useTool('nonsense'))
  assert.ok(error instanceof MCPToolError && error instanceof MCPError && error instanceof Error)
  assert.match(error.message, /Unknown tool "nonsense"/)
})
