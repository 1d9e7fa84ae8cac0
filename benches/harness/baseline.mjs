/** The stored ratios, and what has fallen since. */
import { OURS, REFERENCE } from '../clients/index.mjs'
import { WORKLOADS } from '../workloads/index.mjs'
import { COLUMNS, isHigherBetter } from './figures.mjs'
import { figureOf, ratioOf } from './statistics.mjs'

/** The ratios of this client to the reference as `{ workload: { figure: { median, low, high } } }`. */
export function ratiosOf(samples) {
  const workloads = [...new Set(samples.map(({ workload }) => workload))].sort()
  return Object.fromEntries(workloads.map((workload) => [workload, ratiosIn(samples, workload)]))
}

/**
 * What is worse than it was by more than noise: `{ workload, figure, was, is, allowed }`, all ratios. What was not
 * measured now, or is not stored, is not compared.
 */
export function findFalls(stored, now) {
  return Object.entries(now).flatMap(([workload, figures]) =>
    Object.entries(figures).flatMap(([figure, { median: is }]) => {
      const before = stored[workload]?.[figure]
      if (before === undefined) return []
      const allowed = allowedFor(figure, before)
      const isWorse = isHigherBetter(figure) ? is < allowed : is > allowed
      return isWorse ? [{ workload, figure, was: before.median, is, allowed }] : []
    }),
  )
}

/** The worst ratio that passes: beyond what is stored by its own spread, and a good part more. */
function allowedFor(figure, { median, low, high }) {
  const slack = TOLERANCE[figure] ?? 0.25
  return isHigherBetter(figure) ? Math.min(low, median) * (1 - slack) : Math.max(high, median) * (1 + slack)
}

function ratiosIn(samples, workload) {
  const figures = COLUMNS[WORKLOADS[workload].group].filter((figure) => isSteady(workload, figure))
  const ratios = figures.map((figure) => [figure, ratioOf(samples, workload, OURS, REFERENCE, figure)])
  return Object.fromEntries(
    ratios
      .filter(([, ratio]) => ratio !== null)
      .map(([figure, { median, low, high }]) => [figure, round({ median, low, high })]),
  )
}

/** Where results are small, the longest delay of the loop is a single hiccup of a ms or two, the client's or not. */
function isSteady(workload, figure) {
  const { group, bytes } = WORKLOADS[workload]
  if (figure === 'loopDelay' && group === 'calls' && bytes < 1_000_000) return false
  return !UNSTEADY.includes(figure)
}

function round(numbers) {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value.toPrecision(4))]))
}

/** Connections that busy JavaScript lost: no ratio, the right number is none. */
export function droppedOf(samples) {
  return figureOf(samples, 'blocked', OURS, 'dropped')?.median ?? 0
}

/** A figure that rests on a few events, or on the scheduler, needs more. */
const TOLERANCE = {
  p99: 1,
  loopDelay: 1,
  loadTime: 0.5,
  firstClientTime: 0.5,
  connectTime: 1,
  jsCpuPerHeartbeat: 4,
  processCpuPerHeartbeat: 0.5,
}
/** Too much by chance to be compared at all, or no ratio. */
const UNSTEADY = ['dropped', 'timeToReady', 'peakMemory', 'addedMemory', 'loadMemory']
