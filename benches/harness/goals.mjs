/** The project's floors and goals, and whether they are reached. */
import { OURS, REFERENCE } from '../clients/index.mjs'
import { WORKLOADS } from '../workloads/index.mjs'
import { isHigherBetter } from './figures.mjs'
import { figureOf, ratioOf } from './statistics.mjs'

/** Ratios to the reference, unless `to` names another client or `absolute` says that it is not a ratio. */
export const GOALS = [
  ['calls-256', 'callsPerSecond', 4.0, 5.0],
  ['calls-256', 'jsCpu', 0.2, 0.14],
  ['calls-256', 'processCpu', 0.33, 0.16],
  ['calls-16', 'callsPerSecond', 1.6, 1.9],
  ['calls-16', 'p99', 0.35, 0.15],
  ['calls-16', 'jsCpu', 0.3, 0.23],
  ['calls-1', 'p50', 1.15, 1.0],
  ['calls-1', 'jsCpu', 0.75, 0.65],
  ['calls-1', 'processCpu', 1.65, 1.2],
  ['10kb-x16', 'callsPerSecond', 1.3, 1.45],
  ['10kb-x16', 'jsCpu', 0.52, 0.47],
  ['1mb-x4', 'callsPerSecond', 1.35, 1.5],
  ['1mb-x4', 'jsCpu', 0.72, 0.6],
  ['1mb-x4', 'loopDelay', 1.0, 0.75],
  ['1mb-wide-x4', 'jsCpu', 0.6, 0.5],
  ['10mb-x1', 'loopDelay', 0.4, 0.25],
  ['10mb-x1', 'callsPerSecond', 0.9, 1.1],
  ['idle', 'memoryPerClient', 1.0, 0.5],
  ['idle', 'jsCpuPerHeartbeat', 0.02, 0.003],
  ['load', 'loadTime', 0.25, 0.12],
  ['compressed-256', 'callsPerSecond', 0.9, null, { to: 'ours-plain' }],
  ['compressed-1mb-x1', 'p50', 1.0, null],
  ['compressed-1mb-x1', 'jsCpu', 0.6, null],
  ['line-1mb-x1', 'p50', 1.0, null],
  ['line-1mb-x1', 'p50', 0.4, null, { to: 'ours-plain' }],
  ['line-1mb-x1', 'jsCpu', 0.6, null],
  // Fairness: timers fire on time, no stall longer than JSON.parse's own, no connection lost to busy JavaScript.
  ['1mb-x4', 'loopDelay', 20, null, { absolute: true }],
  ['10mb-x1', 'loopDelay', 1.2, null, { to: 'no-network' }],
  ['blocked', 'dropped', 0, null, { absolute: true }],
  // The limit in the README.
  ['pending', 'memoryPerCall', 2048, null, { absolute: true }],
].map(([workload, figure, floor, goal, { absolute = false, to = REFERENCE } = {}]) => ({
  workload,
  figure,
  floor,
  goal,
  absolute,
  to,
}))

/** The same goals for the workloads with the cores kept awake. */
export const AWAKE_GOALS = Object.entries(WORKLOADS).flatMap(([workload, { awake }]) =>
  GOALS.filter((goal) => goal.workload === awake).map((goal) => ({ ...goal, workload })),
)

/** Each goal with what was measured and a verdict: 'goal', 'floor', 'missed', or 'not measured'. */
export function judge(samples, goals = GOALS) {
  return goals.map((goal) => {
    const { workload, figure, absolute, to } = goal
    const measured = absolute ? figureOf(samples, workload, OURS, figure) : ratioOf(samples, workload, OURS, to, figure)
    return { ...goal, measured, verdict: verdictOf(goal, measured) }
  })
}

function verdictOf({ figure, floor, goal }, measured) {
  if (measured === null) return 'not measured'
  const reaches = (mark) => (isHigherBetter(figure) ? measured.median >= mark : measured.median <= mark)
  if (goal !== null && reaches(goal)) return 'goal'
  return reaches(floor) ? 'floor' : 'missed'
}
