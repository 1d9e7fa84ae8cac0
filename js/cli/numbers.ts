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

/** Bytes: `950 B`, `1.2 kB`, `34 MB`. */
export function shownBytes(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1]
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}

/** A span of time: `12 s`, `3 m 04 s`, `2 h 10 m`, `5 d 3 h`. */
export function shownSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [minutes, hours, days] = [seconds / 60, seconds / 3_600, seconds / 86_400].map(Math.floor) as [
    number,
    number,
    number,
  ]
  if (days > 0) return `${days} d ${hours % 24} h`
  if (hours > 0) return `${hours} h ${String(minutes % 60).padStart(2, '0')} m`
  return minutes > 0 ? `${minutes} m ${String(seconds % 60).padStart(2, '0')} s` : `${seconds} s`
}

const UNITS = ['B', 'kB', 'MB', 'GB']
