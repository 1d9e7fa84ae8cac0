/** The order of the measurements: in rounds, each of which measures everything once in a new random order. */
import { OURS, REFERENCE } from '../clients/index.mjs'
import { WORKLOADS, applies } from '../workloads/index.mjs'

/** These are measured in every round; other clients, and rare workloads, in every second one. */
const STEADY = [OURS, REFERENCE, 'ws-tuned', 'ours-plain']

/**
 * All measurements in order: `{ round, workload, client }`. The clients of a workload follow each other, so that their
 * figures can be compared.
 */
export function plan({ workloads, clients, rounds, random = Math.random }) {
  return Array.from({ length: rounds }, (_, round) =>
    shuffle(workloads, random)
      .filter((workload) => isEven(round) || !WORKLOADS[workload].rare)
      .flatMap((workload) =>
        shuffle(clients, random)
          .filter((client) => applies(workload, client) && (isEven(round) || STEADY.includes(client)))
          .map((client) => ({ round, workload, client })),
      ),
  ).flat()
}

/** A new array in random order (Fisher–Yates). */
export function shuffle(items, random = Math.random) {
  const shuffled = [...items]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]]
  }
  return shuffled
}

function isEven(round) {
  return round % 2 === 0
}
