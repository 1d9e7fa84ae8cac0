/** A call runs at most once, unless it is idempotent; and `sent: false` is a guarantee that it did not run. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { next, open, ready } from './helpers/client.mjs'
import { randomOf } from './helpers/random-json.mjs'
import { listen } from './helpers/test-server.mjs'

/** A server that counts how often each call of `count` runs. */
async function counting(t) {
  const runs = new Map()
  const server = await listen(t, {
    tools: {
      count: (n) => {
        runs.set(n, (runs.get(n) ?? 0) + 1)
        return n
      },
      wait: () => new Promise(() => {}),
    },
  })
  return { server, runsOf: (n) => runs.get(n) ?? 0 }
}

/** A client may send a call later where many are in flight. */
const crowds = { '': 0, ' among many': 20 }

const pauses = {
  'at once': () => {},
  'after the microtasks': () => Promise.resolve().then(() => {}),
  'a turn later': () => new Promise(setImmediate),
}

/** Makes a call, with so many others in flight that are never answered, and then this command. */
async function outcomeOf(client, n, { size, pause, command }) {
  for (let other = 0; other < size; other++) client.useTool('wait', other).catch(() => {})
  const call = client.useTool('count', n).catch((error) => error)
  await pause()
  await client[command]()
  return call
}

for (const [when, pause] of Object.entries(pauses)) {
  for (const [where, size] of Object.entries(crowds)) {
    test(`a call${where} that is followed ${when} by reconnect() runs once`, async (t) => {
      const { server, runsOf } = await counting(t)
      const client = await ready(t, server)
      for (let n = 0; n < 30; n++) {
        const outcome = await outcomeOf(client, n, { size, pause, command: 'reconnect' })
        if (outcome === n) assert.equal(runsOf(n), 1)
        else assert.deepEqual([outcome.code, outcome.sent, runsOf(n) <= 1], ['CONNECTION_LOST', true, true])
      }
    })

    test(`a call${where} that is followed ${when} by close() runs once or never, as "sent" says`, async (t) => {
      const { server, runsOf } = await counting(t)
      const client = open(t, server)
      for (let n = 0; n < 30; n++) {
        await client.connect()
        const outcome = await outcomeOf(client, n, { size, pause, command: 'close' })
        if (outcome === n) assert.equal(runsOf(n), 1)
        else assert.deepEqual([outcome.code, runsOf(n) <= (outcome.sent ? 1 : 0)], ['CLOSED', true])
      }
    })
  }
}

test('what was sent before close() arrives before the close frame', async (t) => {
  const server = await listen(t)
  const client = open(t, server)
  let frames = []
  server.on('message', (text) => frames.push(text))
  for (let n = 0; n < 20; n++) {
    await client.connect()
    frames = []
    const gone = next(server, 'close')
    client.sendMessage({ last: n })
    void client.close(4000)
    assert.equal((await gone)[1].code, 4000)
    assert.deepEqual(frames, [`{"last":${n}}`])
  }
})

describe('through losses at any moment', () => {
  for (const seed of [1, 2]) {
    test(`no call runs twice, and none is left unsettled, seed ${seed}`, async (t) => {
      const random = randomOf(seed)
      const { server, runsOf } = await counting(t)
      const client = await ready(t, server, { maxReconnectAttempts: Infinity })
      const calls = []
      for (let step = 0; step < 300; step++) {
        for (let i = random.below(6); i > 0; i--) {
          const n = calls.length
          const idempotent = random.chance(0.3)
          const call = client.useTool('count', n, { idempotent }).then(
            (result) => ({ result }),
            ({ code, sent }) => ({ code, sent }),
          )
          calls.push({ idempotent, call })
        }
        if (random.chance(0.05)) client.reconnect()
        if (random.chance(0.05)) void server.terminateAll()
        if (random.chance(0.03)) void server.closeAll(1012)
        if (random.chance(0.02))
          client
            .close()
            .then(() => client.connect())
            .catch(() => {})
        if (random.chance(0.5)) await pauses[random.pick(Object.keys(pauses))]()
        if (random.chance(0.1)) await calls.at(-1)?.call
        if (client.state === 'closed') await client.connect().catch(() => {})
      }
      await client.connect()
      const seen = new Set()
      for (const [n, { idempotent, call }] of calls.entries()) {
        const { result, code, sent } = await call
        seen.add(code ?? 'answered')
        const runs = runsOf(n)
        const shown = `call ${n}: ${result ?? `${code}, sent: ${sent}`}, ${idempotent ? 'idempotent, ' : ''}${runs} runs`
        assert.ok(runs <= (idempotent ? 3 : 1), shown)
        if (code === undefined) assert.ok(result === n && runs > 0, shown)
        else assert.ok(sent === true || runs === 0, shown)
      }
      assert.ok(seen.has('answered'), [...seen].join())
      const { pending, queued } = client.stats()
      assert.deepEqual({ pending, queued }, { pending: 0, queued: 0 })
    })
  }
})

test('a call that is taken back is not answered to somebody else', async (t) => {
  const { server } = await counting(t)
  const client = await ready(t, server)
  const aborted = []
  const answered = []
  for (let n = 0; n < 500; n++) {
    const abort = new AbortController()
    const call = client.useTool('count', n, { signal: abort.signal })
    if (n % 2 === 0) {
      aborted.push(call.catch(({ name }) => name))
      if (n % 4 === 0) await new Promise(setImmediate)
      abort.abort()
    } else {
      answered.push(call.then((result) => assert.equal(result, n)))
    }
  }
  await Promise.all(answered)
  for (const [i, outcome] of (await Promise.all(aborted)).entries())
    assert.ok(outcome === 'AbortError' || outcome === 2 * i, `${outcome}`)
})
