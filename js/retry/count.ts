/** Checks options that count something. */

/** @throws TypeError or RangeError that names the option */
export function checkCount(option: string, value: unknown, least: number): void {
  if (typeof value !== 'number')
    throw new TypeError(`option "${option}" must be a number, got ${value === null ? 'null' : typeof value}`)
  if (!(value >= least && (Number.isInteger(value) || value === Infinity)))
    throw new RangeError(`option "${option}" must be a whole number from ${least}, or Infinity, got ${value}`)
}
