/** Runs a plan of measurements against one server. */
import { CLIENTS, missing } from '../clients/index.mjs'
import { GROWTH, WORKLOADS } from '../workloads/index.mjs'
import { whileAwake, whyNotAwake } from './awake.mjs'
import { measure } from './measure.mjs'
import { plan } from './rounds.mjs'
import { startServer } from './server.mjs'

/**
 * The clients and the workloads that can be measured here, and why the others cannot:
 * `{ present, possible, absent: { name: reason } }`.
 */
export function takeStock(clients = Object.keys(CLIENTS), workloads = []) {
  const present = new Map(clients.map((name) => [name, missing(name)]))
  const possible = new Map(workloads.map((name) => [name, WORKLOADS[name].awake ? whyNotAwake() : null]))
  const withoutReason = (reasons) => [...reasons].filter(([, reason]) => reason === null).map(([name]) => name)
  return {
    present: withoutReason(present),
    possible: withoutReason(possible),
    absent: Object.fromEntries([...present, ...possible].filter(([, reason]) => reason !== null)),
  }
}

/**
 * All measurements of the plan as `{ round, workload, client, figures }`; `tell` is called before each.
 * @throws when a measurement fails, for instance because an answer was wrong
 */
export async function runRounds({ program, workloads, clients, rounds, isShort = false, tell = () => {} }) {
  const steps = plan({ workloads, clients, rounds })
  return withServer(program, async (server) => {
    const samples = []
    for (const [index, step] of steps.entries()) {
      tell(step, index, steps.length)
      const { short, awake, ...parameters } = { ...WORKLOADS[step.workload], name: step.workload }
      const measureStep = () => measure(server, step.client, isShort ? { ...parameters, ...short } : parameters)
      samples.push({ ...step, figures: await (awake ? whileAwake(measureStep) : measureStep()) })
    }
    return samples
  })
}

/**
 * The growth curves as `{ curve, value, client, figures }`. A point that the machine or the client cannot reach has
 * `refused`, an error message, instead of `figures`.
 */
export async function runGrowth({ program, curves = Object.keys(GROWTH), clients, tell = () => {} }) {
  const points = curves.flatMap((curve) =>
    GROWTH[curve].values.flatMap((value) => clients.map((client) => ({ curve, value, client }))),
  )
  const results = []
  for (const [index, point] of points.entries()) {
    tell(point, index, points.length)
    const { varied, workload } = GROWTH[point.curve]
    const { short, ...parameters } = { ...workload, [varied]: point.value, name: `${point.curve} = ${point.value}` }
    // Each point has its own server, so that none is affected by the one before.
    const outcome = await withServer(program, async (server) => ({
      figures: await measure(server, point.client, parameters),
    })).catch((error) => ({
      refused: error.message,
    }))
    results.push({ ...point, ...outcome })
  }
  return results
}

async function withServer(program, use) {
  const server = await startServer(program)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}
