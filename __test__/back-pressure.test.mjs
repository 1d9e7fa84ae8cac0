/** More than fits: what is refused is told at once, what was taken arrives, and all goes on when the jam clears. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ready } from './helpers/client.mjs'
import { amount } from './helpers/deep.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { run } from './helpers/program.mjs'
import { arrivalsAt, listen } from './helpers/test-server.mjs'

const MIB = 1 << 20

test('of very many calls at once, as many are taken as the bounds allow, each of the others is refused with QUEUE_FULL, and all goes on', async (t) => {
  const server = await listen(t, { history: 1 })
  const [told] = await run(
    t,
    async ({ MCPClient, tell, input: { url, count } }) => {
      const client = new MCPClient(url, { requestTimeout: 0 })
      await client.connect()
      const outcome = { right: 0, QUEUE_FULL: 0 }
      let mostBuffered = 0
      let mostPending = 0
      const burst = async () => {
        const calls = []
        for (let i = 0; i < count; i++) {
          calls.push(
            client.useTool('echo', i).then(
              (answer) => outcome[answer === i ? 'right' : 'wrong']++,
              ({ code }) => outcome[code]++,
            ),
          )
          // Answers come all the while.
          if (i % 1000 === 0) mostPending = Math.max(mostPending, client.stats().pending)
        }
        mostBuffered = Math.max(mostBuffered, client.bufferedAmount)
        await Promise.all(calls)
      }
      await burst()
      gc()
      const before = process.memoryUsage().heapUsed
      await burst()
      gc()
      const grown = process.memoryUsage().heapUsed - before
      tell({
        mostPending,
        outcome,
        mostBuffered,
        grown,
        after: await client.useTool('echo', 'after'),
        left: client.stats().pending,
        buffered: client.bufferedAmount,
      })
      await client.close()
    },
    { url: server.url, count: amount({ sample: 150_000, full: 1_000_000 }) },
    { flags: ['--expose-gc'], timeout: 600_000 },
  )
  const { mostPending, outcome, mostBuffered, grown, ...rest } = told
  const count = amount({ sample: 150_000, full: 1_000_000 })
  t.diagnostic(JSON.stringify(told))
  assert.ok(mostPending > 60_000 && mostPending <= 65_536, `${mostPending} calls in flight`)
  // Answers come while the calls are made, and make room for more.
  assert.deepEqual(Object.keys(outcome), ['right', 'QUEUE_FULL'])
  assert.ok(outcome.QUEUE_FULL > 0 && outcome.right >= 2 * 65_536, JSON.stringify(outcome))
  assert.equal(outcome.right + outcome.QUEUE_FULL, 2 * count)
  assert.ok(mostBuffered > 0 && mostBuffered <= 16 * MIB, `${mostBuffered} bytes`)
  assert.ok(grown < 4 * MIB, `the heap grew by ${grown} bytes`)
  assert.deepEqual(rest, { after: 'after', left: 0, buffered: 0 })
})

test('while the peer does not read, sendMessage() and bufferedAmount tell the truth; then everything that was taken arrives, in order', async (t) => {
  const BOUND = 2 * MIB
  const server = await listen(t)
  const arrived = arrivalsAt(server)
  const proxy = await listenProxy(t, server)
  const client = await ready(t, proxy, { heartbeatInterval: 0, maxBufferedAmount: BOUND })
  const pad = 'x'.repeat(32 << 10)
  for (let round = 0; round < 2; round++) {
    arrived.length = 0
    proxy.freezeAll()
    const taken = []
    let refused = 0
    // The system's own buffers fill up first; then the client's.
    for (let k = 0; refused < 20; k++) {
      if (client.sendMessage({ k, pad })) taken.push(k)
      else refused++
      assert.ok(client.bufferedAmount <= BOUND, `${client.bufferedAmount} bytes`)
      await new Promise(setImmediate)
    }
    assert.ok(client.bufferedAmount > BOUND - 3 * pad.length, `${client.bufferedAmount} bytes`)
    await assert.rejects(client.useTool('echo', pad), { code: 'QUEUE_FULL', retryable: true })
    await assert.rejects(client.useTool('echo', 'x'.repeat(BOUND)), { code: 'MESSAGE_TOO_LARGE' })
    assert.throws(() => client.send(pad), { code: 'QUEUE_FULL' })
    assert.ok(taken.length * pad.length > BOUND)
    proxy.thawAll()
    while (arrived.length < taken.length) await new Promise(setImmediate)
    assert.deepEqual(arrived, taken)
    assert.equal(client.bufferedAmount, 0)
    assert.equal(await client.useTool('echo', round), round)
  }
  assert.equal(client.stats().reconnects, 0)
})
