/**
 * What `dump()` shows of a client in a page: what it does of one over the addon, and `mcp-client doctor` reads it. Only
 * the options and the session before the first event are left out, so it cannot be replayed.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { MCPClient } from '@mcp-integration/client'
import { launchBrowser } from './helpers/browser.mjs'
import { runCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { ROOT } from './helpers/root.mjs'
import { entry, openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

globalThis.WebSocket ??= WebSocket
const { MCPClient: PortableClient } = await import('@mcp-integration/client/portable')
const { version } = createRequire(import.meta.url)(join(ROOT, 'package.json'))

const SECRET = 'hunter2'
/** What each has, however much more it tells. */
const KINDS = ['closed', 'connect', 'dial', 'open', 'received', 'state']

/** Runs where the client is: it calls, is refused, loses its connection and finds another one. */
async function live(MCPClient, { url, secret }) {
  const next = (client, event) => new Promise((resolve) => client.once(event, resolve))
  const client = new MCPClient(`${url}?ticket=${secret}`, {
    apiKey: () => secret,
    heartbeatInterval: 10,
    baseReconnectDelay: 1,
  })
  await client.connect()
  await next(client, 'heartbeat')
  await client.useTool('echo', { [secret]: secret })
  await client.useTool('fail', { message: secret }).catch(() => {})
  const again = next(client, 'authenticated')
  await client.useTool('drop').catch(() => {})
  await again
  await client.close(1000, secret)
  return { record: client.dump(), id: client.id, shown: client.snapshot.url }
}

/** A server that the client loses its connection to. */
function platform(t) {
  const drop = () => server.terminateAll()
  let server
  return listen(t, { tokens: [SECRET], tools: { drop } }).then((listening) => (server = listening))
}

function assertIsARecord({ record, id, shown }) {
  assert.deepEqual(Object.keys(record).sort(), ['client', 'events', 'options', 'start', 'url', 'version'])
  assert.deepEqual([record.version, record.client, record.url], [version, id, shown])
  assert.ok(!JSON.stringify(record).includes(SECRET))
  const values = [record.options, record.start, ...record.events].flatMap((object) => Object.values(object))
  for (const value of values) assert.ok(value === null || ['string', 'number', 'boolean'].includes(typeof value))
  assert.ok(record.events.length > 10 && record.events.length <= 256)
  for (const [place, { at, kind }] of record.events.entries()) {
    assert.ok(Number.isInteger(at) && at >= (record.events[place - 1]?.at ?? 0) && at <= Date.now())
    assert.equal(typeof kind, 'string')
  }
  const states = record.events.filter(({ kind }) => kind === 'state').map(({ state }) => state)
  const connected = ['connecting', 'authenticating', 'ready']
  assert.deepEqual(states, [...connected, 'reconnecting', ...connected, 'closing', 'closed'])
  const kinds = new Set(record.events.map(({ kind }) => kind))
  assert.deepEqual(
    KINDS.filter((kind) => !kinds.has(kind)),
    [],
  )
}

describe('the record of a client in a page', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  async function recordInChromium(t) {
    const server = await platform(t)
    const main = `import { MCPClient } from '${entry('portable')}'; globalThis.MCPClient = MCPClient`
    const files = { '/': '<!doctype html><script type="module" src="/main.mjs"></script>', '/main.mjs': main }
    const { url } = await openSite(t, { files, platform: server })
    const tab = await browser.newPage()
    t.after(() => tab.close())
    await tab.goto(url)
    await tab.waitForFunction(() => globalThis.MCPClient !== undefined)
    const input = JSON.stringify({ url: server.url, secret: SECRET })
    return tab.evaluate(`(${live})(MCPClient, ${input})`)
  }

  const recordOf = async (t, Client) => live(Client, { url: (await platform(t)).url, secret: SECRET })

  test('has the form of that of the addon, and no secret', async (t) => {
    const records = [await recordOf(t, MCPClient), await recordOf(t, PortableClient), await recordInChromium(t)]
    for (const record of records) assertIsARecord(record)
  })

  test('is read by the doctor, who says of a replay why there is none', async (t) => {
    const { record } = await recordInChromium(t)
    const path = join(await folderOf(t, { 'record.json': JSON.stringify(record) }), 'record.json')
    const read = await runCli(['doctor', '--read', path])
    assert.equal(read.code, 0, read.stderr)
    assert.match(read.stdout, /States: idle → connecting → authenticating → ready → reconnecting → connecting/)
    const replayed = await runCli(['doctor', '--replay', path])
    assert.equal(replayed.code, 1)
    assert.match(replayed.stderr, /this record cannot be replayed: a page has made it/)
  })

  test('has no events before the module is there', () => {
    const client = new PortableClient('ws://127.0.0.1:1/mcp-ws?ticket=hunter2', { autoConnect: false })
    const { version: shown, events, url } = client.dump()
    assert.deepEqual([shown, events, url], [version, [], client.snapshot.url])
    return client.close()
  })
})
