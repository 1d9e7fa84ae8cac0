/**
 * Measures how long it takes to wake a sleeping core, which is much of the time of a call with few others in flight.
 */
import { Worker } from 'node:worker_threads'
import { whileAwake, whyNotAwake } from './awake.mjs'
import { quantile } from './statistics.mjs'

/** Rows for the table about the machine. */
export async function describeWakeUps() {
  const asItIs = await repeated()
  if (whyNotAwake() !== null) return { 'waking a core': asItIs }
  return { 'waking a core': asItIs, 'waking one kept awake': await whileAwake(repeated) }
}

/** The median of three, because the cores may still be awake from what ran before. */
async function repeated() {
  const times = []
  while (times.length < 3) times.push(await wakeUpTime())
  return `${quantile(times, 0.5).toFixed(1)} µs`
}

/**
 * The median time in µs from the call that wakes a thread until that thread runs. This thread stays busy, so that
 * another core has to be woken. That core has been idle for 0.1 ms, about as long as between two calls.
 */
export async function wakeUpTime(count = 1000) {
  const turns = new Int32Array(new SharedArrayBuffer(8))
  const awakeAt = new BigInt64Array(new SharedArrayBuffer(8))
  const sleeper = new Worker(SLEEPER, { eval: true, workerData: { turns, awakeAt, count } })
  const ended = new Promise((resolve, reject) => sleeper.once('exit', resolve).once('error', reject))
  await Promise.race([ended, new Promise((resolve) => sleeper.once('online', resolve))])
  const times = []
  for (let turn = 1; turn <= count; turn++) {
    const signalledAt = idleUntil(process.hrtime.bigint() + 100_000n)
    Atomics.store(turns, SIGNALLED, turn)
    Atomics.notify(turns, SIGNALLED)
    while (Atomics.load(turns, SEEN) !== turn);
    times.push(Number(awakeAt[0] - signalledAt) / 1000)
  }
  await ended
  return quantile(times, 0.5)
}

/** @returns the time when the wait has ended */
function idleUntil(end) {
  for (;;) {
    const now = process.hrtime.bigint()
    if (now >= end) return now
  }
}

/** Indices in `turns`: the one that was signalled last, and the one that was seen last. */
const SIGNALLED = 0
const SEEN = 1
const SLEEPER = `
const { turns, awakeAt, count } = require('node:worker_threads').workerData
for (let turn = 1; turn <= count; turn++) {
  Atomics.wait(turns, ${SIGNALLED}, turn - 1)
  awakeAt[0] = process.hrtime.bigint()
  Atomics.store(turns, ${SEEN}, turn)
}`
