/**
 * The benchmark itself: its statistics, its goals, its report, and that it measures what it says; never how fast
 * something is.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { CLIENTS, missing } from '../benches/clients/index.mjs'
import { keepAwake, whyNotAwake } from '../benches/harness/awake.mjs'
import { findRegressions, ratiosOf } from '../benches/harness/baseline.mjs'
import { serverPath } from '../benches/harness/build.mjs'
import { COLUMNS, write } from '../benches/harness/figures.mjs'
import { AWAKE_GOALS, GOALS, judge } from '../benches/harness/goals.mjs'
import { addonSize } from '../benches/harness/machine.mjs'
import { measure } from '../benches/harness/measure.mjs'
import { readOptions } from '../benches/harness/options.mjs'
import { plan, shuffle } from '../benches/harness/rounds.mjs'
import { runRounds, takeStock } from '../benches/harness/run.mjs'
import { startServer } from '../benches/harness/server.mjs'
import { figureOf, quantile, ratioOf } from '../benches/harness/statistics.mjs'
import { wakeUpTime } from '../benches/harness/wake-up.mjs'
import { judgeInPages, pageSection } from '../benches/report/page.mjs'
import { logScale } from '../benches/report/svg.mjs'
import { openingFigures, summaryTable } from '../benches/report/summary.mjs'
import { lossesTable } from '../benches/report/tables.mjs'
import { fill, store, writeReport } from '../benches/report/write.mjs'
import { FLOORS, WORKLOADS as IN_PAGES } from '../benches/page/index.mjs'
import { runInPages } from '../benches/page/run.mjs'
import { Expectation, WrongAnswer } from '../benches/workloads/expected.mjs'
import { SHORT, WORKLOADS } from '../benches/workloads/index.mjs'
import { BINARY } from './helpers/binary.mjs'
import { ROOT } from './helpers/root.mjs'

const run = promisify(execFile)

describe('the statistics', () => {
  it('take quantiles between neighbours', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5)
    assert.equal(quantile([5], 0.25), 5)
    assert.ok(Number.isNaN(quantile([], 0.5)))
  })

  it('pair ratios within a round, so that a slow round does not count', () => {
    const samples = [
      ...rounds('ours', 'calls-1', 'p50', [10, 100, 1000]),
      ...rounds('ws', 'calls-1', 'p50', [20, 200, 2000]),
    ]
    assert.deepEqual(ratioOf(samples, 'calls-1', 'ours', 'ws', 'p50'), { median: 0.5, low: 0.5, high: 0.5, count: 3 })
  })

  it('leave out rounds that lack one of the two', () => {
    const samples = [...rounds('ours', 'calls-1', 'p50', [10, 10]), sample(1, 'ws', 'calls-1', { p50: 40 })]
    assert.equal(ratioOf(samples, 'calls-1', 'ours', 'ws', 'p50').count, 1)
    assert.equal(ratioOf(samples, 'calls-16', 'ours', 'ws', 'p50'), null)
    assert.equal(figureOf(samples, 'calls-1', 'ours', 'p99'), null)
  })
})

describe('the rounds', () => {
  it('measure every client in every workload it can run, reference and ours in each round', () => {
    const steps = plan({ workloads: Object.keys(WORKLOADS), clients: Object.keys(CLIENTS), rounds: 3 })
    const of = (workload, client) => steps.filter((step) => step.workload === workload && step.client === client).length
    assert.equal(of('calls-16', 'ours'), 3)
    assert.equal(of('calls-16', 'ws'), 3)
    assert.equal(of('calls-16', 'undici'), 2)
    assert.equal(of('storm', 'ours'), 2)
    assert.equal(of('load', 'bun'), 0)
    assert.equal(of('tls-16', 'no-network'), 0)
    assert.equal(of('compressed-256', 'ours-plain'), 3)
    assert.equal(of('calls-16', 'ours-plain'), 0)
    assert.equal(of('compressed-256', 'mcp-sdk'), 0)
  })

  it('keep the clients of one workload together, in random order', () => {
    const steps = plan({ workloads: ['calls-1', 'calls-16'], clients: ['ours', 'ws'], rounds: 1, random: () => 0 })
    assert.deepEqual(
      steps.map(({ workload, client }) => `${workload} ${client}`),
      ['calls-16 ws', 'calls-16 ours', 'calls-1 ws', 'calls-1 ours'],
    )
    assert.deepEqual(
      shuffle([1, 2, 3], () => 0.999),
      [1, 2, 3],
    )
  })
})

describe('the goals', () => {
  const calls = (ours) => [
    ...rounds('ours', 'calls-256', 'callsPerSecond', [ours]),
    ...rounds('ws', 'calls-256', 'callsPerSecond', [100]),
  ]
  const verdict = (samples) =>
    judge(samples).find(({ workload, figure }) => workload === 'calls-256' && figure === 'callsPerSecond').verdict

  it('are judged from the samples', () => {
    assert.equal(verdict(calls(510)), 'goal')
    assert.equal(verdict(calls(400)), 'floor')
    assert.equal(verdict(calls(399)), 'missed')
    assert.equal(verdict([]), 'not measured')
  })

  it('are the same with the cores kept awake', () => {
    const smallCalls = GOALS.filter(({ workload }) => workload.startsWith('calls-'))
    assert.deepEqual(
      AWAKE_GOALS.map(({ workload, figure, floor }) => [workload.replace('awake', 'calls'), figure, floor]).sort(),
      smallCalls.map(({ workload, figure, floor }) => [workload, figure, floor]).sort(),
    )
  })

  it('name figures and workloads that exist', () => {
    for (const { workload, figure } of [...GOALS, ...AWAKE_GOALS])
      assert.ok(COLUMNS[WORKLOADS[workload].group].includes(figure), `${workload} ${figure}`)
  })
})

describe('the cores', () => {
  it('are kept awake by requesting no latency, until that is ended', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-awake-'))
    try {
      const path = join(folder, 'latency')
      writeFileSync(path, '')
      const letSleep = keepAwake(path)
      assert.deepEqual([...readFileSync(path)], [0, 0, 0, 0])
      letSleep()
      assert.throws(letSleep, { code: 'EBADF' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('take a while to wake', async () => assert.ok((await wakeUpTime(20)) > 0))

  it('are not kept awake where that is impossible, and the reason is reported', () => {
    assert.match(
      whyNotAwake(join(tmpdir(), 'no', 'such', 'file')),
      /^the cores cannot be kept awake, which needs root on Linux: ENOENT/,
    )
    assert.throws(() => keepAwake(tmpdir()), /the cores cannot be kept awake/)
  })
})

describe('the check', () => {
  const stored = {
    'calls-16': { callsPerSecond: { median: 2, low: 1.9, high: 2.1 }, jsCpu: { median: 0.2, low: 0.18, high: 0.22 } },
  }
  const now = (callsPerSecond, jsCpu) => ({
    'calls-16': { callsPerSecond: { median: callsPerSecond }, jsCpu: { median: jsCpu } },
  })

  it('reports what has become worse, and ignores noise', () => {
    assert.deepEqual(findRegressions(stored, now(1.6, 0.25)), [])
    assert.deepEqual(
      findRegressions(stored, now(1.2, 0.2)).map(({ workload, figure }) => [workload, figure]),
      [['calls-16', 'callsPerSecond']],
    )
    assert.deepEqual(
      findRegressions(stored, now(2, 0.4)).map(({ figure }) => figure),
      ['jsCpu'],
    )
  })

  it('accepts what has become better, and what is not stored', () => {
    assert.deepEqual(findRegressions(stored, now(9, 0.01)), [])
    assert.deepEqual(findRegressions({}, now(0.1, 9)), [])
  })

  it('leaves out the loop delay of small results, which is a hiccup', () => {
    const of = (workload) =>
      Object.keys(ratiosOf(['ours', 'ws'].flatMap((client) => rounds(client, workload, 'loopDelay', [1])))[workload])
    assert.deepEqual([of('calls-16'), of('awake-1'), of('1mb-x4'), of('storm')], [[], [], ['loopDelay'], ['loopDelay']])
  })

  it('takes its ratios from the samples', () => {
    const samples = [...rounds('ours', 'calls-1', 'jsCpu', [1, 1]), ...rounds('ws', 'calls-1', 'jsCpu', [2, 4])]
    assert.deepEqual(ratiosOf(samples), { 'calls-1': { jsCpu: { median: 0.375, low: 0.3125, high: 0.4375 } } })
  })
})

describe('the report', () => {
  let folder
  before(() => (folder = mkdtempSync(join(tmpdir(), 'mcp-bench-'))))
  after(() => rmSync(folder, { recursive: true }))

  const samples = [
    ...rounds('ours', 'calls-1', 'p50', [10, 12]),
    ...rounds('ws', 'calls-1', 'p50', [20, 20]),
    ...rounds('undici', 'calls-1', 'p50', [5, 5]),
  ]
  const results = {
    date: '2000-01-02',
    machine: { cpu: 'a CPU' },
    versions: { ws: '0.0.0' },
    rounds: 2,
    clients: ['ours', 'ws', 'undici'],
    absent: { bun: 'gone' },
    capacity: {},
    samples,
  }

  it('waits for the results', () => assert.equal(writeReport(folder), false))

  it('is made from what was stored, and names what is missing', () => {
    store(folder, 'results', results)
    store(folder, 'growth', {
      points: [
        { curve: 'bytes', value: 100, client: 'ours', figures: { jsCpu: 1, callsPerSecond: 2 } },
        { curve: 'bytes', value: 1000, client: 'ours', refused: 'too\nmuch' },
      ],
    })
    store(folder, 'micro', { benchmarks: [{ group: 'envelope', name: 'ours 1 MB', ns: 500_000, bytes: 1_000_000 }] })
    assert.equal(writeReport(folder), true)
    const text = readFileSync(join(folder, 'performance.md'), 'utf8')
    for (const part of [
      'a CPU',
      '0.55 ×',
      '`bun` was left out: gone',
      'too much',
      '| envelope | ours 1 MB | 500,000 | 2 |',
      '**goal**',
    ]) {
      assert.ok(text.includes(part), `${part} is missing`)
    }
    for (const [, image] of text.matchAll(/\]\((performance\/[^)]+)\)/g))
      assert.match(readFileSync(join(folder, image), 'utf8'), /^<svg[^]*<\/svg>\n$/)
    assert.doesNotMatch(text, /NaN|undefined|Infinity|\{\{/)
    assert.deepEqual(
      JSON.parse(readFileSync(join(folder, 'performance', 'results.json'), 'utf8')).samples.length,
      samples.length,
    )
    assert.ok(readdirSync(join(folder, 'performance')).includes('growth-bytes-jsCpu.svg'))
  })

  it('opens with what matters most, and says of 16 calls in flight how much the machine decides', () => {
    const calls16 = [
      ...rounds('ours', 'calls-16', 'callsPerSecond', [150]),
      ...rounds('ws', 'calls-16', 'callsPerSecond', [100]),
    ]
    const lines = summaryTable(calls16, { 'waking a core': '30.0 µs' }).split('\n')
    assert.ok(
      lines.includes('| 16 in flight, 100 B: calls/s; waking a core takes 30.0 µs | 150 | 100 | 1.5 × |'),
      lines.join('\n'),
    )
    assert.ok(lines.some((line) => /^\| 16 in flight, .*another machine.*slow to wake .* 1\.0–1\.1 × \|$/.test(line)))
    const { rate16, cpu256 } = openingFigures(calls16)
    assert.deepEqual([rate16, cpu256], ['1.5', '– %'])
  })

  it('gives the size of the addon beside its budget', () => {
    assert.equal(addonSize(), `${statSync(BINARY).size.toLocaleString('en')} bytes, of at most 4,500,000`)
  })

  it('has the floors of pages, and what a page loads', () => {
    const inPages = [
      ...rounds('ours', 'page-1', 'p50', [11, 22]),
      ...rounds('guide', 'page-1', 'p50', [10, 20]),
      ...rounds('ours', 'page-ready', 'readyTime', [31]),
    ]
    const verdicts = judgeInPages(inPages).filter(({ measured }) => measured !== null)
    assert.deepEqual(
      verdicts.map(({ figure, reached }) => [figure, reached]),
      [
        ['p50', true],
        ['readyTime', false],
      ],
    )
    const sizes = { script: { bytes: 60_000, compressed: 20_000 }, module: { bytes: 150_000, compressed: 60_000 } }
    const section = pageSection({
      samples: inPages,
      sizes,
      browser: 'Chromium 1',
      date: 'today',
      machine: { cores: 2 },
    })
    assert.match(section, /\| 1 in flight, 100 B: p50, µs \| 1\.1 \([^|]+\| × plain code \| ≤ 1\.1 \| yes \|/)
    assert.match(section, /with gzip, KB \| 78\.1 \|  \| ≤ 70\.0 \| \*\*no\*\* \|/)
    assert.match(section, /\| together \| 210,000 \| 80,000 \|/)
  })

  it('shows where another client is better', () => {
    assert.match(lossesTable(samples, results.clients), /1 in flight, 100 B \| p50 \| `undici` 2\.2 /)
    assert.doesNotMatch(lossesTable(samples, results.clients), /`ws`/)
  })

  it('refuses a template with an unknown name', () => {
    assert.throws(() => fill('{{nothing}}', { something: '' }), /contains \{\{nothing\}\}/)
  })

  it('writes numbers with three significant digits', () => {
    assert.deepEqual([0, 0.012345, 1.234, 12.34, 123.4, 12_345.6, NaN, null].map(write), [
      '0',
      '0.0123',
      '1.23',
      '12.3',
      '123',
      '12,346',
      '–',
      '–',
    ])
  })

  it('has scales with ticks within their range', () => {
    for (const values of [[1], [0.1, 90_000], [3, 4], []]) {
      const scale = logScale(values, 0, 100)
      assert.ok(scale.ticks.every((tick) => scale(tick) >= 0 && scale(tick) <= 100))
    }
  })
})

describe('the command line', () => {
  it('selects by name and by group, and refuses unknown names', () => {
    assert.deepEqual(readOptions(['--only', 'storm']).workloads, ['storm'])
    assert.ok(readOptions(['--only', 'calls']).workloads.includes('1mb-x4'))
    assert.deepEqual(readOptions(['--growth', '--only', 'bytes']).curves, ['bytes'])
    assert.throws(() => readOptions(['--only', 'nothing']), /--only nothing is none of/)
    assert.throws(() => readOptions(['--rounds', '0']), /--rounds/)
    assert.throws(() => readOptions(['--client', 'none']), /--client none/)
  })

  it('names what is missing instead of measuring it', () => {
    assert.equal(missing('ours'), null)
    CLIENTS.absent = { title: 'absent', packages: ['no-such-package'] }
    assert.deepEqual(takeStock(['ours', 'absent'], ['calls-1']), {
      present: ['ours'],
      possible: ['calls-1'],
      absent: { absent: 'the package no-such-package is not installed' },
    })
    delete CLIENTS.absent
  })
})

describe('the harness', () => {
  // `cargo test` has built it before.
  before(() => run('cargo', ['build', '--locked', '--example', 'bench-server'], { cwd: ROOT, maxBuffer: 1 << 26 }))

  const program = serverPath('debug')
  const { present } = takeStock()

  it('gets right answers from every client', async () => {
    const workloads = ['calls-16', 'compressed-10kb-x16', 'compressed-256']
    const samples = await runRounds({ program, workloads, clients: present, rounds: 1, isShort: true })
    assert.deepEqual(new Set(samples.map(({ client }) => client)), new Set(present))
    for (const { client, figures } of samples) assert.ok(figures.callsPerSecond > 0, client)
  })

  it('gets right answers in pages, from every client', async () => {
    const { samples, sizes } = await runInPages({ program, rounds: 1, isShort: true })
    assert.equal(samples.length, Object.values(IN_PAGES).flatMap(({ clients }) => clients).length)
    for (const { workload, figure } of FLOORS) {
      const { figures } = samples.find((sample) => sample.workload === workload && sample.client === 'ours')
      assert.ok(figures[figure] > 0, `${workload} ${figure}`)
    }
    for (const { workload, figures } of samples)
      assert.ok(workload === 'page-ready' || figures.cpuPerCall > 0, `${workload} cpuPerCall`)
    assert.ok(sizes.module.compressed > 0 && sizes.script.compressed > 0)
  })

  it('measures every group of workloads', async () => {
    const workloads = SHORT.filter((workload) => workload !== 'calls-16')
    const samples = await runRounds({ program, workloads, clients: ['ours'], rounds: 1, isShort: true })
    for (const { workload, figures } of samples) {
      const missing = COLUMNS[WORKLOADS[workload].group].filter(
        (figure) => process.platform === 'linux' && !Number.isFinite(figures[figure]),
      )
      assert.deepEqual(missing, [], workload)
    }
    assert.deepEqual(samples.find(({ workload }) => workload === 'blocked').figures, { dropped: 0 })
  })

  it('compresses what it says it does, and puts a slow line before the server where it says so', async () => {
    const server = await startServer(program)
    const measured = (client, workload, changes) =>
      measure(server, client, { ...WORKLOADS[workload], ...WORKLOADS[workload].short, ...changes, name: workload })
    try {
      // 200 KB take a second over this line unless they are compressed.
      const line = { bandwidth: 200_000, latency: 10 }
      const slow = { bytes: 200_000, inFlight: 1, seconds: 1.5, line }
      const [plain, ...compressed] = [
        await measured('ours-plain', 'line-1mb-x1', slow),
        await measured('ours', 'line-1mb-x1', slow),
        await measured('ws', 'line-1mb-x1', slow),
        await measured('undici', 'line-1mb-x1', slow),
      ].map(({ p50 }) => p50 / 1000)
      assert.ok(plain > 900, `${plain} ms`)
      for (const duration of compressed) assert.ok(duration < plain * 0.7 && duration > 20, `${duration} ms`)
    } finally {
      await server.stop()
    }
  })

  it('stops at a wrong answer', async () => {
    const server = await startServer(program)
    try {
      // A kind that the harness does not know is plain to it; the server's other kinds are not.
      const task = { ...WORKLOADS['calls-1'], ...WORKLOADS['calls-1'].short, name: 'a wrong answer', kind: 'lie' }
      await assert.rejects(measure(server, 'ws', task), /ws in a wrong answer failed[^]*WrongAnswer/)
    } finally {
      await server.stop()
    }
  })

  it('finds each kind of wrong answer', () => {
    const expectation = new Expectation(1000, 'plain')
    const right = () => ({ n: 7, items: JSON.parse(JSON.stringify(expectation.items)) })
    expectation.checkInDepth(right(), 7)
    assert.throws(() => expectation.check(right(), 8), WrongAnswer)
    assert.throws(() => expectation.check(undefined, 7), WrongAnswer)
    assert.throws(() => expectation.check({ n: 7, items: [] }, 7), WrongAnswer)
    const altered = right()
    altered.items[0].score = 0.25
    assert.throws(() => expectation.checkInDepth(altered, 7), WrongAnswer)
  })
})

function rounds(client, workload, figure, values) {
  return values.map((value, round) => sample(round, client, workload, { [figure]: value }))
}

function sample(round, client, workload, figures) {
  return { round, workload, client, figures }
}
