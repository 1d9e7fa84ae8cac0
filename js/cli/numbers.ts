/** Numbers for people. */

/** A time, with as many digits as tell something: `0.4 ms`, `12 ms`, `1.2 s`. */
export function shownMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  return ms < 9_999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
