/** Numbers as a row of bars. */

/** @param width - how many of the newest numbers are shown */
export function sparkline(numbers: readonly number[], width: number): string {
  const shown = numbers.slice(-Math.max(width, 0) || numbers.length)
  if (width < 1) return ''
  const sorted = [...shown].sort((one, other) => one - other)
  // A few that are far larger would leave nothing to see of the others: they have whole bars.
  const most = sorted[Math.floor((sorted.length - 1) * WHOLE_FROM)] ?? 0
  return shown.map((number) => BARS[most > 0 ? Math.min(Math.floor((number / most) * BARS.length), LAST) : 0]).join('')
}

const BARS = '▁▂▃▄▅▆▇█'
const LAST = BARS.length - 1

/** The share of the numbers that are no larger than a whole bar. */
const WHOLE_FROM = 0.95
