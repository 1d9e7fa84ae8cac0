/** Numbers as a row of bars. */

/** @param width - how many of the newest numbers are shown */
export function sparkline(numbers: readonly number[], width: number): string {
  const shown = numbers.slice(-Math.max(width, 0) || numbers.length)
  if (width < 1) return ''
  const most = Math.max(...shown)
  return shown.map((number) => BARS[most > 0 ? Math.min(Math.floor((number / most) * BARS.length), LAST) : 0]).join('')
}

const BARS = '▁▂▃▄▅▆▇█'
const LAST = BARS.length - 1
