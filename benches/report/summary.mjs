/** What the report says first: a few figures in words that anyone understands, and the table beside them. */
import { OURS, REFERENCE } from '../clients/index.mjs'
import { FIGURES, write } from '../harness/figures.mjs'
import { figureOf, ratioOf } from '../harness/statistics.mjs'
import { WORKLOADS } from '../workloads/index.mjs'
import { table } from './tables.mjs'

/** The figures in the opening lines of the template, by the names that they have there. */
export function openingFigures(samples) {
  const times = (workload, figure) => write(ratioOf(samples, workload, OURS, REFERENCE, figure)?.median ?? NaN)
  const percent = (workload, figure) => percentOf(ratioOf(samples, workload, OURS, REFERENCE, figure)?.median ?? NaN)
  const dropped = (client) => write(figureOf(samples, 'blocked', client, 'dropped')?.median ?? NaN)
  return {
    rate256: times('calls-256', 'callsPerSecond'),
    cpu256: percent('calls-256', 'processCpu'),
    rate16: times('calls-16', 'callsPerSecond'),
    wait1: times('calls-1', 'p50'),
    dropped: dropped(OURS),
    droppedReference: dropped(REFERENCE),
    idleMemory: percent('idle', 'memoryPerClient'),
    idleCpu: percent('idle', 'jsCpuPerHeartbeat'),
    load: percent('load', 'loadTime'),
  }
}

/** The figures that matter most. Of 16 calls in flight it says how much they depend on the machine. */
export function summaryTable(samples, machine) {
  const wakeUp = (name) => (machine[name] === undefined ? '' : `; waking a core takes ${machine[name]}`)
  const rows = [
    row(samples, 'calls-256', 'callsPerSecond'),
    row(samples, 'awake-16', 'callsPerSecond', wakeUp('waking one kept awake')),
    row(samples, 'calls-16', 'callsPerSecond', wakeUp('waking a core')),
    [`${titleOf('calls-16', 'callsPerSecond')}; ${SLOW_TO_WAKE.machine}`, '', '', `${SLOW_TO_WAKE.ratio} ×`],
    row(samples, 'calls-1', 'p50'),
    row(samples, 'idle', 'memoryPerClient'),
    row(samples, 'load', 'loadTime'),
  ]
  return table(['', 'this client', '`ws`', 'ratio to `ws`'], rows)
}

function row(samples, workload, figure, remark = '') {
  const [ours, reference] = [OURS, REFERENCE].map((client) =>
    write(figureOf(samples, workload, client, figure)?.median ?? NaN),
  )
  const ratio = ratioOf(samples, workload, OURS, REFERENCE, figure)
  return [`${titleOf(workload, figure)}${remark}`, ours, reference, ratio === null ? '–' : `${write(ratio.median)} ×`]
}

function percentOf(share) {
  const percent = 100 * share
  return `${write(percent >= 1 ? Math.round(percent) : Number(percent.toPrecision(1)))} %`
}

function titleOf(workload, figure) {
  const { title, unit } = FIGURES[figure]
  return `${WORKLOADS[workload].title}: ${title}${unit ? `, ${unit}` : ''}`
}

/** Measured by hand, because one machine cannot show it: the ratio of calls/s with 16 in flight, on another machine. */
const SLOW_TO_WAKE = { machine: 'another machine with two cores, slow to wake', ratio: '1.0–1.1' }
