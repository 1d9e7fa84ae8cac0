/** `mcp-client monitor`, in a terminal as a user meets it, and for other programs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { runCli, startCli } from './helpers/cli.mjs'
import { startInTerminal } from './helpers/terminal.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const CTRL_C = '\u0003'
const FAST = ['--every', '100']

describe('mcp-client monitor', AT_ONCE, () => {
  async function monitoring(t, { args = [], columns, rows, env, ...options } = {}) {
    const server = await listen(t, options)
    const terminal = startInTerminal(t, ['monitor', server.url, ...FAST, ...args], { columns, rows, env })
    await terminal.shows(/● ready/)
    return { server, terminal }
  }

  test('shows state, round trips, calls and events on a screen of its own', async (t) => {
    const { server, terminal } = await monitoring(t, { args: ['--tool', 'sleep', '--parameters', 'ms:=5'] })
    await terminal.shows(/p99 \d+/)
    const lines = await terminal.shows(/^Calls {4}[1-9]/m)
    assert.ok(terminal.isFullScreen())
    const rows = [
      new RegExp(`^${server.url}$`),
      /^● ready for \d+ s, since \d\d:\d\d:\d\d$/,
      /^ ?$/,
      /^RTT {6}[\d.]+ ms +[▁▂▃▄▅▆▇█]{2,}$/,
      /^ {9}min [\d.]+ ms {2}mean [\d.]+ ms {2}max [\d.]+ ms$/,
      /^Calls {4}[\d.]+\/s {2}in flight [01] {2}queued 0$/,
      /^Latency {2}p50 [\d.]+ ms {2}p90 [\d.]+ ms {2}p99 [\d.]+ ms {2}max [\d.]+ ms$/,
      /^Traffic {2}↑ \d+ B\/s {2}↓ \d+ B\/s$/,
      /^Outages {2}0 survived$/,
      /^Errors {3}none$/,
      /^$/,
      /^\d\d:\d\d:\d\d ready$/,
      /^\d\d:\d\d:\d\d authenticating$/,
      /^\d\d:\d\d:\d\d connecting to ws:.*$/,
    ]
    for (const [index, row] of rows.entries()) assert.match(lines[index], row, lines.join('\n'))
    assert.equal(lines.at(-1), ' r  reconnect   p  ping   q  quit')
  })

  test('p pings, in both dialects', async (t) => {
    for (const dialect of ['guide', 'event']) {
      const { terminal } = await monitoring(t, { dialect })
      terminal.type('p')
      await terminal.shows(/pong after [\d.]+ ms/)
    }
  })

  test('r reconnects, and an outage is counted with its errors', async (t) => {
    const { server, terminal } = await monitoring(t)
    await server.nextConnection()
    terminal.type('r')
    await server.nextConnection()
    await terminal.shows(/closed with 1000[^]*authenticating|ready\n[^]*ready\n/)
    await server.terminateAll()
    await terminal.shows(/● reconnecting/)
    await terminal.shows(/connection lost/)
    terminal.type('r')
    await terminal.shows(/● ready[^]*[1-9] survived[^]*1 CONNECTION_LOST/)
  })

  for (const [what, key, code] of [
    ['q', 'q', 0],
    ['Ctrl-C', CTRL_C, 0],
  ]) {
    test(`${what} quits, and the terminal is as it was`, async (t) => {
      const { terminal } = await monitoring(t)
      terminal.type(key)
      assert.equal((await terminal.ended).code, code)
      assert.ok(!terminal.isFullScreen())
      assert.deepEqual(terminal.all(), [])
      assert.match(terminal.output(), /\u001b\[\?25h(?!.*\u001b\[\?25l)/s, 'the cursor is there again')
    })
  }

  test('a signal ends it with the terminal as it was', async (t) => {
    const { terminal } = await monitoring(t)
    process.kill(terminal.pid, 'SIGTERM')
    await terminal.ended
    assert.ok(!terminal.isFullScreen())
    assert.deepEqual(terminal.all(), [])
  })

  for (const [columns, rows] of [
    [20, 8],
    [30, 12],
    [40, 10],
  ]) {
    test(`a window of ${columns} × ${rows} has what matters most, a line each`, async (t) => {
      const { terminal } = await monitoring(t, { columns, rows })
      const lines = await terminal.shows(/^RTT {6}[\d.]+/m)
      assert.ok(lines.length < rows, lines.join('\n'))
      assert.match(lines[1], /^● ready/)
      assert.match(lines.at(-1), /^ ?r.?:?.*reconnect.*p/)
      const names = lines.map((line) => /^(RTT|Calls|Errors|Latency)\b/.exec(line)?.[1]).filter(Boolean)
      assert.ok(names.includes('Calls') && new Set(names).size === names.length, lines.join('\n'))
    })
  }

  test('follows the size of the window', async (t) => {
    const { terminal } = await monitoring(t, { columns: 100, rows: 30 })
    await terminal.shows(/^Outages/m)
    terminal.resize(24, 9)
    const lines = await terminal.shows(/^r:reconnect p:ping/m)
    assert.ok(!lines.some((line) => line.startsWith('Outages')), lines.join('\n'))
    terminal.resize(80, 24)
    await terminal.shows(/^Outages[^]*^ r {2}reconnect {3}p {2}ping {3}q {2}quit/m)
  })

  test('has no colours with NO_COLOR', async (t) => {
    const { terminal } = await monitoring(t, { env: { NO_COLOR: '1' } })
    terminal.type('q')
    await terminal.ended
    assert.doesNotMatch(terminal.output(), /\u001b\[[\d;]*m/)
    const { terminal: colourful } = await monitoring(t)
    assert.match(colourful.output(), /\u001b\[32m/)
  })

  test('what a server says does not steer it', async (t) => {
    const { server, terminal } = await monitoring(t)
    await server.closeAll(4000, '\u001b[2J\u009b31mred\u202e')
    await terminal.shows(/closed with 4000 \(\[2J31mred\)/)
  })

  test('without a terminal it says what to use instead, and exits with 2', async () => {
    for (const env of [{}, { TERM: 'dumb' }]) {
      const { code, stdout, stderr } = await runCli(['monitor'], env)
      assert.deepEqual([code, stdout], [2, ''])
      assert.equal(stderr, 'mcp-client: monitor needs a terminal: use --json for other programs\n')
    }
  })

  test('--json prints one moment a line, and ends quietly when nobody reads on', async (t) => {
    const server = await listen(t)
    const { child, output, ended } = startCli(['monitor', server.url, '--json', ...FAST, '--tool', 'status'])
    t.after(() => child.kill('SIGKILL'))
    while (!/"count":[1-9]/.test(output.stdout)) await once(child.stdout, 'data')
    child.stdout.destroy()
    const { code, stderr } = await ended
    assert.deepEqual([code, stderr], [0, ''])
    const lines = output.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { snapshot, stats, rates, errors } = lines.at(-1)
    assert.equal(snapshot.state, 'ready')
    assert.equal(typeof stats.requestLatency.p50, 'number')
    assert.equal(typeof rates.calls, 'number')
    assert.deepEqual(errors, {})
  })

  test('options that cannot be used are one line and exit with 2', async () => {
    for (const [args, words] of [
      [['--every', '10'], /--every.*from 100/],
      [['--json', '--parameters', 'a=1'], /name it with --tool/],
      [['ftp://example.com', '--json'], /option "url"/],
    ]) {
      const { code, stdout, stderr } = await runCli(['monitor', ...args])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, words)
    }
  })
})
