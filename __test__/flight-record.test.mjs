/** The flight recorder: what `dump()` shows, what comes with an error and on a signal, and that it can be replayed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { PATIENT, next, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { start } from './helpers/program.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

const require = createRequire(import.meta.url)
const { replay } = require(`${ROOT}/dist/client/replay.js`)
const { version } = require(`${ROOT}/package.json`)

const kinds = ({ events }) => events.map(({ kind }) => kind)

function assertReplays(record) {
  const { difference, events } = replay(JSON.stringify(record))
  assert.equal(difference, null, inspect(difference))
  assert.equal(events, record.events.length)
}

describe('dump()', () => {
  test('has what the contract says, and of a new client no event', (t) => {
    const client = open(t, `${DEAF_URL}?key=hunter2`, { autoConnect: false, maxReconnectAttempts: Infinity })
    const record = client.dump()
    assert.deepEqual(
      { version: record.version, client: record.client, url: record.url, events: record.events },
      { version, client: client.id, url: client.snapshot.url, events: [] },
    )
    assert.equal(record.options.authTimeout, 10_000)
    assert.equal(record.options['maxReconnectAttempts.Infinity'], true)
    for (const value of Object.values(record.options)) assert.match(typeof value, /^(number|boolean)$/)
    for (const value of Object.values(record.start))
      assert.ok(value === null || /^(string|number|boolean)$/.test(typeof value), inspect(value))
    assertReplays(record)
  })

  test('shows a connection from its dial to its end, with times, sizes, ids and addresses', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, PATIENT)
    const before = Date.now()
    await client.useTool('echo', { text: 'nobody else reads this' })
    await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
    const record = client.dump()
    const expected = [
      'connect',
      'state',
      'dial',
      'phase',
      'address',
      'open',
      'sent',
      'received',
      'call',
      'closed',
      'drawn',
    ]
    for (const kind of expected) assert.ok(kinds(record).includes(kind), `${kind} in ${kinds(record)}`)
    const of = (kind) => record.events.find((event) => event.kind === kind)
    assert.equal(of('address').address, new URL(server.url).host)
    const call = of('call')
    assert.ok(call.at >= before && call.at <= Date.now() && call.size > 40)
    const answer = record.events.find(({ kind, id }) => kind === 'received' && id === call.id)
    assert.deepEqual([answer.frame, answer.outcome], ['results', 'settled'])
    assert.equal(record.events.at(-1).kind, 'closeTold')
    assert.ok(!JSON.stringify(record).includes('nobody'))
    assertReplays(record)
  })

  test('shows the newest 256 events, and can be replayed wherever it begins', async (t) => {
    const client = await ready(t, await listen(t))
    const slow = Promise.all([1, 2, 3].map(() => rejection(client.useTool('sleep', { ms: 60_000 }))))
    for (let round = 0; round < 50; round++) {
      await Promise.all(Array.from({ length: 1 + (round % 5) }, () => client.useTool('echo')))
      assertReplays(client.dump())
    }
    const { events } = client.dump()
    assert.equal(events.length, 256)
    assert.ok(events.every(({ mono }, index) => index === 0 || mono >= events[index - 1].mono))
    await client.close()
    await slow
    assertReplays(client.dump())
  })

  test('holds no key, no query and no content, and not the length of a key', async (t) => {
    const sizes = []
    for (const apiKey of ['hunter2', 'hunter2hunter2hunter2']) {
      const server = await listen(t, { tokens: [apiKey] })
      const client = await ready(t, `${server.url}?ticket=hunter2`, { apiKey, headers: { 'x-a': 'hunter2' } })
      await client.useTool('echo', { hunter2: 'hunter2' })
      await rejection(client.useTool('fail', { message: 'hunter2' }))
      await client.authenticate(apiKey)
      await client.close(1000, 'hunter2')
      const record = client.dump()
      assert.ok(!JSON.stringify(record).includes('hunter2'))
      sizes.push(record.events.map(({ frame, size }) => [frame, size]).filter(([frame]) => frame === 'auth'))
    }
    assert.deepEqual(sizes[0], sizes[1])
  })
})

describe('the error of a client that has failed', () => {
  test('comes with the newest events, and shows them in one line', async (t) => {
    const client = open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false })
    const [failed, rejected] = await Promise.all([next(client, 'failed'), rejection(client.connect())])
    const [error] = failed
    assert.equal(error, client.error)
    assert.ok(error.recentEvents.length > 3 && error.recentEvents.length <= 16)
    // What follows is that the command is settled.
    const { events } = client.dump()
    assert.deepEqual([...error.recentEvents], events.slice(0, -1).slice(-16))
    assert.equal(events.at(-1).kind, 'settled')
    assert.ok(Object.isFrozen(error.recentEvents))
    assert.equal(rejected.recentEvents, error.recentEvents)
    assert.doesNotMatch(inspect(error, { customInspect: false }), /recentEvents/)
  })

  test('is the only one: a call that fails has no such thing', async (t) => {
    const client = await ready(t, await listen(t))
    assert.equal('recentEvents' in (await rejection(client.useTool('fail'))), false)
  })
})

describe('SIGUSR2', { skip: process.platform === 'win32' && 'Windows has no such signal' }, () => {
  /** Two clients, one of them connected; it ends when nothing keeps it alive. */
  const program = async ({ MCPClient, tell, input }) => {
    const client = new MCPClient({ url: input.url })
    new MCPClient({ url: input.url, autoConnect: false })
    await client.connect()
    tell(client.id)
    await client.useTool('sleep', { ms: input.ms })
    await client.close()
  }

  test('has all clients write their records to standard error, one a line, if the environment says so', async (t) => {
    const server = await listen(t)
    const env = { MCP_CLIENT_DUMP_SIGNAL: '1' }
    const { child, told, ended } = start(t, program, { url: server.url, ms: 60_000 }, { env })
    const id = await told(0)
    const written = once(child.stderr, 'data')
    child.kill('SIGUSR2')
    await written
    server.closeAll(1000)
    const { code, stderr } = await ended
    const records = stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      records.map(({ client }) => client),
      [id, id + 1],
    )
    assert.deepEqual(
      records.map(({ events }) => events.length > 0),
      [true, false],
    )
    records.forEach(assertReplays)
    // The call that was lost is nobody's: the program itself has failed.
    assert.equal(code, 1)
  })

  test('does not keep the process alive', async (t) => {
    const server = await listen(t)
    const env = { MCP_CLIENT_DUMP_SIGNAL: '1' }
    const { code, signal } = await start(t, program, { url: server.url, ms: 1 }, { env }).ended
    assert.deepEqual([code, signal], [0, null])
  })

  test('is left alone otherwise, and in workers', async (t) => {
    const server = await listen(t)
    const plain = start(t, program, { url: server.url, ms: 60_000 })
    await plain.told(0)
    plain.child.kill('SIGUSR2')
    assert.equal((await plain.ended).signal, 'SIGUSR2')
    const inWorker = async ({ tell, input }) => {
      const { Worker } = await import('node:worker_threads')
      const code = `
        const { MCPClient } = require('@mcp-integration/client')
        new MCPClient({ url: ${JSON.stringify(input.url)}, autoConnect: false })
        require('node:worker_threads').parentPort.postMessage(process.listenerCount('SIGUSR2'))`
      const worker = new Worker(code, { eval: true, execArgv: [] })
      worker.once('message', (count) => tell([count, process.listenerCount('SIGUSR2')]))
    }
    const options = { env: { MCP_CLIENT_DUMP_SIGNAL: '1' } }
    assert.deepEqual((await start(t, inWorker, { url: server.url }, options).ended).told, [[0, 0]])
  })
})

describe('a replay', () => {
  test('says which event the rules would decide otherwise', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, PATIENT)
    await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
    const record = client.dump()
    const place = kinds(record).lastIndexOf('state')
    record.events[place].attempt = 7
    const { difference } = replay(JSON.stringify(record))
    assert.equal(difference.event, place)
    assert.deepEqual([difference.recorded.attempt, difference.rules.attempt], [7, 1])
  })

  test('refuses what it cannot replay, with the reason', (t) => {
    const record = open(t, DEAF_URL, { autoConnect: false }).dump()
    for (const [text, name, words] of [
      ['', TypeError, /not JSON/],
      ['[]', TypeError, /is no object/],
      [JSON.stringify({ ...record, version: '99.0.0' }), Error, /version 99\.0\.0, and this is version/],
      [JSON.stringify({ ...record, events: [{}] }), TypeError, /event 0 has no "kind"/],
      [' '.repeat(16 * 1024 * 1024 + 1), RangeError, /16777217 bytes/],
    ])
      assert.throws(
        () => replay(text),
        (error) => error.constructor === name && words.test(error.message),
        String(words),
      )
  })
})
