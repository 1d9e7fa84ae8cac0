/** The client and its process: what keeps it alive, what lets it go, and its ends that are not graceful. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inbox, next } from './helpers/client.mjs'
import { amount } from './helpers/deep.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { run, start } from './helpers/program.mjs'
import { randomOf } from './helpers/random-json.mjs'
import { listen } from './helpers/test-server.mjs'

describe('the process ends by itself', () => {
  test('after close()', async (t) => {
    const server = await listen(t)
    const told = await run(
      t,
      async ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url)
        tell(await client.useTool('echo', 1))
        await client.close()
        tell(client.state)
      },
      { url: server.url },
    )
    assert.deepEqual(told, [1, 'closed'])
  })

  test('after close() that nobody waits for, with the closing handshake done', async (t) => {
    const server = await listen(t)
    await run(
      t,
      async ({ MCPClient, input: { url } }) => {
        const client = new MCPClient(url)
        await client.connect()
        void client.close(4000, 'bye')
      },
      { url: server.url },
    )
    assert.deepEqual(await (await server.nextConnection()).closed, { code: 4000, reason: 'bye' })
  })

  test('with a live client after unref(), calls in flight included', async (t) => {
    const server = await listen(t)
    const told = await run(
      t,
      async ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url, { heartbeatInterval: 10 })
        await client.connect()
        client.useTool('sleep', { ms: 60_000 }).then(tell, tell)
        process.on('exit', () => tell(client.state))
        if (client.unref() !== client) tell('unref() does not return the client')
      },
      { url: server.url },
    )
    assert.deepEqual(told, ['ready'])
  })

  for (const [what, url] of [
    ['is connecting', silentUrl],
    ['waits for its next attempt', () => DEAF_URL],
  ]) {
    test(`with an unreferenced client that ${what}`, async (t) => {
      await run(
        t,
        async ({ MCPClient, input: { url } }) => {
          new MCPClient(url, { baseReconnectDelay: 60_000 }).unref()
        },
        { url: await url(t) },
      )
    })
  }

  test('with an idle client, and with one that has failed', async (t) => {
    const told = await run(
      t,
      ({ MCPClient, tell, input: { url } }) => {
        new MCPClient(url, { autoConnect: false })
        new MCPClient(url, { maxReconnectAttempts: 1, baseReconnectDelay: 1 }).on('failed', ({ code }) => tell(code))
      },
      { url: DEAF_URL },
    )
    assert.deepEqual(told, ['RECONNECT_EXHAUSTED'])
  })

  test('when a call that was refused has told so, although nothing else keeps it alive', async (t) => {
    const told = await run(
      t,
      ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url, { autoConnect: false })
        client.useTool('echo').catch(({ code }) => tell(code))
        client.useTool('echo', {}, { signal: new AbortController().signal }).catch(({ code }) => tell(code))
      },
      { url: DEAF_URL },
    )
    assert.deepEqual(told.sort(), ['NOT_CONNECTED', 'NOT_CONNECTED'])
  })

  test('when one of two clients is closed and the other unreferenced', async (t) => {
    const server = await listen(t)
    await run(
      t,
      async ({ MCPClient, input: { url } }) => {
        const clients = [new MCPClient(url), new MCPClient(url)]
        await Promise.all(clients.map((client) => client.connect()))
        clients[0].unref()
        await clients[1].close()
      },
      { url: server.url },
    )
  })

  test('although loading the package is all it does', async (t) => {
    await run(t, () => {})
  })
})

describe('the process stays alive', () => {
  test('with a live client, until the server closes with 1000', async (t) => {
    const server = await listen(t)
    const frames = inbox(server, 'message')
    const program = start(
      t,
      ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url, { heartbeatInterval: 20 })
        client.on('close', ({ code, willReconnect }) => tell({ code, willReconnect }))
      },
      { url: server.url },
    )
    // The auth message, and some heartbeats of a process that has nothing to do.
    for (let i = 0; i < 10; i++) await frames()
    await server.closeAll(1000)
    assert.deepEqual(await program.ended, {
      code: 0,
      signal: null,
      told: [{ code: 1000, willReconnect: false }],
      stderr: '',
    })
  })

  test('with a client that is connecting, and then unauthorized', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const frames = inbox(server, 'message')
    const program = start(
      t,
      ({ MCPClient, input: { url } }) => {
        new MCPClient(url, { heartbeatInterval: 20 })
      },
      { url: server.url },
    )
    for (let i = 0; i < 5; i++) await frames()
    await server.closeAll(1000)
    assert.equal((await program.ended).code, 0)
  })

  test('while it waits for the next attempt', async (t) => {
    const told = await run(
      t,
      ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url, { maxReconnectAttempts: 3, baseReconnectDelay: 30, maxReconnectDelay: 30 })
        client.on('reconnecting', ({ attempt }) => tell(attempt))
      },
      { url: DEAF_URL },
    )
    assert.deepEqual(told, [1, 2, 3])
  })

  test('after unref() and ref()', async (t) => {
    const server = await listen(t)
    const frames = inbox(server, 'message')
    const program = start(
      t,
      async ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url, { heartbeatInterval: 20 })
        await client.connect()
        client.unref()
        if (client.ref() !== client) tell('ref() does not return the client')
      },
      { url: server.url },
    )
    for (let i = 0; i < 5; i++) await frames()
    await server.closeAll(1000)
    assert.deepEqual((await program.ended).told, [])
  })
})

describe('an end without grace', () => {
  test('process.exit() with calls in flight does not crash', async (t) => {
    const server = await listen(t)
    server.intercept((text, connection) => {
      if (text.includes('"burst"')) for (let i = 0; i < 20; i++) connection.send({ news: 'x'.repeat(1_000) })
      return text.includes('"burst"')
    })
    const program = async ({ MCPClient, input: { url, code } }) => {
      const clients = [new MCPClient(url, { heartbeatInterval: 1 }), new MCPClient(url)]
      for (const client of clients) client.on('message', () => {})
      await Promise.all(clients.map((client) => client.connect()))
      for (let i = 0; i < 100; i++) clients[i % 2].useTool('burst').catch(() => {})
      await Promise.race(clients.map((client) => client.useTool('echo')))
      process.exit(code)
    }
    // Two at a time: on two processors they are in each other's way.
    for (let run = 0; run < amount({ sample: 30, full: 300 }); run += 2) {
      const code = run % 200
      const ends = await Promise.all([code, code + 1].map((code) => start(t, program, { url: server.url, code }).ended))
      for (const [i, end] of ends.entries())
        assert.deepEqual(end, { code: code + i, signal: null, told: [], stderr: '' })
    }
  })

  test('process.exit() at a random moment of a busy life does not crash', async (t) => {
    const server = await listen(t, { history: 1 })
    server.intercept((text, connection) => {
      if (text.includes('"burst"')) for (let i = 0; i < 20; i++) connection.send({ news: 'x'.repeat(1_000) })
      return false
    })
    const seed = Date.now() % 2 ** 31
    const random = randomOf(seed)
    t.diagnostic(`seed ${seed}`)
    const places = [
      'in a timer',
      'after an answer',
      'in a listener',
      'in the apiKey function',
      'after a close',
      'while a worker is as busy',
    ]
    const input = () => ({
      url: server.url,
      deaf: DEAF_URL,
      code: random.below(200),
      ms: random.below(150_000) / 1_000,
      place: random.pick(places),
    })
    for (let run = 0; run < amount({ sample: 24, full: 400 }); run += 2) {
      const inputs = [input(), input()]
      const ends = await Promise.all(inputs.map((input) => start(t, busyLife, input, { timeout: 20_000 }).ended))
      for (const [i, { code, signal, told, stderr }] of ends.entries()) {
        assert.deepEqual([inputs[i], code, signal, told, stderr], [inputs[i], inputs[i].code, null, [], ''])
      }
    }
  })

  test('worker threads that are terminated while busy do not crash', async (t) => {
    const runs = amount({ sample: 30, full: 300 })
    const server = await listen(t)
    const told = await run(
      t,
      async ({ tell, input: { url, runs } }) => {
        const { Worker } = await import('node:worker_threads')
        const source = `
          const { parentPort, workerData } = require('node:worker_threads')
          const { MCPClient } = require('@mcp-integration/client')
          const clients = Array.from({ length: 3 }, () => new MCPClient(workerData.url, { heartbeatInterval: 1 }))
          for (const client of clients) {
            client.on('message', () => {})
            void (async () => {
              for (let n = 0; ; n++) {
                const calls = Array.from({ length: 20 }, (_, i) => client.useTool('echo', 'x'.repeat(100 * i)))
                await Promise.all(calls)
                if (n === workerData.run % 5) parentPort.postMessage('busy')
              }
            })()
          }`
        let ended = 0
        const turn = async (run) => {
          const worker = new Worker(source, { eval: true, execArgv: [], workerData: { url, run } })
          await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
          await worker.terminate()
          ended++
        }
        // Two at a time, so that one goes down while the other works on the same I/O thread.
        await Promise.all(
          [0, 1].map(async (half) => {
            for (let run = half; run < runs; run += 2) await turn(run)
          }),
        )
        // The main thread's own client is none the worse for it.
        const { MCPClient } = await import('@mcp-integration/client')
        const client = new MCPClient(url)
        tell([ended, await client.useTool('echo', 'alive')])
        await client.close()
      },
      { url: server.url, runs },
      { timeout: 600_000 },
    )
    assert.deepEqual(told, [[runs, 'alive']])
  })

  test('a worker thread ends by itself after close(), and each has clients of its own', async (t) => {
    const server = await listen(t)
    const told = await run(
      t,
      async ({ tell, input: { url } }) => {
        const { Worker } = await import('node:worker_threads')
        const source = `
          const { parentPort, workerData: { url, n } } = require('node:worker_threads')
          const { MCPClient } = require('@mcp-integration/client')
          const client = new MCPClient(url)
          client.useTool('echo', n).then(async (answer) => { parentPort.postMessage(answer); await client.close() })`
        const answers = await Promise.all(
          [1, 2, 3].map(async (n) => {
            const worker = new Worker(source, { eval: true, execArgv: [], workerData: { url, n } })
            const answer = new Promise((resolve) => worker.once('message', resolve))
            const code = await new Promise((resolve) => worker.once('exit', resolve))
            return [await answer, code]
          }),
        )
        tell(answers)
      },
      { url: server.url },
    )
    assert.deepEqual(told, [
      [
        [1, 0],
        [2, 0],
        [3, 0],
      ],
    ])
  })

  test('a process that is killed is gone for the server', async (t) => {
    const server = await listen(t)
    const program = start(t, ({ MCPClient, input: { url } }) => void new MCPClient(url), { url: server.url })
    const connection = await server.nextConnection()
    const closed = next(server, 'close')
    program.child.kill('SIGKILL')
    assert.equal((await connection.closed).code, 1006)
    await closed
  })
})

test('a client that nobody holds any more is collected once it is closed, and not before', async (t) => {
  const server = await listen(t)
  server.on('message', (text) => text.includes('"news"') && server.broadcast(text))
  const [told] = await run(
    t,
    async ({ MCPClient, input: { url }, tell }) => {
      const collected = new Set()
      const registry = new FinalizationRegistry((name) => collected.add(name))
      const heard = []
      const make = async (name) => {
        const client = new MCPClient(url)
        registry.register(client, name)
        await client.connect()
        client.on('message', ({ news }) => heard.push(`${name} ${news}`))
        return client
      }
      await make('open')
      await (await make('closed')).close()
      for (let turn = 0; turn < 500 && !collected.has('closed'); turn++) {
        await new Promise(setImmediate)
        gc()
      }
      const last = new MCPClient(url)
      await last.connect()
      last.sendMessage({ news: 'spread' })
      while (heard.length === 0) await new Promise(setImmediate)
      tell({ collected: [...collected], heard })
      process.exit()
    },
    { url: server.url },
    { flags: ['--expose-gc'] },
  )
  assert.deepEqual(told, { collected: ['closed'], heard: ['open spread'] })
})

test('a client that nobody holds is told all of its end before it may be collected', async (t) => {
  const server = await listen(t)
  const program = start(
    t,
    ({ MCPClient, tell, block, input: { url } }) => {
      const client = new MCPClient(url)
      client.on('state', ({ state }) => {
        if (state !== 'closed') return
        // The delivery has taken its share of the turn: 'close' comes in the next one, after the collection.
        block(10)
        setImmediate(gc)
      })
      client.on('close', ({ code }) => tell(code))
      void client.connect().then(() => tell('ready'))
    },
    { url: server.url },
    { flags: ['--expose-gc'] },
  )
  await program.told(0)
  await server.closeAll(1000)
  assert.deepEqual(await program.ended, { code: 0, signal: null, told: ['ready', 1000], stderr: '' })
})

test('clients of a process share one I/O thread, which ends with the last of them', {
  skip: process.platform !== 'linux' && 'threads are counted in /proc',
}, async (t) => {
  const server = await listen(t)
  const [told] = await run(
    t,
    async ({ MCPClient, input: { url }, tell }) => {
      const { readdirSync, readFileSync } = await import('node:fs')
      const threads = () =>
        readdirSync('/proc/self/task').filter((id) => {
          try {
            return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() === 'mcp-client-io'
          } catch {
            return false
          }
        }).length
      const gone = async () => {
        while (threads() > 0) await new Promise(setImmediate)
      }
      const counts = [threads()]
      for (let round = 0; round < 2; round++) {
        const clients = Array.from({ length: 10 }, () => new MCPClient(url))
        await Promise.all(clients.map((client) => client.useTool('echo')))
        counts.push(threads())
        await Promise.all(clients.slice(1).map((client) => client.close()))
        counts.push(threads())
        await clients[0].close()
        await gone()
        counts.push(threads())
      }
      new MCPClient(url, { autoConnect: false })
      counts.push(threads())
      tell(counts)
    },
    { url: server.url },
  )
  assert.deepEqual(told, [0, 1, 1, 0, 1, 1, 0, 0])
})

/** Does all that a client can do at once, until it exits with `code`: at the first `place` after `ms`. */
async function busyLife({ MCPClient, input: { url, deaf, code, ms, place } }) {
  const due = performance.now() + ms
  const at = (here) => {
    if (here === place && performance.now() >= due) process.exit(code)
  }
  const spinAndExit = () => {
    // Timers are due at whole milliseconds; other threads are not.
    while (performance.now() < due);
    process.exit(code)
  }
  const live = async (clients) => {
    const [talker, closer, renewer, lost] = clients
    void lost.connect()
    const calls = async () => {
      for (;;) {
        const { signal } = new AbortController()
        await Promise.all(
          Array.from({ length: 10 }, (_, i) =>
            talker.useTool(i % 2 ? 'burst' : 'echo', 'x'.repeat(i * 300), { signal }).catch(() => {}),
          ),
        )
        at('after an answer')
      }
    }
    const closings = async () => {
      for (;;) {
        await closer.connect().catch(() => {})
        await closer.close()
        at('after a close')
      }
    }
    const renewals = async () => {
      for (;;) await renewer.reconnect().catch(() => {})
    }
    await Promise.all([calls(), closings(), renewals()])
  }
  const clients = [
    new MCPClient(url, { heartbeatInterval: 1 }),
    new MCPClient(url, { autoConnect: false }),
    new MCPClient({
      url,
      apiKey: async () => {
        await null
        at('in the apiKey function')
        return 'key'
      },
    }),
    new MCPClient(deaf, {
      baseReconnectDelay: 1,
      maxReconnectDelay: 1,
      maxReconnectAttempts: Infinity,
      connectTimeout: 5,
    }),
  ]
  for (const client of clients)
    for (const event of ['message', 'state', 'log', 'heartbeat']) client.on(event, () => at('in a listener'))
  if (place === 'in a timer') setTimeout(spinAndExit, ms - 1)
  if (place === 'while a worker is as busy') {
    const { Worker } = await import('node:worker_threads')
    const source = `
      const { workerData: { url } } = require('node:worker_threads')
      const { MCPClient } = require('@mcp-integration/client')
      const client = new MCPClient(url, { heartbeatInterval: 1 })
      client.on('message', () => {})
      const call = () => client.useTool('burst').then(call, call)
      for (let i = 0; i < 10; i++) void call()`
    new Worker(source, { eval: true, execArgv: [], workerData: { url } })
    setTimeout(spinAndExit, ms - 1)
  }
  // What never comes to its place ends all the same.
  setTimeout(() => process.exit(code), 5_000)
  await live(clients)
}
