/** The section on pages: floors, a table for each workload, and what a page loads. */
import { ratioOf, figureOf } from '../harness/statistics.mjs'
import { write } from '../harness/figures.mjs'
import { CLIENTS, FIGURES, FLOORS, MOST_COMPRESSED_BYTES, REFERENCE, WORKLOADS } from '../page/index.mjs'
import { table, withSpread } from './tables.mjs'

const OURS = 'ours'

/** Markdown; `null` if nothing was measured. */
export function pageSection(stored) {
  if (stored === null) return null
  const { samples, sizes, browser, date, machine } = stored
  return [
    `Measured in ${browser} on ${date}, with ${machine.cores} cores (${machine.cpu}).`,
    table(['figure', 'measured', '', 'floor', 'reached'], [...judgeInPages(samples).map(rowOf), sizeRow(sizes)]),
    table(['what a page loads', 'bytes', 'with gzip'], sizeRows(sizes)),
    ...Object.keys(WORKLOADS).map((workload) => workloadTable(samples, workload)),
  ].join('\n\n')
}

/** Each floor with what was measured, and whether that reaches it. */
export function judgeInPages(samples) {
  return FLOORS.map((floor) => {
    const { workload, figure, least = -Infinity, most = Infinity, to } = floor
    const measured =
      to === null ? figureOf(samples, workload, OURS, figure) : ratioOf(samples, workload, OURS, to, figure)
    const reached = measured !== null && measured.median >= least && measured.median <= most
    return { ...floor, measured, reached }
  })
}

function rowOf({ workload, figure, least, most, to, measured, reached }) {
  const scale = to === null ? '' : `× ${to === REFERENCE ? 'plain code' : '`JSON.parse`'}`
  const floor = least === undefined ? `≤ ${most}` : `≥ ${least}`
  return [
    `${WORKLOADS[workload].title}: ${FIGURES[figure].title}`,
    withSpread(measured),
    scale,
    floor,
    reached ? 'yes' : '**no**',
  ]
}

function sizeRow({ script, module }) {
  const bytes = script.compressed + module.compressed
  const reached = bytes <= MOST_COMPRESSED_BYTES ? 'yes' : '**no**'
  return ['what a page loads, with gzip, KB', kilobytes(bytes), '', `≤ ${kilobytes(MOST_COMPRESSED_BYTES)}`, reached]
}

function sizeRows({ script, module }) {
  const row = (name, { bytes, compressed }) => [name, bytes.toLocaleString('en'), compressed.toLocaleString('en')]
  return [
    row('JavaScript, minified by esbuild', script),
    row('`mcp-page.wasm`', module),
    row('together', {
      bytes: script.bytes + module.bytes,
      compressed: script.compressed + module.compressed,
    }),
  ]
}

function workloadTable(samples, workload) {
  const figures = Object.keys(FIGURES).filter((figure) =>
    samples.some((sample) => sample.workload === workload && Number.isFinite(sample.figures[figure])),
  )
  const { title, clients } = WORKLOADS[workload]
  const rows = clients.map((client) => [
    CLIENTS[client],
    ...figures.map((figure) => cell(samples, workload, client, figure)),
  ])
  return `#### In a page: ${title}\n\n${table(['', ...figures.map((figure) => FIGURES[figure].title)], rows)}`
}

function cell(samples, workload, client, figure) {
  const value = figureOf(samples, workload, client, figure)
  if (value === null) return '–'
  const ratio = client === REFERENCE ? null : ratioOf(samples, workload, client, REFERENCE, figure)
  return ratio === null ? write(value.median) : `${write(value.median)} (${write(ratio.median)} ×)`
}

function kilobytes(bytes) {
  return (bytes / 1024).toFixed(1)
}
