/**
 * PROTOCOL.md rule 19: the timers of a page that fire late, in Chromium, whose clock is the test's; and in Node.js,
 * with its thread blocked.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { launchBrowser } from './helpers/browser.mjs'
import { MAIN, serve } from './helpers/cli.mjs'
import { inbox } from './helpers/client.mjs'
import { entry, openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

const MINUTE = 60_000
/** ms; the defaults of the options, and the time of a probe. */
const INTERVAL = 15_000
const PROBE = 5_000

const PAGE = `
  import { MCPClient } from '${entry('portable')}'
  globalThis.begin = async (options) => {
    globalThis.client = new MCPClient(options)
    globalThis.closes = []
    client.on('close', ({ reason }) => closes.push(reason))
    await client.connect()
  }`

describe('a page whose timers are late', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  /** A page with a client that is ready, and has sent a ping which the server has not answered. */
  async function pinging(t) {
    const server = await listen(t, { tools: { silent: () => new Promise(() => {}) } })
    const messages = inbox(server, 'message')
    const ping = async () => {
      for (;;) {
        const [text, connection] = await messages()
        if (JSON.parse(text).messageType === 'ping') return connection.id
      }
    }
    const files = { '/': '<!doctype html><script type="module" src="/main.mjs"></script>', '/main.mjs': PAGE }
    const { url } = await openSite(t, { files, platform: server })
    const tab = await browser.newPage()
    t.after(() => tab.close())
    await tab.clock.install()
    await tab.goto(url)
    await tab.waitForFunction(() => globalThis.begin !== undefined, undefined, { polling: 20 })
    // From here on timers fire when the test says so.
    await tab.clock.pauseAt(new Date(Date.now() + MINUTE))
    await tab.evaluate(() => begin())
    server.pausePongs()
    await tab.clock.runFor(INTERVAL)
    assert.equal(await ping(), 1)
    const isIn = (state) =>
      tab
        .waitForFunction((name) => client.state === name, state, { polling: 20 })
        .then(() => tab.evaluate(() => closes))
    return { server, tab, ping, isIn, sleep: () => tab.clock.fastForward(MINUTE) }
  }

  test('asks again, and keeps a connection that answers', async (t) => {
    const { server, tab, ping, isIn, sleep } = await pinging(t)
    const answered = tab.evaluate(() => new Promise((resolve) => client.once('message', resolve)))
    await sleep()
    assert.equal(await ping(), 1)
    await tab.clock.runFor(PROBE / 2)
    const pong = { messageType: 'pong', timestamp: 1 }
    server.connections[0].send(pong)
    assert.deepEqual(await answered, pong)
    await tab.clock.runFor(PROBE / 2)
    assert.deepEqual([await isIn('ready'), server.connections.length], [[], 1])
  })

  test('gives a connection up that does not answer in the time of a probe', async (t) => {
    const { tab, ping, isIn, sleep } = await pinging(t)
    await sleep()
    assert.equal(await ping(), 1)
    assert.deepEqual(await isIn('ready'), [])
    await tab.clock.runFor(PROBE)
    assert.deepEqual(await isIn('reconnecting'), ['heartbeat timeout'])
  })

  test('gives it up as well if it is always late', async (t) => {
    const { ping, isIn, sleep } = await pinging(t)
    await sleep()
    assert.equal(await ping(), 1)
    await sleep()
    assert.deepEqual(await isIn('reconnecting'), ['heartbeat timeout'])
  })

  test('times calls out that are overdue', async (t) => {
    const { tab, sleep } = await pinging(t)
    await tab.evaluate(() => {
      globalThis.call = client.useTool('silent').catch(({ code, sent }) => [code, sent])
    })
    await sleep()
    assert.deepEqual(await tab.evaluate(() => call), ['REQUEST_TIMEOUT', true])
  })
})

test('an answer that has come before a late timer fires is read first', async (t) => {
  globalThis.WebSocket = WebSocket
  const { MCPClient } = await import('@mcp-integration/client/portable')
  const { url } = await serve(t, ['--port', '0'])
  const client = new MCPClient({ url })
  t.after(() => client.close())
  await client.connect()
  const timeout = 50
  const call = client.useTool('echo', { in: 'time' }, { timeout })
  const deadline = performance.now() + timeout
  await Promise.resolve()
  assert.equal(client.stats().pending, 1)
  // When the server has answered a later call, it has answered this one.
  execFileSync(process.execPath, [MAIN, 'call', 'echo', '--url', url], { stdio: 'ignore' })
  while (performance.now() < deadline);
  assert.deepEqual(await call, { in: 'time' })
})
