/** Writes docs/performance.md and its plots from the stored results; only template.md is written by hand. */
import { mkdirSync, readFileSync, rmSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENTS } from '../clients/index.mjs'
import { growthSection } from './growth.mjs'
import { microSection } from './micro.mjs'
import { pageSection } from './page.mjs'
import { growthPlots, ratioPlots } from './plots.mjs'
import { openingFigures, summaryTable } from './summary.mjs'
import { goalsTable, lossesTable, serverTable, table, workloadTables } from './tables.mjs'

/**
 * Stores a run for the report as 'results', 'growth', 'micro' or 'page', with one entry a line so that diffs are
 * readable.
 */
export function store(out, name, { samples, points, benchmarks, ...rest }) {
  const [key, list] = Object.entries({ samples, points, benchmarks }).find(([, list]) => list !== undefined)
  const lines = list.map((entry) => `    ${JSON.stringify(entry, shorten)}`)
  // The empty list comes last.
  const text = JSON.stringify({ ...rest, [key]: [] }, null, 2).replace(
    /\[\]\n\}$/,
    () => `[\n${lines.join(',\n')}\n  ]\n}\n`,
  )
  mkdirSync(join(out, 'performance'), { recursive: true })
  writeFileSync(join(out, 'performance', `${name}.json`), text)
}

/** The stored run, or `null`. */
export function stored(out, name) {
  try {
    return JSON.parse(readFileSync(join(out, 'performance', `${name}.json`), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

/** @returns false if the clients have not been measured: then nothing is written */
export function writeReport(out) {
  const results = stored(out, 'results')
  if (results === null) return false
  const growth = stored(out, 'growth')
  const plots = {
    ...ratioPlots(results.samples, results.clients),
    ...(growth === null ? {} : growthPlots(growth.points)),
  }
  const folder = join(out, 'performance')
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.svg'))) rmSync(join(folder, name))
  for (const [name, svg] of Object.entries(plots)) writeFileSync(join(folder, `${name}.svg`), svg)
  writeFileSync(
    join(out, 'performance.md'),
    fill(readFileSync(TEMPLATE, 'utf8'), {
      ...sectionsOf(results, growth, stored(out, 'micro')),
      page: pageSection(stored(out, 'page')),
    }),
  )
  return true
}

/** The template with its `{{names}}` replaced. */
export function fill(template, sections) {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!Object.hasOwn(sections, name))
      throw new Error(`the template contains {{${name}}}, which is none of ${Object.keys(sections).join(', ')}`)
    return sections[name] ?? 'Not measured yet.'
  })
}

function sectionsOf({ samples, clients, absent, machine, versions, date, rounds, capacity }, growth, micro) {
  return {
    ...openingFigures(samples),
    summary: summaryTable(samples, machine),
    goals: goalsTable(samples),
    losses: lossesTable(samples, clients),
    plots: Object.keys(ratioPlots(samples, clients))
      .map((name) => `![${name}](performance/${name}.svg)`)
      .join('\n'),
    workloads: workloadTables(samples, clients),
    server: serverTable(samples, capacity),
    growth: growthSection(growth),
    micro: microSection(micro),
    machine: table(
      ['', ''],
      Object.entries({ date, ...machine, rounds, ...versions }).map(([name, value]) => [name, value]),
    ),
    clients: clients.map((name) => `- \`${name}\`: ${CLIENTS[name].title}`).join('\n'),
    absent: Object.entries(absent)
      .map(([name, reason]) => `- \`${name}\` was left out: ${reason}`)
      .join('\n'),
  }
}

/** Five digits are more than the measurements are worth. */
function shorten(_, value) {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}

const TEMPLATE = new URL('template.md', import.meta.url)
