/** The results of criterion: gathered from its folder, and as a table. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { write } from '../harness/figures.mjs'
import { table } from './tables.mjs'

/** `{ group, name, ns, bytes }` of each benchmark; `bytes` is what one pass reads, `null` if that says nothing. */
export function gatherMicro(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith(join('new', 'estimates.json')))
    .sort()
    .map((path) => {
      const read = (name) => JSON.parse(readFileSync(join(folder, path, '..', name), 'utf8'))
      const { group_id: group, function_id: name, value_str: value, throughput } = read('benchmark.json')
      const { point_estimate: ns } = read('estimates.json').median
      return { group, name: [name, value].filter(Boolean).join(' '), ns, bytes: throughput?.Bytes ?? null }
    })
}

/** Markdown; `null` if nothing was measured. */
export function microSection(stored) {
  if (stored === null) return null
  const rows = stored.benchmarks.map(({ group, name, ns, bytes }) => [
    group,
    name,
    write(ns),
    bytes === null ? '' : write(bytes / ns),
  ])
  return table(['group', 'benchmark', 'ns', 'GB/s'], rows)
}
