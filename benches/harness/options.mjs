/** The command line. */
import { parseArgs } from 'node:util'
import { CLIENTS } from '../clients/index.mjs'
import { GROWTH, SHORT, WORKLOADS } from '../workloads/index.mjs'

export const USAGE = `npm run bench -- [options]

  (none)             measure everything, write docs/performance.md
  --only <workload>  only this one, or this group (${[...new Set(Object.values(WORKLOADS).map(({ group }) => group))].join(', ')}); may be repeated
  --client <client>  only this one; may be repeated; ${Object.keys(CLIENTS).join(', ')}
  --rounds <n>       how often everything is measured (default 5)
  --check            compare with benches/baseline.json; if a ratio has become worse, report it and exit with 1
  --save             store the ratios in benches/baseline.json
  --growth           measure the growth curves instead (${Object.keys(GROWTH).join(', ')}; one of them with --only)
  --micro            run the Rust micro-benchmarks instead
  --page             measure the client of pages instead, in Chromium; about 4 minutes
  --report           write docs/performance.md from what was stored
  --out <folder>     where performance.md and performance/ are written (default docs)
  --short            take a few seconds; the figures mean nothing and are not stored
  --no-build         use the addon and the server of the last build`

/** @throws TypeError that names the wrong option */
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
      page: { type: 'boolean', default: false },
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
    throw new TypeError(`--rounds must be a whole number of at least 1, got ${rounds}`)
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

/** The names that were requested, by name or by group; `byDefault` if none was. */
function select(wanted, byDefault, names, groupOf = (name) => name) {
  if (wanted.length === 0) return byDefault
  const selected = names.filter((name) => wanted.includes(name) || wanted.includes(groupOf(name)))
  const unknown = wanted.find((word) => !names.some((name) => name === word || groupOf(name) === word))
  if (unknown !== undefined) throw new TypeError(`--only ${unknown} is none of ${names.join(', ')}`)
  return selected
}
