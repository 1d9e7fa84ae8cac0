/**
 * Large results come in pieces: what is put together must be what JSON.parse makes of the whole, and the event loop
 * gets its turn in between.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ready } from './helpers/client.mjs'
import { listen } from './helpers/test-server.mjs'

/** Above the 64 KiB of a piece. */
const LONG = 'x'.repeat(70_000)

const items = (count) =>
  Array.from({ length: count }, (_, i) => ({ i, text: `snippet ${i}`, flags: [true, null, -1.5e-7] }))

/** JSON texts, of which some cannot be written by JSON.stringify. */
const RESULTS = {
  'an array': JSON.stringify(items(20_000)),
  'an object': `{${Array.from({ length: 20_000 }, (_, i) => `"key ${i}":${i}`).join(',')}}`,
  'an array in an object in an array': JSON.stringify([1, { before: {}, items: items(10_000), after: [] }, 2]),
  'a string': JSON.stringify(LONG),
  'strings too long for a piece': JSON.stringify({ a: 1, long: LONG, b: [LONG, LONG], c: { d: LONG } }),
  'characters of all kinds': JSON.stringify(
    Array.from({ length: 9_000 }, (_, i) => ['größe', '漢字', '😀', '\u2028', '\ud800', '"\\\n', i]),
  ),
  'brackets and quotes in strings and keys': JSON.stringify({
    '}]"\\': LONG,
    '{"': Array.from({ length: 9_000 }, () => ']}",\\"[{'),
  }),
  'white space everywhere': JSON.stringify({ items: items(5_000), more: { long: LONG } }, null, '\t \n'.slice(0, 2)),
  'numbers as keys, in an order that JavaScript changes': `{"b":"${LONG}","10":1,"2":"${LONG}","a":2,"1":3}`,
  'a key that comes twice': `{"a":"${LONG}","b":1,"a":[${JSON.stringify(LONG)}],"b":2}`,
  '__proto__ as a key of small and of large values': `{"a":"${LONG}","__proto__":{"polluted":1},"b":{"__proto__":["${LONG}"],"c":"${LONG}"}}`,
  'what is nested deeply': `${'[{"a":'.repeat(500)}"${LONG}"${'}]'.repeat(500)}`,
  'nothing but nesting': '['.repeat(50_000) + ']'.repeat(50_000),
}

describe('a large result is what JSON.parse makes of it', () => {
  for (const [name, text] of Object.entries(RESULTS)) {
    test(name, async (t) => {
      const client = await ready(t, await answering(t, text))
      const result = await client.useTool('any')
      // A string tells the order of keys too; what is too deep for it has nothing else.
      assert.equal(shown(result), shown(JSON.parse(text)))
      assert.equal({}.polluted, undefined)
      assert.equal((await client.useTool('any', {}, { responseType: 'buffer' })).toString(), text)
    })
  }
})

test('large and small results come in the order of the answers, each for its own call', async (t) => {
  const large = items(5_000)
  const server = await listen(t, { tools: { large: (n) => ({ n, large }), small: (n) => n } })
  const client = await ready(t, server)
  const settled = []
  const calls = Array.from({ length: 60 }, (_, n) => {
    const call = client.useTool(n % 3 === 0 ? 'large' : 'small', n)
    return call.then((result) => settled.push(n) && result)
  })
  for (const [n, result] of (await Promise.all(calls)).entries()) {
    if (n % 3 === 0) assert.deepEqual(result, { n, large })
    else assert.equal(result, n)
  }
  assert.deepEqual(settled, settled.toSorted?.((a, b) => a - b) ?? settled)
})

test('a call that is aborted while its result comes in pieces is settled once, and the next gets its own', async (t) => {
  const server = await listen(t, { tools: { large: () => items(60_000) } })
  const client = await ready(t, server)
  for (let turns = 0; turns < 12; turns++) {
    const { succeeded } = client.stats()
    const controller = new AbortController()
    const aborted = client.useTool('large', {}, { signal: controller.signal }).then(
      () => 'done',
      ({ name }) => name,
    )
    const next = client.useTool('large')
    while (client.stats().succeeded === succeeded) await new Promise(setImmediate)
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    controller.abort()
    assert.match(await aborted, /^(done|AbortError)$/)
    assert.equal((await next).length, 60_000)
    assert.equal(client.stats().pending, 0)
  }
})

test('the event loop turns while a large result is put together', async (t) => {
  const server = await listen(t, { tools: { large: () => items(200_000) } })
  const client = await ready(t, server)
  const call = client.useTool('large')
  // From here on there is only what lies ready.
  while (client.stats().succeeded === 0) await new Promise(setImmediate)
  let isOpen = true
  let turns = 0
  const turn = () => isOpen && setImmediate(turn, turns++)
  turn()
  assert.equal((await call).length, 200_000)
  isOpen = false
  assert.ok(turns > 3, `${turns} turns`)
})

test('while calls follow each other without end, timers and I/O get their turn', async (t) => {
  const client = await ready(t, await listen(t))
  let done = 0
  const caller = async () => {
    while (done < 30_000) {
      await client.useTool('echo', done)
      done++
    }
  }
  let turns = 0
  let isOpen = true
  const turn = () => isOpen && setImmediate(turn, turns++)
  turn()
  await Promise.all(Array.from({ length: 256 }, caller))
  isOpen = false
  assert.ok(turns > 30, `${turns} turns`)
})

/** A server that answers every call with this text. */
async function answering(t, text) {
  const server = await listen(t)
  server.intercept((frame, connection) => {
    const { id, name } = JSON.parse(frame)
    if (name === undefined) return false
    connection.send(`{"id":"${id}","results":${text}}`)
    return true
  })
  return server
}

function shown(value) {
  try {
    return JSON.stringify(value)
  } catch {
    let depth = 0
    for (let inner = value; inner !== undefined; inner = inner[0]) depth++
    return `${depth} levels`
  }
}
