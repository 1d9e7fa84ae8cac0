/** The stored ratios, and what has become worse since. */
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
 * What has become worse by more than noise: `{ workload, figure, was, is, allowed }`, all ratios. Figures that were not
 * measured now, or are not stored, are not compared.
 */
export function findRegressions(stored, now) {
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

/** The worst ratio that passes: the stored quartile plus a tolerance. */
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

/** With small results, the longest loop delay is a single hiccup of 1 or 2 ms, which need not be the client's. */
function isSteady(workload, figure) {
  const { group, bytes } = WORKLOADS[workload]
  if (figure === 'loopDelay' && group === 'calls' && bytes < 1_000_000) return false
  return !UNSTEADY.includes(figure)
}

function round(numbers) {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value.toPrecision(4))]))
}

/** The number of connections lost while JavaScript was busy. It is not a ratio: 0 is right. */
export function droppedOf(samples) {
  return figureOf(samples, 'blocked', OURS, 'dropped')?.median ?? 0
}

/** Figures that depend on a few events, or on the scheduler, have a larger tolerance than 0.25. */
const TOLERANCE = {
  p99: 1,
  loopDelay: 1,
  loadTime: 0.5,
  firstClientTime: 0.5,
  connectTime: 1,
  jsCpuPerHeartbeat: 4,
  processCpuPerHeartbeat: 0.5,
}
/** Figures that vary too much to be compared, or are no ratios. */
const UNSTEADY = ['dropped', 'timeToReady', 'peakMemory', 'addedMemory', 'loadMemory']
