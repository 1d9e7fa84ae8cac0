/** Medians, quartiles, and ratios of two figures of the same round. */

/** The `q` quantile, interpolated between neighbours; `NaN` if there are no values. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)]
  const above = sorted[Math.ceil(at)]
  return below === undefined ? NaN : below + (above - below) * (at % 1)
}

/** The median, the quartiles, and the number of values. */
export function summarise(values) {
  return {
    median: quantile(values, 0.5),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    count: values.length,
  }
}

/** A client's figure in a workload, over all rounds; `null` if it was not measured. */
export function figureOf(samples, workload, client, figure) {
  const values = valuesOf(samples, workload, client, figure).map(({ value }) => value)
  return values.length === 0 ? null : summarise(values)
}

/**
 * The ratio of a client's figure to the reference's in the same round, so that a drift in the speed of the machine
 * cancels out; `null` if the two were never measured in the same round.
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
