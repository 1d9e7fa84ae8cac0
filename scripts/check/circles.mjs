/**
 * Finds circles between Rust files: files that use one another, directly or through others (CONTRIBUTING.md). Biome's
 * rule `noImportCycles` finds those between JavaScript and TypeScript files, cargo those between crates.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, isMain } from '../lib/root.mjs'
import { rustUses } from './rust-uses.mjs'

/**
 * @param {Map<string, Set<string>>} uses the files that each file uses
 * @returns {string[][]} a shortest circle for each file that is part of one, without repetitions
 */
export function circles(uses) {
  const found = new Map()
  for (const file of uses.keys()) {
    const way = wayBackTo(file, uses)
    const key = way?.toSorted().join()
    if (way !== null && !found.has(key)) found.set(key, way)
  }
  return [...found.values()]
}

/** A shortest path from the file back to itself; `null` if there is none. */
function wayBackTo(start, uses) {
  const ways = [[start]]
  const seen = new Set()
  for (const way of ways) {
    for (const next of uses.get(way.at(-1))) {
      if (next === start) return way
      if (!seen.has(next)) ways.push([...way, next])
      seen.add(next)
    }
  }
  return null
}

function rustSources() {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.rs'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).split('\n')
  const files = listed.filter((file) => file !== '' && existsSync(join(ROOT, file)))
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]))
}

if (isMain(import.meta.url)) {
  const sources = rustSources()
  const found = circles(rustUses(sources))
  for (const files of found) console.error(`these files use one another: ${[...files, files[0]].join(' → ')}`)
  if (found.length > 0) process.exit(1)
  console.log(`no circle between ${Object.keys(sources).length} Rust files`)
}
