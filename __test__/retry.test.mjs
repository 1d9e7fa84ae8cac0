/** `@mcp-integration/client/retry`: what is repeated, when, how often; and lists of calls. Delays pass in no time. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import FakeTimers from '@sinonjs/fake-timers'
import { MCPError, MCPToolError } from '@mcp-integration/client'
import { reached, ready, rejection } from './helpers/client.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

/** The clock and the chance that the module takes when it loads, and keeps. */
const clock = FakeTimers.createClock()
let chance = 1
const { mapTools, withRetry } = await loadedWith({
  setTimeout: [globalThis, clock.setTimeout],
  clearTimeout: [globalThis, clock.clearTimeout],
  random: [Math, () => chance],
})

async function loadedWith(replacements) {
  const kept = Object.entries(replacements).map(([name, [owner]]) => [owner, name, owner[name]])
  for (const [name, [owner, value]] of Object.entries(replacements)) owner[name] = value
  try {
    return await import('@mcp-integration/client/retry')
  } finally {
    for (const [owner, name, value] of kept) owner[name] = value
  }
}

const failure = (details = {}) =>
  new MCPError('lost', { code: 'CONNECTION_LOST', retryable: true, sent: false, ...details })

/** A client whose calls end as `outcomes` say, one after the other: errors reject. It keeps what it was given. */
function scripted(...outcomes) {
  const calls = []
  return {
    calls,
    async useTool(...given) {
      calls.push({ given, at: clock.now })
      const outcome = outcomes.length > 1 ? outcomes.shift() : outcomes[0]
      if (outcome instanceof Error) throw outcome
      return outcome
    },
  }
}

/** Lets all delays pass, and resolves or rejects as the call does. */
async function after(call) {
  // It may reject before anybody waits for it.
  call.catch(() => {})
  await clock.runAllAsync()
  return call
}

describe('withRetry', () => {
  test('repeats a call that certainly was not sent, until it succeeds', async () => {
    const client = scripted(failure(), failure(), 'done')
    assert.equal(await after(withRetry(client).useTool('echo', { a: 1 }, { timeout: 5 })), 'done')
    assert.deepEqual(
      client.calls.map(({ given }) => given),
      Array(3).fill(['echo', { a: 1 }, { timeout: 5 }]),
    )
  })

  test('gives up after 4 attempts, with the error of the last', async () => {
    const last = failure()
    const client = scripted(failure(), failure(), failure(), last, 'too late')
    assert.equal(await rejection(after(withRetry(client).useTool('echo'))), last)
    assert.equal(client.calls.length, 4)
  })

  test('repeats what may have run only if it is idempotent', async () => {
    for (const sent of [true, undefined]) {
      const client = scripted(failure({ sent }), 'done')
      assert.equal((await rejection(after(withRetry(client).useTool('pay')))).code, 'CONNECTION_LOST')
      assert.equal(
        await after(withRetry(scripted(failure({ sent }), 'done')).useTool('look', {}, { idempotent: true })),
        'done',
      )
      assert.equal(client.calls.length, 1)
    }
  })

  test('does not repeat what no repetition can mend, even if it is idempotent', async () => {
    const tool = new MCPToolError('no', { retryable: false, toolCode: null, data: 'no' })
    for (const error of [tool, failure({ code: 'CLOSED', retryable: false }), new TypeError('bad argument')]) {
      const client = scripted(error, 'done')
      assert.equal(await rejection(after(withRetry(client).useTool('echo', {}, { idempotent: true }))), error)
      assert.equal(client.calls.length, 1)
    }
  })

  test('waits a random part of a delay that doubles from 200 ms up to the longest', async (t) => {
    t.after(() => (chance = 1))
    const delays = async (options) => {
      const client = scripted(failure())
      await rejection(after(withRetry(client, { budget: Infinity, ...options }).useTool('echo')))
      return client.calls.slice(1).map(({ at }, index) => at - client.calls[index].at)
    }
    assert.deepEqual(await delays(), [200, 400, 800])
    assert.deepEqual(await delays({ attempts: 6, baseDelay: 1000, maxDelay: 5000 }), [1000, 2000, 4000, 5000, 5000])
    chance = 0.25
    assert.deepEqual(await delays(), [50, 100, 200])
  })

  test('sends the same parameters again although the caller has changed the object', async () => {
    const client = scripted(failure(), 'done')
    const parameters = { page: 1 }
    const call = withRetry(client).useTool('list', parameters)
    parameters.page = 2
    await after(call)
    assert.deepEqual(client.calls[1].given[1], { page: 1 })
  })

  test('calls without parameters stay without', async () => {
    const client = scripted(failure(), 'done')
    await after(withRetry(client).useTool('now'))
    assert.deepEqual(client.calls[1].given, ['now', undefined, undefined])
  })

  test('an abort ends the delay at once, and nothing is left that would keep the process', async () => {
    const client = scripted(failure(), 'done')
    const stop = new AbortController()
    const call = withRetry(client).useTool('echo', {}, { signal: stop.signal })
    await clock.tickAsync(100)
    stop.abort(new Error('enough'))
    assert.equal((await rejection(call)).message, 'enough')
    assert.equal(clock.countTimers(), 0)
    assert.equal(client.calls.length, 1)
  })

  test('a signal that aborts while the call fails is not waited for', async () => {
    const stop = new AbortController()
    const client = {
      async useTool() {
        stop.abort(new Error('enough'))
        throw failure()
      },
    }
    assert.equal((await rejection(withRetry(client).useTool('echo', {}, { signal: stop.signal }))).message, 'enough')
    assert.equal(clock.countTimers(), 0)
  })

  test('rejects, and does not throw, if the parameters cannot be sent', async () => {
    const client = scripted('done')
    const call = withRetry(client).useTool('echo', 1n)
    assert.match((await rejection(call)).message, /the parameters of "echo" cannot be written as JSON/)
  })

  describe('shares a budget of tokens among its calls', () => {
    /** How many attempts a call that always fails makes. */
    async function attemptsOf(retrying, client) {
      const before = client.calls.length
      await rejection(after(retrying.useTool('echo')))
      return client.calls.length - before
    }

    test('which failures use up: with half of them left, nothing is repeated', async () => {
      const client = scripted(failure())
      const retrying = withRetry(client, { attempts: 3 })
      assert.deepEqual(await attemptsOf(retrying, client), 3)
      assert.deepEqual(await attemptsOf(retrying, client), 2, 'the fifth of ten tokens is spent by its second failure')
      assert.deepEqual(await attemptsOf(retrying, client), 1)
    })

    test('to which a success gives a tenth back', async () => {
      const outcomes = [...Array(5).fill(failure()), ...Array(10).fill('done'), failure()]
      const client = scripted(...outcomes)
      const retrying = withRetry(client, { attempts: 5 })
      assert.equal(await attemptsOf(retrying, client), 5)
      for (let n = 0; n < 10; n++) assert.equal(await after(retrying.useTool('echo')), 'done')
      // One token more than half of them, which the first failure takes.
      assert.equal(await attemptsOf(retrying, client), 1)
      assert.equal(await attemptsOf(withRetry(client, { attempts: 5 }), client), 5)
    })

    test('which failures that no repetition can mend leave alone', async () => {
      const refused = new MCPToolError('no', { retryable: false, toolCode: null, data: 'no' })
      const client = scripted(...Array(20).fill(refused), failure(), 'done')
      const retrying = withRetry(client)
      for (let n = 0; n < 20; n++) await rejection(retrying.useTool('echo'))
      assert.equal(await after(retrying.useTool('echo')), 'done')
    })

    test('which may be 0, or without end', async () => {
      const client = scripted(failure())
      assert.equal(await attemptsOf(withRetry(client, { budget: 0 }), client), 1)
      assert.equal(await attemptsOf(withRetry(client, { attempts: 50, budget: Infinity }), client), 50)
    })
  })

  test('names the option at fault', () => {
    const client = scripted('done')
    for (const [options, message] of [
      [null, /the options of withRetry must be an object, got null/],
      [{ atempts: 3 }, /unknown option "atempts" of withRetry, did you mean "attempts"\?/],
      [{ attempts: 0 }, /option "attempts" must be a whole number from 1, or Infinity, got 0/],
      [{ attempts: 1.5 }, /got 1\.5/],
      [{ attempts: '3' }, /option "attempts" must be a number, got string/],
      [{ budget: -1 }, /option "budget" must be 0 or more tokens, got -1/],
      [{ budget: NaN }, /got NaN/],
      [{ budget: null }, /option "budget" must be a number of tokens, got null/],
      [{ baseDelay: -1 }, /option "baseDelay" must be from 0/],
      [{ maxDelay: '1s' }, /option "maxDelay" must be a number of ms, got string/],
    ])
      assert.throws(() => withRetry(client, options), message)
  })

  test('brings a call through a time without a connection, and never repeats what may have run', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, {
      offlineQueueLimit: 0,
      baseReconnectDelay: 60_000,
      maxReconnectDelay: 60_000,
    })
    const retrying = withRetry(client)
    // A call on its way: it may have run.
    const running = rejection(retrying.useTool('sleep', { ms: 60_000 }))
    await server.nextRequest()
    const lost = reached(client, 'reconnecting')
    await server.terminateAll()
    await lost
    assert.deepEqual([(await running).code, (await running).sent], ['CONNECTION_LOST', true])
    assert.equal(clock.countTimers(), 0, 'no retry is planned')

    const refused = retrying.useTool('echo', 'again')
    // The rejection is delivered in a later turn.
    while (clock.countTimers() === 0) await new Promise(setImmediate)
    await client.connect()
    assert.equal(await after(refused), 'again')
  })
})

describe('mapTools', () => {
  test('gives the outcome of each call in the order of the list', async (t) => {
    const client = await ready(t, await listen(t))
    const outcomes = await mapTools(client, 'sleep', [{ ms: 20 }, { ms: -1 }, { ms: 0 }])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(outcomes[0].value, { slept: 20 })
    assert.ok(outcomes[1].reason instanceof MCPToolError)
    assert.deepEqual(outcomes[2].value, { slept: 0 })
  })

  /** A client whose calls end when the test says so. */
  function held() {
    const calls = []
    return {
      calls,
      useTool: (_tool, parameters, options) =>
        new Promise((resolve, reject) => {
          calls.push({ parameters, resolve, options })
          options.signal?.addEventListener('abort', () => reject(options.signal.reason))
        }),
    }
  }
  const turn = () => new Promise(setImmediate)

  test('has at most 8 calls in flight, or as many as are allowed', async () => {
    for (const [options, most] of [
      [undefined, 8],
      [{ concurrency: 3 }, 3],
      [{ concurrency: Infinity }, 20],
    ]) {
      const client = held()
      const all = mapTools(client, 'echo', Array(20).keys(), options)
      for (let ended = 0; ended < 20; ended++) {
        await turn()
        assert.equal(client.calls.length, Math.min(ended + most, 20))
        client.calls[ended].resolve(ended)
      }
      assert.deepEqual(
        (await all).map(({ value }) => value),
        [...Array(20).keys()],
      )
    }
  })

  test('passes timeout, signal and idempotent on, and nothing else', async () => {
    const client = held()
    const { signal } = new AbortController()
    const all = mapTools(client, 'echo', [1], { concurrency: 2, timeout: 5, signal, idempotent: true })
    client.calls[0].resolve()
    await all
    assert.deepEqual(client.calls[0].options, { timeout: 5, signal, idempotent: true })
  })

  test('makes no further call once the signal has aborted, and still says what became of each', async () => {
    const client = held()
    const stop = new AbortController()
    const all = mapTools(client, 'echo', [1, 2, 3, 4], { concurrency: 2, signal: stop.signal })
    client.calls[0].resolve('one')
    await turn()
    stop.abort('enough')
    assert.deepEqual(await all, [
      { status: 'fulfilled', value: 'one' },
      ...Array(3).fill({ status: 'rejected', reason: 'enough' }),
    ])
    assert.equal(client.calls.length, 3)
  })

  test('of an empty list is an empty list', async () => {
    assert.deepEqual(await mapTools(held(), 'echo', []), [])
  })

  test('repeats calls if it is given a client that does', async () => {
    const client = scripted(failure(), 'a', failure(), 'b')
    const outcomes = await after(mapTools(withRetry(client), 'echo', [1, 2], { concurrency: 1 }))
    assert.deepEqual(
      outcomes.map(({ value }) => value),
      ['a', 'b'],
    )
  })

  test('rejects with an error that names the argument at fault', async () => {
    const list = {
      *[Symbol.iterator]() {
        yield 1
        throw new Error('of the list')
      },
    }
    for (const [args, message] of [
      [['', []], /the tool's name must be a non-empty string/],
      [['echo', 5], /mapTools takes a list of parameters, got number/],
      [['echo', null], /mapTools takes a list of parameters, got null/],
      [['echo', 'text'], /mapTools takes a list of parameters, got string/],
      [['echo', list], /of the list/],
      [['echo', [], { concurency: 1 }], /unknown option "concurency" of mapTools, did you mean "concurrency"\?/],
      [['echo', [], { concurrency: 0 }], /option "concurrency" must be a whole number from 1, or Infinity, got 0/],
      [['echo', [], null], /the options of mapTools must be an object, got null/],
    ]) {
      const client = held()
      assert.match((await rejection(mapTools(client, ...args))).message, message)
      assert.equal(client.calls.length, 0)
    }
  })
})

test('the entry loads neither native code nor anything of Node.js', async () => {
  const script = `
    require('@mcp-integration/client/retry')
    console.log(Object.keys(require.cache).filter((path) => !/[\\\\/]dist[\\\\/](retry|shared)\\b/.test(path)))
    console.log(process.moduleLoadList.filter((name) => /perf_hooks|async_hooks|worker/.test(name) && !before.includes(name)))`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--eval', `const before = [...process.moduleLoadList]; ${script}`],
    { cwd: ROOT },
  )
  assert.equal(stdout, '[]\n[]\n')
})
