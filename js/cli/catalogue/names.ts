/** The names of tools. MCP allows at most 128 letters, digits, `_`, `-` and `.`; platforms name tools as they like. */

/** A name for hosts for each name of the platform: itself, if MCP allows it. They differ from each other. */
export function hostNamesOf(names: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map(names.filter(isAllowed).map((name) => [name, name]))
  const taken = new Set(given.values())
  for (const name of names) {
    if (given.has(name)) continue
    const chosen = firstFree(name.replace(NOT_ALLOWED, '_').slice(0, LONGEST), taken)
    given.set(name, chosen)
    taken.add(chosen)
  }
  return given
}

function isAllowed(name: string): boolean {
  return name.length <= LONGEST && name.search(NOT_ALLOWED) < 0
}

function firstFree(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  for (let number = 2; ; number += 1) {
    const numbered = `${name.slice(0, LONGEST - String(number).length - 1)}_${number}`
    if (!taken.has(numbered)) return numbered
  }
}

const NOT_ALLOWED = /[^A-Za-z0-9_.-]/gu
const LONGEST = 128
