/** What is left when something was done very often: nothing. And who holds a client. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { ready, rejection } from './helpers/client.mjs'
import { amount } from './helpers/deep.mjs'
import { run, start } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const MIB = 1 << 20
const GC = { flags: ['--expose-gc'] }

describe('nothing is left over', () => {
  /**
   * Runs `act(client, n)` a tenth of `count` times to warm up, then the same number of times more in each of ten parts.
   * Compares the medians of the first and the last three.
   */
  async function staysFlat(t, count, act) {
    const server = await listen(t, { history: 1 })
    const [{ samples, left }] = await run(
      t,
      repeat,
      { url: server.url, act: String(act), part: Math.ceil(count / 11) },
      { ...GC, timeout: 1_800_000 },
    )
    const medians = (name) =>
      [samples.slice(0, 3), samples.slice(-3)].map(
        (part) => part.map((sample) => sample[name]).sort((a, b) => a - b)[1],
      )
    const [[heap, heapAfter], [rss, rssAfter], [fds, fdsAfter], [threads, threadsAfter]] = [
      'heap',
      'rss',
      'fds',
      'threads',
    ].map(medians)
    t.diagnostic(
      `heap ${(heap / MIB).toFixed(1)} → ${(heapAfter / MIB).toFixed(1)} MiB, RSS ${(rss / MIB).toFixed(1)} → ${(rssAfter / MIB).toFixed(1)} MiB, fds ${fds} → ${fdsAfter}, threads ${threads} → ${threadsAfter}`,
    )
    assert.ok(heapAfter < heap + MIB, `the heap grew from ${heap} to ${heapAfter} bytes`)
    assert.ok(rssAfter < rss * 1.1 + 16 * MIB, `the memory grew from ${rss} to ${rssAfter} bytes`)
    assert.deepEqual([fdsAfter, threadsAfter], [fds, threads])
    assert.deepEqual(left, { pending: 0, queued: 0, buffered: 0 })
  }

  async function repeat({ MCPClient, tell, input: { url, act, part } }) {
    const { existsSync, readdirSync } = await import('node:fs')
    const { getEventListeners } = await import('node:events')
    const count = (folder) => (existsSync(folder) ? readdirSync(folder).length : 0)
    const once = (0, eval)(`(${act})`)
    const client = new MCPClient(url)
    await client.connect()
    const samples = []
    for (let round = 0; round < 11; round++) {
      for (let n = 0; n < part; n++) await once({ client, n, url, MCPClient, getEventListeners })
      for (let turn = 0; turn < 5; turn++) {
        gc()
        await new Promise(setImmediate)
      }
      const { rss, heapUsed: heap } = process.memoryUsage()
      if (round > 0) samples.push({ rss, heap, fds: count('/proc/self/fd'), threads: count('/proc/self/task') })
    }
    const { pending, queued } = client.stats()
    tell({ samples, left: { pending, queued, buffered: client.bufferedAmount } })
    await client.close()
  }

  test('of clients that were connected and closed', async (t) => {
    await staysFlat(t, amount({ sample: 330, full: 10_000 }), async ({ url, MCPClient }) => {
      const client = new MCPClient(url)
      await client.connect()
      await client.close()
    })
  })

  test('of calls', async (t) => {
    await staysFlat(t, amount({ sample: 33_000, full: 1_000_000 }) / 100, async ({ client, n }) => {
      const calls = Array.from({ length: 100 }, (_, i) => client.useTool('echo', n * 100 + i))
      for (const [i, answer] of (await Promise.all(calls)).entries())
        if (answer !== n * 100 + i) throw new Error(`${answer}`)
    })
  })

  test('of calls that were aborted, nor of the listeners of their signals', async (t) => {
    await staysFlat(t, amount({ sample: 3_300, full: 10_000 }) / 10, async ({ client, getEventListeners }) => {
      const kept = new AbortController()
      const aborted = new AbortController()
      const answered = client.useTool('echo', 1, { signal: kept.signal })
      const calls = Array.from({ length: 10 }, () =>
        client.useTool('sleep', { ms: 1 }, { signal: aborted.signal }).then(
          () => 0,
          () => 1,
        ),
      )
      await null
      aborted.abort()
      if ((await Promise.all(calls)).includes(0)) throw new Error('an aborted call was answered')
      await answered
      for (const { signal } of [kept, aborted])
        if (getEventListeners(signal, 'abort').length > 0) throw new Error('a listener is left')
    })
  })

  test('of listeners that were added and removed', async (t) => {
    await staysFlat(t, amount({ sample: 22_000, full: 100_000 }) / 5, ({ client }) => {
      const listener = () => {}
      client.on('message', listener).off('message', listener)
      client.once('state', listener).off('state', listener)
      client.prependListener('log', listener).removeAllListeners('log')
      client.addEventListener('close', listener)
      client.removeEventListener('close', listener)
      client.onopen = listener
      client.onopen = null
    })
  })
})

test('of a signal that serves many calls no listener is left when they are answered', async (t) => {
  const client = await ready(t, await listen(t))
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 8 }, () => client.useTool('echo', 1, { signal })))
  await rejection(client.useTool('fail', {}, { signal }))
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

describe('an unreferenced client that nobody holds', () => {
  /**
   * Makes a client in the way of `make`, forgets it, and collects garbage for as long as the server sees it, but no
   * longer than a while.
   */
  async function forget(t, make, { garbage = 'until it is gone' } = {}) {
    const server = await listen(t)
    const program = start(
      t,
      async ({ MCPClient, tell, input: { url, make, rounds } }) => {
        // Something else keeps the process alive.
        setInterval(() => {}, 60_000)
        await (0, eval)(`(${make})`)(MCPClient, url, tell)
        for (let round = 0; round < rounds; round++) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          gc()
        }
        tell('still there')
      },
      { url: server.url, make: String(make), rounds: garbage === 'for a while' ? 100 : 5_000 },
      GC,
    )
    const connection = await server.nextConnection()
    return { server, program, connection }
  }

  test('is collected when it has no listener and no call, and its socket goes with it', async (t) => {
    const { connection, program } = await forget(t, async (MCPClient, url) => {
      const client = new MCPClient(url)
      const listener = () => {}
      client.on('message', listener).unref()
      client.addEventListener('open', listener)
      client.onclose = listener
      await client.useTool('echo', 1)
      client.off('message', listener)
      client.removeEventListener('open', listener)
      client.onclose = null
    })
    // The end of the process would close the connection too.
    assert.equal((await Promise.race([connection.closed, program.told(0)])).code, 1006)
    assert.equal(program.child.exitCode, null)
  })

  test('is collected when its last listener was to hear once, and has heard', async (t) => {
    const { connection, program } = await forget(t, (MCPClient, url) => {
      const client = new MCPClient(url).unref()
      client.addEventListener('message', () => {}, { once: true })
      return client
        .connect()
        .then(() => client.useTool('echo', 1))
        .then(() => undefined)
    })
    assert.equal((await Promise.race([connection.closed, program.told(0)])).code, 1006)
  })

  test('is collected although it was never asked for anything', async (t) => {
    const { connection, program } = await forget(t, (MCPClient, url) => void new MCPClient(url).unref())
    assert.equal((await Promise.race([connection.closed, program.told(0)])).code, 1006)
  })

  for (const [what, make] of [
    ['it is referenced after all', async (MCPClient, url) => void (await new MCPClient(url).unref().ref().connect())],
    [
      'it has a listener',
      async (MCPClient, url) =>
        void (await new MCPClient(url)
          .unref()
          .on('message', () => {})
          .connect()),
    ],
    [
      'somebody has a handler on it',
      async (MCPClient, url) => {
        const client = new MCPClient(url).unref()
        client.onmessage = () => {}
        await client.connect()
      },
    ],
    [
      'it was given onMessage',
      async (MCPClient, url) => void (await new MCPClient({ url, onMessage: () => {} }).unref().connect()),
    ],
  ]) {
    test(`stays when ${what}`, async (t) => {
      const { server, program } = await forget(t, make, { garbage: 'for a while' })
      assert.equal(await program.told(0), 'still there')
      assert.equal(server.connections.length, 1)
    })
  }

  test('stays until its call is answered, and then goes', async (t) => {
    const { server, program, connection } = await forget(t, (MCPClient, url, tell) => {
      // Whoever waits for the answer does not hold the client.
      new MCPClient(url).unref().useTool('sleep', { ms: 300 }).then(tell, tell)
    })
    assert.deepEqual(await program.told(0), { slept: 300 })
    assert.equal((await connection.closed).code, 1006)
    assert.equal(server.requests.length, 1)
  })
})

describe('several processes', () => {
  test('a fork has clients of its own; those of its parent are none the worse', async (t) => {
    const server = await listen(t)
    const told = await run(
      t,
      async ({ MCPClient, tell, input: { url } }) => {
        const { fork } = await import('node:child_process')
        const { writeFileSync, mkdtempSync } = await import('node:fs')
        const file = `${mkdtempSync(`${(await import('node:os')).tmpdir()}/mcp-fork-`)}/child.cjs`
        writeFileSync(
          file,
          `
          const { MCPClient } = require(${JSON.stringify(process.cwd())})
          const client = new MCPClient(${JSON.stringify(url)})
          client.useTool('echo', process.pid).then(async (pid) => { process.send(pid === process.pid); await client.close(); process.disconnect() })`,
        )
        const client = new MCPClient(url)
        await client.connect()
        const children = Array.from({ length: 3 }, () => fork(file, { execArgv: [] }))
        const ends = children.map(async (child) => {
          const answer = new Promise((resolve) => child.once('message', resolve))
          const code = new Promise((resolve) => child.once('exit', resolve))
          return [await answer, await code]
        })
        tell([await Promise.all(ends), await client.useTool('echo', 'parent'), client.stats().reconnects])
        await client.close()
      },
      { url: server.url },
    )
    assert.deepEqual(told, [
      [
        [
          [true, 0],
          [true, 0],
          [true, 0],
        ],
        'parent',
        0,
      ],
    ])
  })

  test('workers of a cluster connect, are killed and come again', async (t) => {
    const server = await listen(t)
    const told = await run(
      t,
      async ({ tell, input: { url } }) => {
        const { default: cluster } = await import('node:cluster')
        const { writeFileSync, mkdtempSync } = await import('node:fs')
        const exec = `${mkdtempSync(`${(await import('node:os')).tmpdir()}/mcp-cluster-`)}/worker.cjs`
        writeFileSync(
          exec,
          `
          const { MCPClient } = require(${JSON.stringify(process.cwd())})
          const client = new MCPClient(${JSON.stringify(url)})
          client.useTool('echo', 1).then((answer) => process.send(answer))`,
        )
        cluster.setupPrimary({ exec, execArgv: [] })
        let answers = 0
        for (let round = 0; round < 2; round++) {
          const workers = [cluster.fork(), cluster.fork()]
          answers += (
            await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
          ).length
          const gone = workers.map(
            (worker) => new Promise((resolve) => worker.once('exit', (_code, signal) => resolve(signal))),
          )
          for (const worker of workers) worker.process.kill('SIGKILL')
          tell(await Promise.all(gone))
        }
        tell(answers)
      },
      { url: server.url },
    )
    assert.deepEqual(told, [['SIGKILL', 'SIGKILL'], ['SIGKILL', 'SIGKILL'], 4])
  })
})

test('an exception in a callback reaches uncaughtException once each, and no call is lost by it', async (t) => {
  const server = await listen(t)
  const [told] = await run(
    t,
    async ({ MCPClient, tell, input: { url } }) => {
      let caught = 0
      process.on('uncaughtException', () => caught++)
      const client = new MCPClient(url)
      client.on('message', () => {
        throw new Error('from a listener')
      })
      await client.connect()
      caught = 0
      const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => client.useTool('echo', i)))
      await new Promise(setImmediate)
      tell({ caught, right: answers.every((answer, i) => answer === i) })
      client.removeAllListeners()
      await client.close()
    },
    { url: server.url },
  )
  assert.deepEqual(told, { caught: 500, right: true })
})
