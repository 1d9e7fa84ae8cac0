/**
 * `npm run soak`: runs `__test__/helpers/chaos.mjs` for ten minutes, or as long as `--minutes` says. Prints memory,
 * open files and calls over time, and fails if memory or open files grow.
 */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { parseArgs } from 'node:util'
import { runInNewContext } from 'node:vm'
import { chaos } from '../../__test__/helpers/chaos.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(minutes > 0) || !Number.isSafeInteger(seed))
  throw new RangeError(
    `--minutes must be a number above 0 and --seed a whole number, got ${values.minutes} and ${values.seed}`,
  )

/** By how much the median of the last quarter may exceed that of the first: MiB, MiB, and a count. */
const TOLERANCE = {
  rss: { times: 1.1, plus: 16 },
  heap: { times: 1.1, plus: 2 },
  fds: { times: 1, plus: 8 },
}
const WARM_UP = 0.2
const MIB = 1 << 20

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
const samples = []
const began = performance.now()
const linesEvery = Math.max(1, Math.round(minutes))
let line = 0

console.log(`${minutes} minutes, seed ${seed}`)
console.log(['time', 'calls', 'answers', 'connections', 'RSS', 'heap', 'fds', 'losses'].join('\t'))
const counts = await chaos({ ms: minutes * 60_000, seed, watch })
const grown = drift()
console.log(
  `${counts.calls} calls through ${counts.faults} connections: ${counts.answers} answers, each the right one; all settled, nothing left over`,
)
for (const { name, first, last, limit } of grown)
  console.log(`${name}: ${first.toFixed(1)} → ${last.toFixed(1)}, at most ${limit.toFixed(1)}`)
const bad = grown.filter(({ last, limit }) => last > limit)
if (bad.length > 0) throw new Error(`drift: ${bad.map(({ name }) => name).join(', ')}`)

function watch({ calls, answers, faults, losses }) {
  gc()
  const { rss, heapUsed } = process.memoryUsage()
  const sample = { rss: rss / MIB, heap: heapUsed / MIB, fds: openFiles() }
  samples.push(sample)
  if (line++ % (linesEvery * 3) !== 0) return
  const time = `${Math.round((performance.now() - began) / 1000)} s`
  const mib = (value) => `${value.toFixed(1)} MiB`
  const lost = Object.entries(losses)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ')
  console.log([time, calls, answers, faults, mib(sample.rss), mib(sample.heap), sample.fds, lost].join('\t'))
}

/** The medians of the first and the last quarter, without the warm-up. */
function drift() {
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP))
  const quarter = Math.max(1, Math.floor(warm.length / 4))
  return Object.entries(TOLERANCE).map(([name, { times, plus }]) => {
    const [first, last] = [warm.slice(0, quarter), warm.slice(-quarter)].map((part) =>
      median(part.map((sample) => sample[name])),
    )
    return { name, first, last, limit: first * times + plus }
  })
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** The number of open files; 0, and so never growing, where the system does not report it. */
function openFiles() {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}
