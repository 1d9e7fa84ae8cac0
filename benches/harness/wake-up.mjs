/** How long it takes to wake a core that sleeps: of a call with few others in flight, much of the time is that. */
import { Worker } from 'node:worker_threads'
import { whileAwake, whyNotAwake } from './awake.mjs'
import { quantile } from './statistics.mjs'

/** As rows of the machine's table. */
export async function describeWakeUps() {
  const asItIs = await repeated()
  if (whyNotAwake() !== null) return { 'waking a core': asItIs }
  return { 'waking a core': asItIs, 'waking one kept awake': await whileAwake(repeated) }
}

/** Of three, one may have found the cores as what ran before has left them. */
async function repeated() {
  const times = []
  while (times.length < 3) times.push(await wakeUpTime())
  return `${quantile(times, 0.5).toFixed(1)} µs`
}

/**
 * Microseconds from the call that wakes a thread until that thread runs; the median. This thread stays busy, so that it
 * is another core that is woken. Until then that core has nothing to do for a tenth of a millisecond, which is about
 * what passes between two calls.
 */
export async function wakeUpTime(count = 1000) {
  const bell = new Int32Array(new SharedArrayBuffer(8))
  const awakeAt = new BigInt64Array(new SharedArrayBuffer(8))
  const sleeper = new Worker(SLEEPER, { eval: true, workerData: { bell, awakeAt, count } })
  const ended = new Promise((resolve, reject) => sleeper.once('exit', resolve).once('error', reject))
  await Promise.race([ended, new Promise((resolve) => sleeper.once('online', resolve))])
  const times = []
  for (let turn = 1; turn <= count; turn++) {
    const rungAt = idleUntil(process.hrtime.bigint() + 100_000n)
    Atomics.store(bell, RUNG, turn)
    Atomics.notify(bell, RUNG)
    while (Atomics.load(bell, HEARD) !== turn);
    times.push(Number(awakeAt[0] - rungAt) / 1000)
  }
  await ended
  return quantile(times, 0.5)
}

/** The time at its end. */
function idleUntil(end) {
  for (;;) {
    const now = process.hrtime.bigint()
    if (now >= end) return now
  }
}

/** Places in the bell: the turn that was rung, and the one that was heard. */
const RUNG = 0
const HEARD = 1
const SLEEPER = `
const { bell, awakeAt, count } = require('node:worker_threads').workerData
for (let turn = 1; turn <= count; turn++) {
  Atomics.wait(bell, ${RUNG}, turn - 1)
  awakeAt[0] = process.hrtime.bigint()
  Atomics.store(bell, ${HEARD}, turn)
}`
