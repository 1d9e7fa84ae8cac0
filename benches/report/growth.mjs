/** The growth curves as tables. */
import { write } from '../harness/figures.mjs'
import { GROWTH } from '../workloads/index.mjs'
import { growthPlots } from './plots.mjs'
import { headOf, table } from './tables.mjs'

/** Markdown with the plots; `null` if nothing was measured. */
export function growthSection(stored) {
  if (stored === null) return null
  const { points } = stored
  const plots = Object.keys(growthPlots(points))
  return Object.keys(GROWTH)
    .filter((curve) => points.some((point) => point.curve === curve))
    .map((curve) => {
      const { title, figures } = GROWTH[curve]
      const inCurve = points.filter((point) => point.curve === curve)
      const rows = inCurve.map(({ value, client, figures: measured, refused }) => [
        value.toLocaleString('en'),
        client,
        ...(measured === undefined
          ? [firstLine(refused), ...figures.slice(1).map(() => '')]
          : figures.map((figure) => write(measured[figure]))),
      ])
      const images = plots
        .filter((name) => name.startsWith(`growth-${curve}-`))
        .map((name) => `![${name}](performance/${name}.svg)`)
      return `### ${title}\n\n${images.join('\n')}\n\n${table(['', 'client', ...figures.map(headOf)], rows)}`
    })
    .join('\n\n')
}

function firstLine(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 2)
    .join(' ')
    .replaceAll('|', '/')
}
