/** `npm run bench`, from the command line to the report: see benches/README.md. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../scripts/lib/root.mjs'
import { OURS, REFERENCE } from '../clients/index.mjs'
import { runInPages } from '../page/run.mjs'
import { gatherMicro } from '../report/micro.mjs'
import { pageSection } from '../report/page.mjs'
import { goalsTable, workloadTables } from '../report/tables.mjs'
import { store, stored, writeReport } from '../report/write.mjs'
import { WORKLOADS } from '../workloads/index.mjs'
import { whileAwake } from './awake.mjs'
import { droppedOf, findRegressions, ratiosOf } from './baseline.mjs'
import { buildAll, buildForPages, serverPath, targetFolder } from './build.mjs'
import { FIGURES, write } from './figures.mjs'
import { describeMachine, versionsOf } from './machine.mjs'
import { USAGE, readOptions } from './options.mjs'
import { runGrowth, runRounds, takeStock } from './run.mjs'
import { selfTest } from './server.mjs'
import { describeWakeUps } from './wake-up.mjs'

/** The exit code. */
async function main(args) {
  const options = readOptions(args)
  if (options.help) return say(USAGE)
  const out = options.out ?? join(ROOT, 'docs')
  if (options.report) return report(out)
  if (options.micro) return runMicro(out)
  const build = options.page ? buildForPages : buildAll
  const program = options['no-build'] ? serverPath() : await build()
  if (options.page) return await inPages(program, options, out)
  return options.growth ? await growth(program, options, out) : await compare(program, options, out)
}

async function compare(program, options, out) {
  const { workloads, clients, rounds, short: isShort } = options
  const { present, possible, absent } = stockOf(clients, workloads)
  const samples = await runRounds({ program, workloads: possible, clients: present, rounds, isShort, tell: progress })
  say(workloadTables(samples, present))
  if (options.isWhole) {
    const { machine, ...others } = circumstances(present)
    const wakeUps = await describeWakeUps()
    const capacity = await capacityOf(program, possible)
    store(out, 'results', {
      ...others,
      machine: { ...machine, ...wakeUps },
      rounds,
      clients: present,
      absent,
      capacity,
      samples,
    })
    say(`\n${goalsTable(samples)}\n`)
    report(out)
  }
  if (options.save && !isShort) save(samples)
  return options.check ? check(samples) : 0
}

async function growth(program, { clients, curves, client }, out) {
  const { present } = stockOf(client.length > 0 ? clients : [OURS, REFERENCE, 'ws-tuned'])
  const points = await runGrowth({ program, curves, clients: present, tell: progress })
  // The other curves stay as they are.
  const others = (stored(out, 'growth')?.points ?? []).filter(({ curve }) => !curves.includes(curve))
  store(out, 'growth', { ...circumstances(present), points: [...others, ...points] })
  return report(out)
}

async function inPages(program, { rounds, short: isShort }, out) {
  const { samples, sizes, browser } = await runInPages({ program, rounds, isShort, tell: progress })
  const run = { ...circumstances([]), browser, sizes, samples }
  say(pageSection(run))
  if (isShort) return 0
  store(out, 'page', run)
  return report(out)
}

function runMicro(out) {
  execFileSync('cargo', ['bench', '--locked', '--bench', 'micro'], { cwd: ROOT, stdio: 'inherit' })
  store(out, 'micro', { ...circumstances([]), benchmarks: gatherMicro(join(targetFolder(), 'criterion')) })
  return report(out)
}

function report(out) {
  const isWritten = writeReport(out)
  say(
    isWritten
      ? `${join(out, 'performance.md')} is written`
      : 'Stored. The report will be written once `npm run bench` has measured the clients.',
  )
}

/** A run of some workloads replaces only the ratios of those. */
function save(samples) {
  const stored = { ...readBaseline(), ...ratiosOf(samples) }
  const inOrder = Object.fromEntries(
    Object.keys(stored)
      .sort()
      .map((workload) => [workload, stored[workload]]),
  )
  writeFileSync(BASELINE, `${JSON.stringify(inOrder, null, 2)}\n`)
  say(`${BASELINE} is written`)
}

function check(samples) {
  const regressions = findRegressions(readBaseline(), ratiosOf(samples))
  for (const { workload, figure, was, is, allowed } of regressions) {
    say(
      `WORSE  ${WORKLOADS[workload].title}: ${FIGURES[figure].title} is ${write(is)} × ${REFERENCE}, was ${write(was)}, limit ${write(allowed)}`,
    )
  }
  const dropped = droppedOf(samples)
  if (dropped > 0) say(`WORSE  ${WORKLOADS.blocked.title}: ${dropped} connections were lost`)
  if (regressions.length > 0 || dropped > 0) return 1
  say('Nothing has become worse.')
  return 0
}

function readBaseline() {
  try {
    return JSON.parse(readFileSync(BASELINE, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

/** The server's capacity in calls/s, by workload. */
async function capacityOf(program, workloads) {
  const capacity = selfTest(program)
  const awake = workloads.filter((workload) => WORKLOADS[workload].awake)
  if (awake.length === 0) return capacity
  const rates = await whileAwake(() => selfTest(program))
  return { ...capacity, ...Object.fromEntries(awake.map((workload) => [workload, rates[WORKLOADS[workload].awake]])) }
}

function stockOf(clients, workloads) {
  const stock = takeStock(clients, workloads)
  for (const [name, reason] of Object.entries(stock.absent)) say(`${name} is left out: ${reason}`)
  if (!stock.present.includes(OURS)) say('this client is not measured: there will be no ratios')
  return stock
}

function circumstances(clients) {
  return { date: new Date().toISOString().slice(0, 10), machine: describeMachine(), versions: versionsOf(clients) }
}

function progress({ round, workload, client, curve, value }, index, count) {
  const what = workload === undefined ? `${curve} = ${value}` : `round ${round + 1}: ${workload}`
  process.stderr.write(`${index + 1}/${count}  ${what}, ${client}\n`)
}

function say(text) {
  console.log(text)
}

const BASELINE = join(ROOT, 'benches', 'baseline.json')

process.exitCode = await main(process.argv.slice(2))
