/** The tables of docs/performance.md, from the samples. */
import { CLIENTS, OURS, REFERENCE } from '../clients/index.mjs'
import { COLUMNS, FIGURES, isHigherBetter, write } from '../harness/figures.mjs'
import { AWAKE_GOALS, judge } from '../harness/goals.mjs'
import { figureOf, ratioOf } from '../harness/statistics.mjs'
import { WORKLOADS } from '../workloads/index.mjs'

/** Markdown, with numbers aligned to the right. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

/** Every floor and goal, and whether it is reached. */
export function goalsTable(samples) {
  const [asItIs, awake] = [judge(samples), judge(samples, AWAKE_GOALS)]
  const rows = [...asItIs, ...awake].map(({ workload, figure, floor, goal, absolute, to, measured, verdict }) => {
    const sign = isHigherBetter(figure) ? '≥' : '≤'
    const scale = absolute ? FIGURES[figure].unit : to === REFERENCE ? '×' : `× ${to}`
    const name = `${WORKLOADS[workload].title}: ${FIGURES[figure].title}`
    return [
      name,
      withSpread(measured),
      scale,
      `${sign} ${floor}`,
      goal === null ? '' : `${sign} ${goal}`,
      VERDICTS[verdict],
    ]
  })
  const summary = `${countReached(asItIs)} Of small calls with the cores kept awake: ${countReached(awake)}`
  return `${summary}\n\n${table(['figure', 'measured', '', 'floor', 'goal', 'reached'], rows)}`
}

function countReached(judged) {
  const count = (verdicts) => judged.filter(({ verdict }) => verdicts.includes(verdict)).length
  const goals = judged.filter(({ goal }) => goal !== null)
  return `${count(['goal', 'floor'])} of ${judged.length} floors are reached, and ${count(['goal'])} of ${goals.length} goals.`
}

/** Where another client is better, by more than a tie and more than noise. */
export function lossesTable(samples, clients) {
  const rivals = clients.filter((name) => name !== OURS && !CLIENTS[name].isYardstick)
  const rows = measuredIn(samples).flatMap((workload) =>
    COLUMNS[WORKLOADS[workload].group].flatMap((figure) => {
      const ratios = rivals.map((rival) => [rival, ratioOf(samples, workload, OURS, rival, figure)])
      const losses = ratios
        .filter(([, ratio]) => ratio !== null && isLoss(figure, ratio))
        .map(([rival, ratio]) => `\`${rival}\` ${withSpread(ratio)}`)
      return losses.length === 0 ? [] : [[WORKLOADS[workload].title, FIGURES[figure].title, losses.join('<br>')]]
    }),
  )
  if (rows.length === 0) return 'No client was better than this one by more than 10 % in any figure.'
  return table(['workload', 'figure', 'ours divided by theirs'], rows)
}

/** A table for each workload: the figures of each client, and their ratios to the reference. */
export function workloadTables(samples, clients) {
  return measuredIn(samples)
    .map((workload) => {
      const { title, group } = WORKLOADS[workload]
      const figures = COLUMNS[group].filter((figure) =>
        samples.some((sample) => sample.workload === workload && Number.isFinite(sample.figures[figure])),
      )
      const measured = clients.filter((client) =>
        samples.some((sample) => sample.workload === workload && sample.client === client),
      )
      const rows = measured.map((client) => [
        CLIENTS[client].title,
        ...figures.map((figure) => cell(samples, workload, client, figure)),
      ])
      return `#### ${title}\n\n${table(['', ...figures.map(headOf)], rows)}`
    })
    .join('\n\n')
}

/** How busy the server was, and its capacity. */
export function serverTable(samples, capacity) {
  const rows = measuredIn(samples)
    .filter((workload) => WORKLOADS[workload].group === 'calls')
    .map((workload) => {
      const clients = [...new Set(samples.filter((sample) => sample.workload === workload).map(({ client }) => client))]
      const busy = clients
        .map((client) => figureOf(samples, workload, client, 'serverBusy')?.median)
        .filter((share) => share !== undefined)
      const ours = figureOf(samples, workload, OURS, 'callsPerSecond')?.median ?? NaN
      return [WORKLOADS[workload].title, percent(Math.max(...busy)), write(capacity[workload] ?? NaN), write(ours)]
    })
  return table(['workload', 'server busy at most', 'calls/s of a raw client', 'of ours'], rows)
}

/** The workloads that have samples, in their usual order. */
export function measuredIn(samples) {
  return Object.keys(WORKLOADS).filter((workload) => samples.some((sample) => sample.workload === workload))
}

export function headOf(figure) {
  const { title, unit = '' } = FIGURES[figure]
  return unit === '' ? title : `${title}, ${unit}`
}

function cell(samples, workload, client, figure) {
  const value = figureOf(samples, workload, client, figure)
  if (value === null) return '–'
  const ratio = client === REFERENCE ? null : ratioOf(samples, workload, client, REFERENCE, figure)
  return ratio === null ? write(value.median) : `${write(value.median)} (${write(ratio.median)} ×)`
}

/** The median is beyond a tie, and the better quartile is still worse than 1. */
function isLoss(figure, { median, low, high }) {
  return isHigherBetter(figure) ? median < 1 - TIE && high < 1 : median > 1 + TIE && low > 1
}

/** The median, with its quartiles if there are several values. */
export function withSpread(summary) {
  if (summary === null) return '–'
  const { median, low, high, count } = summary
  return count === 1 ? write(median) : `${write(median)} (${write(low)}–${write(high)})`
}

function percent(share) {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : '–'
}

const VERDICTS = { goal: '**goal**', floor: 'floor', missed: '**not reached**', 'not measured': 'not measured' }
/** Differences under this are ties. */
const TIE = 0.1
