/** Many calls, a blocked JavaScript thread, a flood: what the native thread carries on with meanwhile. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inbox, next, ready, record, rejection } from './helpers/client.mjs'
import { amount } from './helpers/deep.mjs'
import { start } from './helpers/program.mjs'
import { listenRaw, WELCOME } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

const MIB = 1 << 20

describe('ten thousand calls at once', () => {
  test('each get their own answer', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const calls = Array.from({ length: 10_000 }, (_, i) => client.useTool('echo', { i, text: `call ${i} 漢` }))
    assert.equal(client.stats().pending, 10_000)
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    t.after(() => clearInterval(timer))
    for (const [i, answer] of (await Promise.all(calls)).entries())
      assert.deepEqual(answer, { i, text: `call ${i} 漢` })
    assert.ok(turns > 3, `the event loop had ${turns} turns meanwhile`)
    assert.equal(new Set(server.requests.map(({ id }) => id)).size, 10_000)
    const { pending, succeeded } = client.stats()
    assert.deepEqual({ pending, succeeded }, { pending: 0, succeeded: 10_000 })
  })

  test('each get their own answer when the answers come in another order, some as errors', async (t) => {
    const client = await ready(t, await listen(t, { tools: { odd } }))
    const calls = Array.from({ length: 10_000 }, (_, i) => client.useTool('odd', i).catch(({ message }) => message))
    for (const [i, answer] of (await Promise.all(calls)).entries()) assert.equal(answer, i % 3 === 0 ? `no ${i}` : i)
  })

  test('over several clients at once each get their own answer', async (t) => {
    const server = await listen(t)
    const clients = await Promise.all(Array.from({ length: 20 }, () => ready(t, server)))
    const calls = Array.from({ length: 10_000 }, (_, i) => clients[i % 20].useTool('echo', i))
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => i),
    )
  })

  test('are all settled when the connection is lost, each once', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    server.intercept((text) => text.includes('"held"'))
    let settled = 0
    const calls = Array.from({ length: 10_000 }, () => rejection(client.useTool('held')).finally(() => settled++))
    await client.useTool('echo')
    await server.terminateAll()
    for (const { code, sent } of await Promise.all(calls)) assert.deepEqual([code, sent], ['CONNECTION_LOST', true])
    assert.equal(settled, 10_000)
    assert.equal(client.stats().failed, 10_000)
  })
})

test('a mailbox that has filled up is emptied in short turns, between which timers and I/O get theirs', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  const COUNT = 200
  let [turns, heard] = [0, 0]
  const all = new Promise((resolve) => {
    client.on('message', () => {
      for (const end = performance.now() + 0.5; performance.now() < end; );
      if (++heard === COUNT) resolve()
    })
  })
  for (let i = 0; i < COUNT; i++) server.broadcast({ i })
  // All of it lies ready before the first is delivered.
  for (const end = performance.now() + 10_000; client.stats().messagesReceived < COUNT && performance.now() < end; );
  const turn = () => heard < COUNT && setImmediate(turn, turns++)
  setImmediate(turn)
  await all
  assert.ok(turns > COUNT / 10, `${turns} turns`)
})

/** Answers at once, or a little later. */
async function odd(i) {
  if (i % 2 === 0) await new Promise(setImmediate)
  if (i % 3 === 0) throw new Error(`no ${i}`)
  return i
}

test('the heartbeat goes on through two seconds of blocked JavaScript, under a server that drops who is silent for 300 ms', async (t) => {
  const server = await listen(t)
  const pings = []
  server.on('message', (text, connection) => {
    if (text.includes('"ping"')) pings.push(performance.now())
    watchFor(connection)
  })
  let watch
  const watchFor = (connection) => {
    clearTimeout(watch)
    // What has come while this process itself was held up is read before anybody is dropped.
    watch = setTimeout(
      () =>
        setImmediate(() => setImmediate(() => performance.now() - pings.at(-1) > 300 && void connection.terminate())),
      300,
    )
  }
  t.after(() => clearTimeout(watch))
  const program = start(
    t,
    async ({ MCPClient, tell, block, input: { url } }) => {
      const client = new MCPClient(url, { heartbeatInterval: 100, heartbeatTimeout: 1_000 })
      client.on('close', (info) => tell(info))
      await client.connect()
      await new Promise((resolve) => client.once('heartbeat', resolve))
      tell('blocking')
      block(2_000)
      tell('blocked')
      const { heartbeatRtt } = client.stats()
      tell([await client.useTool('echo', 'alive'), client.stats().reconnects, heartbeatRtt.max])
      await client.close()
    },
    { url: server.url },
  )
  await program.told(0)
  const before = pings.length
  await program.told(1)
  const during = pings.length - before
  assert.ok(during >= 10 && during <= 25, `${during} pings in two seconds`)
  const [answer, reconnects, rtt] = await program.told(2)
  assert.deepEqual([answer, reconnects], ['alive', 0])
  assert.ok(rtt < 1_000, `a round trip took ${rtt} ms`)
  const { code, told } = await program.ended
  assert.equal(code, 0)
  assert.deepEqual(
    told.slice(3).map(({ code }) => code),
    [1000],
  )
})

test('a flood meets blocked JavaScript: memory stays bounded, the connection lives, and all arrives in order', async (t) => {
  const [SIZE, COUNT] = [64 << 10, amount({ sample: 2_000, full: 16_384 })]
  let sent = 0
  const { url } = await listenRaw(t, (socket) => {
    socket.once('message', () => {
      socket.send(WELCOME)
      socket.on('message', (data) => {
        const message = JSON.parse(data)
        if (message.messageType === 'ping') socket.send('{"messageType":"pong"}')
        if (message.flood) void flood(socket)
      })
    })
  })
  async function flood(socket) {
    for (; sent < COUNT; sent++) {
      const message = `{"n":${sent},"text":"${'x'.repeat(SIZE)}"}`
      await new Promise((resolve) => socket.send(message, resolve))
    }
  }
  const program = start(
    t,
    async ({ MCPClient, tell, block, input: { url, count } }) => {
      /** The garbage that JavaScript makes of what it is told is the business of its own collector. */
      const memory = () => {
        const { rss, heapTotal } = process.memoryUsage()
        return { resident: rss, native: rss - heapTotal }
      }
      const client = new MCPClient(url, { heartbeatInterval: 50, heartbeatTimeout: 200, maxMessageSize: 1 << 20 })
      client.on('close', (info) => tell({ info }))
      client.on('error', ({ code, message }) => tell({ code, message }))
      await client.connect()
      let expected = 0
      const most = { resident: 0, native: 0 }
      const all = new Promise((resolve) => {
        client.on('message', ({ n }) => {
          if (n === undefined) return
          if (n !== expected++) tell({ n, expected })
          if (expected % 8 === 0)
            for (const [kind, bytes] of Object.entries(memory())) most[kind] = Math.max(most[kind], bytes)
          if (expected === count) resolve()
        })
      })
      client.sendMessage({ flood: true })
      await Promise.resolve()
      gc()
      const before = memory()
      block(1_500)
      tell({ grown: memory().resident - before.resident, expected })
      await all
      tell({ expected, state: client.state, reconnects: client.stats().reconnects })
      tell({ resident: most.resident - before.resident, native: most.native - before.native })
      client.removeAllListeners()
      await client.close()
    },
    { url, count: COUNT },
    { flags: ['--expose-gc'], timeout: 600_000 },
  )
  const { grown, expected } = await program.told(0)
  const sentDuringBlock = sent
  assert.equal(expected, 0)
  assert.ok(
    sentDuringBlock > 32 && sentDuringBlock < COUNT,
    `${sentDuringBlock} sent: the flood must be larger than what is held, and be held up`,
  )
  // 4 MiB in the mailbox, one message of 1 MiB, what is read at once; the rest is for allocators.
  assert.ok(grown < 16 * MIB, `grown by ${grown} bytes`)
  assert.deepEqual(await program.told(1), { expected: COUNT, state: 'ready', reconnects: 0 })
  const draining = await program.told(2)
  t.diagnostic(
    `at most ${(grown / MIB).toFixed(1)} MiB more while blocked, ${(draining.native / MIB).toFixed(1)} MiB while draining; with the garbage of JavaScript ${(draining.resident / MIB).toFixed(1)} MiB`,
  )
  assert.ok(draining.native < 16 * MIB && draining.resident < 64 * MIB, JSON.stringify(draining))
  const { code, told } = await program.ended
  assert.deepEqual([code, told.length], [0, 3])
})

test('a server that does not read does not hold up JavaScript, and what it is sent is bounded', async (t) => {
  const { url } = await listenRaw(t, (socket) => {
    socket.once('message', () => {
      socket.send(WELCOME)
      socket.pause()
    })
  })
  const client = await ready(t, url, { maxBufferedAmount: 4 << 20, heartbeatInterval: 0 })
  const outcomes = new Set()
  const calls = []
  for (let i = 0; i < 300; i++) {
    const call = client.useTool('echo', 'x'.repeat(64 << 10), { timeout: 200 })
    calls.push(call.catch(({ code }) => outcomes.add(code)))
    if (i % 10 === 0) await new Promise(setImmediate)
  }
  assert.ok(client.bufferedAmount <= 4 << 20)
  await Promise.all(calls)
  assert.deepEqual([...outcomes].sort(), ['QUEUE_FULL', 'REQUEST_TIMEOUT'])
})

test('messages of one client do not wait for the listeners of another', async (t) => {
  const server = await listen(t)
  const [busy, other] = [await ready(t, server), await ready(t, server)]
  const messages = inbox(busy, 'message')
  const told = record(other, ['message'])
  for (let i = 0; i < 1_000; i++) server.connections[0].send({ i })
  server.connections[1].send({ i: 'other' })
  for (let i = 0; i < 1_000; i++) assert.equal((await messages())[0].i, i)
  if (told.length === 0) await next(other, 'message')
  assert.deepEqual(told, [['message', { i: 'other' }]])
})
