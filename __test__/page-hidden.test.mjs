/**
 * A page of Chromium that its reader does not look at: its tab is hidden, or another page is in its place. Clients in
 * its workers go on, also in a service worker.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { guidePage, readerOf } from './helpers/guide-page.mjs'
import { launchPlainBrowser } from './helpers/plain-browser.mjs'
import { entry, openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

/** ms. */
const INTERVAL = 20
/** Heartbeats, of the worker: a page in front would send as many. */
const HEARTBEATS = 100

const PAGE = '<!doctype html><title>Page</title><link rel="icon" href="data:,">'

/** A client of the page and one in a worker, each with a key of its own. */
const IN_PAGE_AND_WORKER = `
  import { MCPClient } from '${entry('portable')}'
  import { connectClient } from '${entry('bridge')}'
  const options = (apiKey) => ({ apiKey, heartbeatInterval: ${INTERVAL} })
  const worker = new Worker('/worker.js', { type: 'module' })
  worker.postMessage({ url: '/mcp-ws', ...options('of the worker') })
  const clients = [new MCPClient(options('of the page')), connectClient(worker)]
  await Promise.all(clients.map((client) => client.connect()))
  globalThis.call = () => clients[1].useTool('echo', 'from the worker')
  globalThis.isReady = true`

const SERVICE_WORKER = `
  import { MCPClient } from '${entry('portable')}'
  addEventListener('install', () => skipWaiting())
  const client = new MCPClient({ apiKey: 'of the service worker', autoConnect: false })
  addEventListener('message', (event) => {
    const answer = client.connect().then(() => client.useTool('echo', event.data))
    event.waitUntil(answer.then((answer) => event.source.postMessage(answer)))
  })`

/** As docs/browser.md has it. */
const CLOSES_WHEN_LEFT = `
  import { MCPClient } from '${entry('portable')}'
  const client = new MCPClient()
  addEventListener('pagehide', () => client.close())
  addEventListener('pageshow', ({ persisted }) => persisted && client.connect())
  globalThis.kept = 'nothing'
  globalThis.client = client
  await client.connect()
  globalThis.isReady = true`

describe('a page that its reader does not look at', () => {
  let browser
  before(async () => {
    browser = await launchPlainBrowser()
  })
  after(() => browser?.close())

  /** A page with this script, and how often its platform was connected to. */
  async function visit(t, { main = '', ...more }, prepare = () => {}) {
    const server = await listen(t)
    prepare(server)
    const files = { '/': `${PAGE}<script type="module" src="/main.mjs"></script>`, '/main.mjs': main, ...more }
    const { url } = await openSite(t, { files: { ...files, '/elsewhere': PAGE }, platform: server })
    const tab = await browser.context.newPage()
    t.after(() => tab.close())
    const reader = readerOf(tab)
    await tab.goto(url)
    return { ...reader, server, tab, url }
  }

  const isReady = (tab) => tab.waitForFunction(() => globalThis.isReady, undefined, { polling: 20 })

  /** Counts the pings of each key that a client has authenticated with. */
  function countPings(server) {
    const keys = new Map()
    const pings = { 'of the page': 0, 'of the worker': 0 }
    server.on('message', (text, connection) => {
      const { id, token, messageType } = JSON.parse(text)
      if (id === 'auth') keys.set(connection, token)
      if (messageType === 'ping') pings[keys.get(connection)]++
    })
    return pings
  }

  test('has the heartbeats of a worker’s client go on in a hidden tab, where its own wait', async (t) => {
    let pings
    const files = { main: IN_PAGE_AND_WORKER, '/worker.js': `import '${entry('portable-worker')}'` }
    const { server, tab } = await visit(t, files, (server) => (pings = countPings(server)))
    await isReady(tab)
    const other = await browser.context.newPage()
    t.after(() => other.close())
    await other.bringToFront()
    await tab.waitForFunction(() => document.visibilityState === 'hidden', undefined, { polling: 20 })
    const before = { ...pings }
    const since = (key) => pings[key] - before[key]
    while (since('of the worker') < HEARTBEATS) await once(server, 'message')
    t.diagnostic(`${since('of the page')} heartbeats of the page, ${since('of the worker')} of the worker`)
    assert.ok(since('of the page') < HEARTBEATS / 4)
    assert.equal(await tab.evaluate(() => globalThis.call()), 'from the worker')
    assert.equal(server.connections.length, 2)
  })

  test('has a client in a service worker', async (t) => {
    const { server, tab } = await visit(t, { '/service.js': SERVICE_WORKER })
    const answer = await tab.evaluate(async () => {
      await navigator.serviceWorker.register('/service.js', { type: 'module' })
      const { active } = await navigator.serviceWorker.ready
      const answered = new Promise((resolve) => navigator.serviceWorker.addEventListener('message', resolve))
      navigator.serviceWorker.startMessages()
      active.postMessage('hello')
      return (await answered).data
    })
    assert.equal(answer, 'hello')
    assert.equal(server.connections.length, 1)
  })

  test('is kept for going back if it closes its client when it is left', async (t) => {
    const { server, tab, url } = await visit(t, { main: CLOSES_WHEN_LEFT })
    await isReady(tab)
    await tab.evaluate(() => (globalThis.kept = 'what was there'))
    const [connection] = server.connections
    await tab.goto(`${url}elsewhere`)
    await tab.goBack({ waitUntil: 'commit' })
    await tab.waitForFunction(() => globalThis.client?.state === 'ready', undefined, { polling: 20 })
    assert.equal(await tab.evaluate(() => globalThis.kept), 'what was there')
    assert.equal(await tab.evaluate(() => globalThis.client.useTool('echo', 'again')), 'again')
    assert.notEqual(server.connections.at(-1), connection)
  })

  test('is loaded anew if it has an open connection, as the guide’s component does, and works then', async (t) => {
    const { isReady: isEnabled, search, tab, url } = await visit(t, await guidePage())
    await isEnabled()
    await search('before')
    await tab.goto(`${url}elsewhere`)
    await tab.goBack({ waitUntil: 'commit' })
    await isEnabled()
    assert.equal(await tab.locator('.result').count(), 0, 'nothing was kept')
    assert.match((await search('backoff')).join('\n'), /Backoff/)
  })
})
