/** Numbers for people. */

/** A time, with as many digits as tell something: `0.4 ms`, `12 ms`, `12.3 s`. */
export function shownMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  return ms < 9_999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** A whole number: `12,345`. */
export function shownCount(count: number): string {
  return count.toLocaleString('en-US')
}
