/** `mcp-client doctor --read` and `--replay`, run as users run them. */
import assert from 'node:assert/strict'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { runCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const AT = Date.parse('2026-11-29T19:47:28.000Z')

/** A record with these events, each of them [ms since its beginning, kind, fields]. */
function recordOf(events, more = {}) {
  const shown = events.map(([ms, kind, fields]) => ({ at: AT + ms, mono: ms, kind, ...fields }))
  const start = { complete: true, state: 'idle' }
  return { version: '0.1.0', client: 3, url: 'wss://example.com/mcp-ws', options: {}, start, events: shown, ...more }
}

const OUTAGE = recordOf([
  [0, 'connect', {}],
  [0, 'state', { state: 'connecting', previous: 'idle', attempt: 0, error: null, delay: null }],
  [0, 'dial', { connection: 1, endpoint: 0 }],
  [1, 'phase', { connection: 1, phase: 'tcp' }],
  [12, 'dialFailed', { connection: 1, phase: 'tcp', code: 'ECONNREFUSED', status: null, address: '127.0.0.1:1' }],
  [12, 'drawn', { for: 'retry', delay: 1012.3 }],
  [12, 'state', { state: 'reconnecting', previous: 'connecting', attempt: 1, error: 'CONNECT_FAILED', delay: 1012.3 }],
  [1024, 'state', { state: 'connecting', previous: 'reconnecting', attempt: 1, error: null, delay: null }],
  [1100, 'somethingNew', { x: '\u001b[2J' }],
  [1200, 'settled', { code: 'CLOSED', sent: false, count: 3, id: null }],
])

describe('mcp-client doctor --read', AT_ONCE, () => {
  async function read(t, content, ...args) {
    const path = join(await folderOf(t, { record: content }), 'record')
    return { path, ...(await runCli(['doctor', '--read', path, ...args])) }
  }

  test('names the states passed through, tells each event, and counts what went wrong', async (t) => {
    const { code, stdout, stderr } = await read(t, JSON.stringify(OUTAGE, null, 2))
    assert.deepEqual([code, stderr], [0, ''])
    const lines = stdout.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} +/, ''))
    assert.deepEqual(lines, [
      'Client 3 of wss://example.com/mcp-ws, made by version 0.1.0',
      lines[1],
      'States: idle → connecting → reconnecting → connecting',
      '',
      'The program called connect()',
      'State: idle → connecting',
      'Dials endpoint 1 (connection 1)',
      'The dial has reached: TCP',
      'The dial failed at TCP: ECONNREFUSED, 127.0.0.1:1',
      'State: connecting → reconnecting, because of CONNECT_FAILED, attempt 1, in 1012 ms',
      '+1012 ms  State: reconnecting → connecting, attempt 1',
      'somethingNew {"x":"\\u001b[2J"}',
      '+100 ms  3 calls or commands failed with CLOSED before they were sent',
      '',
      'What went wrong:',
      '     1 × The dial failed at TCP: ECONNREFUSED, 127.0.0.1:1',
      '     3 × Calls or commands failed with CLOSED',
      '',
      '',
    ])
    assert.match(lines[1], /^10 events in 1 s, from \d\d:\d\d:\d\d\.000 to \d\d:\d\d:\d\d\.200$/)
  })

  test('--json is a list of what the records tell', async (t) => {
    const { stdout } = await read(t, JSON.stringify(OUTAGE), '--json')
    const [{ client, states, troubles, events }] = JSON.parse(stdout)
    assert.deepEqual([client, states.length, events.length], [3, 4, 9])
    assert.deepEqual(Object.values(troubles), [1, 3])
    assert.deepEqual(events[0], { at: '2026-11-29T19:47:28.000Z', words: 'The program called connect()' })
  })

  test('finds records among the other lines of standard error', async (t) => {
    const other = JSON.stringify(recordOf([], { client: 4 }))
    const { code, stdout } = await read(t, `starting\n${JSON.stringify(OUTAGE)}\n{"events":1}\n{"half\n${other}\n`)
    assert.equal(code, 0)
    assert.deepEqual(stdout.match(/^Client \d/gm), ['Client 3', 'Client 4'])
    assert.match(stdout, /The record has no events/)
  })

  test('what a record says does not steer the terminal', async (t) => {
    const urls = [[0, 'urls', { given: true, urls: 'ws://\u009b2J\u202e' }]]
    const { stdout } = await read(t, JSON.stringify(recordOf(urls, { url: 'ws://\u001b[2J' })))
    assert.match(stdout, /^Client 3 of ws:\/\/\[2J,/)
    assert.doesNotMatch(stdout, /[\u001b\u009b\u202e]/)
  })

  for (const [what, content, why] of [
    ['no JSON', 'hello', /holds no flight record: it is not JSON, nor is a line of it$/],
    ['nothing', '', /holds no flight record/],
    ['bytes', Buffer.from([0, 255, 254]), /holds no flight record/],
    ['other JSON', '[1]', /is no flight record: it is no JSON object$/],
    ['null', 'null', /is no flight record: it is no JSON object$/],
    ['an object', '{}', /is no flight record: its "version" is no string$/],
    ['events that are none', JSON.stringify({ ...OUTAGE, events: 5 }), /its "events" are no array$/],
    ['an event without a time', JSON.stringify({ ...OUTAGE, events: [{ kind: 'x' }] }), /event 0 of it has no "kind"/],
    ['a time that is none', JSON.stringify({ ...OUTAGE, events: [{ kind: 'x', at: 1e99 }] }), /event 0 of it/],
  ]) {
    test(`a file with ${what} is one line and exits with 2`, async (t) => {
      const { code, stdout, stderr, path } = await read(t, content)
      assert.deepEqual([code, stdout], [2, ''])
      assert.ok(stderr.startsWith(`mcp-client: ${path} `), stderr)
      assert.match(stderr.trimEnd(), why)
    })
  }

  test('a file that is too large is not read', async (t) => {
    const path = join(await folderOf(t, {}), 'large')
    await writeFile(path, '{')
    await truncate(path, 16 * 1024 * 1024 + 1)
    const { code, stderr } = await runCli(['doctor', '--read', path])
    assert.equal(code, 2)
    assert.equal(stderr, `mcp-client: ${path} has 16777217 bytes: a flight record has at most 16777216\n`)
  })

  test('no file, a folder, and a server besides are one line and exit with 2', async (t) => {
    const folder = await folderOf(t, {})
    for (const [args, why] of [
      [[join(folder, 'none')], /there is no file/],
      [[folder], /is a folder, not a file/],
      [['package.json', 'ws://127.0.0.1'], /about one file, not a server/],
      [['package.json', '--replay', 'package.json'], /give one of them alone/],
    ]) {
      const { code, stderr } = await runCli(['doctor', '--read', ...args])
      assert.equal(code, 2)
      assert.match(stderr, why)
    }
  })
})

describe('mcp-client doctor, of records that clients have made:', AT_ONCE, () => {
  /** The file of the record of a client that has had an outage, and calls. */
  async function recorded(t, change = () => {}) {
    const server = await listen(t)
    const client = new MCPClient(server.url, { baseReconnectDelay: 10, apiKey: 'hunter2' })
    await client.connect()
    await client.useTool('echo', { secret: 'hunter2' })
    await client.useTool('fail').catch(() => {})
    const lost = client.useTool('sleep', { ms: 60_000 }).catch(() => {})
    await server.nextRequest()
    await server.terminateAll()
    await lost
    await client.connect()
    await client.close()
    const record = JSON.parse(JSON.stringify(client.dump()))
    change(record)
    return join(await folderOf(t, { record: JSON.stringify(record) }), 'record')
  }

  test('--read names the states passed through and the outage, and no content', async (t) => {
    const { code, stdout, stderr } = await runCli(['doctor', '--read', await recorded(t)])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(
      stdout,
      /^States: idle → connecting → authenticating → ready → reconnecting → connecting → authenticating → ready → closing → closed$/m,
    )
    assert.match(stdout, /^ +1 × The connection ended with 1006, without a closing handshake$/m)
    assert.match(stdout, /^ +1 × Calls or commands failed with CONNECTION_LOST$/m)
    assert.doesNotMatch(stdout, /hunter2/)
    // An event that has no words of its own is shown as it is.
    assert.doesNotMatch(stdout, /^[\d:.]+ [^{]*\w \{"/m)
  })

  test('--replay says that the rules decide the same', async (t) => {
    const path = await recorded(t)
    const { code, stdout, stderr } = await runCli(['doctor', '--replay', path])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(
      stdout,
      /^Client \d+ of ws:.*: \d+ events, of which \d+ were given to the rules again\. They decide the same\.\n$/,
    )
    const [report] = JSON.parse((await runCli(['doctor', '--replay', path, '--json'])).stdout)
    assert.equal(report.difference, null)
  })

  test('--replay names the event that somebody has changed, and exits with 1', async (t) => {
    const change = ({ events }) => {
      const state = events.find(({ kind, state }) => kind === 'state' && state === 'reconnecting')
      state.state = 'failed'
    }
    const { code, stdout, stderr } = await runCli(['doctor', '--replay', await recorded(t, change)])
    assert.deepEqual([code, stderr], [1, ''])
    assert.match(
      stdout,
      /They decide otherwise at event \d+\.\n {2}recorded: .*→ failed.*\n {2}now: {6}.*→ reconnecting/,
    )
  })

  test('--replay refuses the record of another version', async (t) => {
    const path = await recorded(t, (record) => (record.version = '9.9.9'))
    const { code, stdout, stderr } = await runCli(['doctor', '--replay', path])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^mcp-client: .*made by version 9\.9\.9, and this is version [^\n]*\n$/)
  })

  test('--replay refuses what is no record as --read does', async (t) => {
    const path = join(await folderOf(t, { record: '{}' }), 'record')
    const { code, stderr } = await runCli(['doctor', '--replay', path])
    assert.equal(code, 2)
    assert.match(stderr, /is no flight record: its "version" is no string/)
  })
})
