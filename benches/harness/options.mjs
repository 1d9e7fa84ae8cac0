/** What the command line says. */
import { parseArgs } from 'node:util'
import { CLIENTS } from '../clients/index.mjs'
import { GROWTH, SHORT, WORKLOADS } from '../workloads/index.mjs'

export const USAGE = `npm run bench -- [options]

  (none)             measure everything, write docs/performance.md
  --only <workload>  only this one, or this group (${[...new Set(Object.values(WORKLOADS).map(({ group }) => group))].join(', ')}); may be repeated
  --client <client>  only this one; may be repeated; ${Object.keys(CLIENTS).join(', ')}
  --rounds <n>       5 unless said otherwise
  --check            compare with benches/baseline.json, name what fell, exit with 1
  --save             store the ratios in benches/baseline.json
  --growth           measure the growth curves instead (${Object.keys(GROWTH).join(', ')}; one of them with --only)
  --micro            run the Rust micro-benchmarks instead
  --report           write docs/performance.md from what was stored
  --out <folder>     where performance.md and performance/ go (docs)
  --short            a few seconds; the figures mean nothing, nothing is stored
  --no-build         take the addon and the server as they were built last`

/** @throws TypeError that names what is wrong */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      client: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      check: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      micro: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      out: { type: 'string' },
      short: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { only, client, rounds, growth, short } = values
  const count = rounds === undefined ? (short ? 1 : 5) : Number(rounds)
  if (!Number.isInteger(count) || count < 1)
    throw new TypeError(`--rounds must be a whole number from 1 on, got ${rounds}`)
  for (const name of client)
    if (!Object.hasOwn(CLIENTS, name))
      throw new TypeError(`--client ${name} is none of ${Object.keys(CLIENTS).join(', ')}`)
  return {
    ...values,
    rounds: count,
    clients: client.length > 0 ? client : Object.keys(CLIENTS),
    workloads: growth
      ? []
      : select(only, short ? SHORT : Object.keys(WORKLOADS), Object.keys(WORKLOADS), (name) => WORKLOADS[name].group),
    curves: growth ? select(only, Object.keys(GROWTH), Object.keys(GROWTH)) : [],
    isWhole: only.length === 0 && client.length === 0 && !short,
  }
}

/** The names that were asked for, by themselves or by their group; `byDefault` where none was. */
function select(wanted, byDefault, names, groupOf = (name) => name) {
  if (wanted.length === 0) return byDefault
  const selected = names.filter((name) => wanted.includes(name) || wanted.includes(groupOf(name)))
  const unknown = wanted.find((word) => !names.some((name) => name === word || groupOf(name) === word))
  if (unknown !== undefined) throw new TypeError(`--only ${unknown} is none of ${names.join(', ')}`)
  return selected
}
