/** Medians, quartiles, and ratios that are paired within a round. */

/** The value below which the part `q` of the values lies, between neighbours in proportion; `NaN` of none. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)]
  const above = sorted[Math.ceil(at)]
  return below === undefined ? NaN : below + (above - below) * (at % 1)
}

/** Median and quartiles, and of how many. */
export function summarise(values) {
  return {
    median: quantile(values, 0.5),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    count: values.length,
  }
}

/** What a client showed in a workload, all rounds together; `null` where it was not measured. */
export function figureOf(samples, workload, client, figure) {
  const values = valuesOf(samples, workload, client, figure).map(({ value }) => value)
  return values.length === 0 ? null : summarise(values)
}

/**
 * A client's figure over the reference's in the same round, which is how a machine whose speed drifts is kept out;
 * `null` where the two were never measured in one round.
 */
export function ratioOf(samples, workload, client, reference, figure) {
  const references = new Map(valuesOf(samples, workload, reference, figure).map(({ round, value }) => [round, value]))
  const ratios = valuesOf(samples, workload, client, figure)
    .filter(({ round }) => references.get(round) > 0)
    .map(({ round, value }) => value / references.get(round))
  return ratios.length === 0 ? null : summarise(ratios)
}

function valuesOf(samples, workload, client, figure) {
  return samples
    .filter(
      (sample) => sample.workload === workload && sample.client === client && Number.isFinite(sample.figures[figure]),
    )
    .map(({ round, figures }) => ({ round, value: figures[figure] }))
}
