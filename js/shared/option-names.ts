/** Checks the names of options, so that a misspelt one is not ignored. Needs nothing of Node.js: pages use it too. */

/**
 * @param of what the options are of, `useTool` say; left out, it is clear from the context
 * @param kind what a name is called in the error
 * @throws TypeError for the first name that is not known, with the one that may have been meant, or all that there are
 */
export function checkNames(given: object, known: Iterable<string>, of?: string, kind = 'option'): void {
  const names = [...known]
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown === undefined) return
  const similar = similarTo(unknown, names)
  const remedy = similar === undefined ? `: use ${names.join(', ')}` : `, did you mean "${similar}"?`
  throw new TypeError(`unknown ${kind} "${unknown}"${of === undefined ? '' : ` of ${of}`}${remedy}`)
}

/** As the native core suggests the options of a client: at most one letter in three differs. */
export function similarTo(given: string, known: readonly string[]): string | undefined {
  if (given.length > LONGEST) return undefined
  const rated = known
    .map((name) => ({ name, distance: distanceBetween(name.toLowerCase(), given.toLowerCase()) }))
    .filter(({ name, distance }) => 3 * distance <= name.length)
  return rated.sort((a, b) => a.distance - b.distance)[0]?.name
}

/**
 * How many letters must be inserted, deleted, replaced or swapped with their neighbour (optimal string alignment).
 */
function distanceBetween(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, isSwapped ? beforeLast[j - 2]! + 1 : Infinity)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/** No option has so long a name, and the work grows with it. */
const LONGEST = 64
