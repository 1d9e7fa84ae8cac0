/**
 * The server of chaos.mjs, in a process of its own, behind a proxy that breaks every connection in a way chosen from a
 * seed. It records what was executed.
 */
import { FaultProxy, MCPTestServer, ToolFailure } from '@mcp-integration/client/testing'
import { sumOf } from './chaos-sums.mjs'

const seed = Number(process.argv[2])

/** The latest calls that ran, and those that the client has reported as never sent. */
const ran = new Map()
const unsent = new Set()
const book = { executed: 0, ranTwice: [], ranThoughUnsent: [] }

const server = await MCPTestServer.listen({ history: 1, tools: { certify } })
const proxy = await FaultProxy.listen({ target: server.url, seed, faults: chooseFaults })
let faults = 0
let isCalm = false
// A frozen connection would never end by itself.
proxy.on('connection', (connection) => setTimeout(() => isCalm || connection.reset(), LONGEST_LIFE).unref())
process.on('message', (message) => HANDLERS[message.type](message))
process.on('disconnect', () => process.exit())
process.send({ url: proxy.url })

const HANDLERS = {
  unsent({ calls }) {
    for (const n of calls) {
      if (ran.has(n)) book.ranThoughUnsent.push(n)
      remember(unsent, () => unsent.add(n))
    }
  },
  calm() {
    isCalm = true
    proxy.setFaults({})
    proxy.resetAll()
  },
  report: () => process.send({ ...book, faults, connections: server.connections.length + proxy.connections.length }),
}

function certify({ n, sum, idempotent, length }) {
  // It was damaged on the way, but is still JSON.
  if (sum !== sumOf(`${n} ${idempotent}`)) throw new ToolFailure('the sum is wrong', 'DAMAGED')
  book.executed++
  if (unsent.has(n)) book.ranThoughUnsent.push(n)
  if (ran.has(n) && !idempotent) book.ranTwice.push(n)
  remember(ran, () => ran.set(n, true))
  return { n, pad: 'x'.repeat(length), sum: sumOf(`answer to ${n}`) }
}

function remember(collection, add) {
  add()
  if (collection.size > 200_000) collection.delete(collection.keys().next().value)
}

/** Each connection ends after some bytes; before that, many are slow, split or damaged. */
function chooseFaults(_connection, random) {
  faults++
  const upTo = (most) => Math.floor(random() * most)
  const chance = (of) => random() < of
  const direction = () => ({
    ...(chance(0.3) && { latency: upTo(20), jitter: upTo(10) }),
    ...(chance(0.15) && { bandwidth: 50_000 + upTo(2_000_000) }),
    ...(chance(0.2) && { split: 1 + upTo(300) }),
    ...(chance(0.2) && { merge: upTo(10) }),
    ...(chance(0.2) && { corruption: random() / 20_000 }),
  })
  const chosen = { toServer: direction(), toClient: direction() }
  const ends = ['endAfter', 'resetAfter', 'endAfter', 'resetAfter', 'freezeAfter']
  chosen[chance(0.5) ? 'toServer' : 'toClient'][ends[upTo(ends.length)]] = upTo(chance(0.2) ? 400 : 200_000)
  return chosen
}

const LONGEST_LIFE = 3_000
