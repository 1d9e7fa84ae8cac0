/** The plots of docs/performance.md as `{ name: svg }`. */
import { OURS, REFERENCE } from '../clients/index.mjs'
import { FIGURES, COLUMNS } from '../harness/figures.mjs'
import { ratioOf } from '../harness/statistics.mjs'
import { GROWTH, WORKLOADS } from '../workloads/index.mjs'
import { headOf, measuredIn } from './tables.mjs'
import { dotPlot, linePlot } from './svg.mjs'

/** How each client compares with the reference, for the figures that every workload of calls has. */
export function ratioPlots(samples, clients) {
  return Object.fromEntries(
    ['callsPerSecond', 'jsCpu', 'processCpu', 'loopDelay'].map((figure) => {
      const workloads = measuredIn(samples).filter((workload) => COLUMNS[WORKLOADS[workload].group].includes(figure))
      const better = FIGURES[figure].better === 'higher' ? 'more is better' : 'less is better'
      const series = inColour(clients.filter((client) => client !== REFERENCE)).map((client) => ({
        name: client,
        points: workloads.map((workload) => ratioOf(samples, workload, client, REFERENCE, figure)),
      }))
      return [
        figure,
        dotPlot({ title: `${FIGURES[figure].title} over that of ${REFERENCE} (${better})`, rows: workloads, series }),
      ]
    }),
  )
}

/** How cost grows. */
export function growthPlots(points) {
  const curves = Object.keys(GROWTH).filter((curve) => points.some((point) => point.curve === curve))
  return Object.fromEntries(
    curves.flatMap((curve) => {
      const inCurve = points.filter((point) => point.curve === curve && point.figures !== undefined)
      const clients = inColour([...new Set(inCurve.map(({ client }) => client))])
      return GROWTH[curve].plots.map((figure) => {
        const series = clients.map((client) => ({
          name: client,
          points: inCurve
            .filter((point) => point.client === client && point.figures[figure] > 0)
            .map((point) => [point.value, point.figures[figure]]),
        }))
        return [`growth-${curve}-${figure}`, linePlot({ title: headOf(figure), xTitle: GROWTH[curve].title, series })]
      })
    }),
  )
}

/** Ours comes first, so that it has the same colour everywhere. */
function inColour(clients) {
  return [...clients].sort((a, b) => (b === OURS) - (a === OURS))
}
