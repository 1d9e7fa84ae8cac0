/**
 * The integration guide's component in a page of Chromium, with the import of its hook changed and nothing else: no
 * Node.js, no bridge, no bundler. The platform is beside the page, as in the guide.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { launchBrowser } from './helpers/browser.mjs'
import { serve } from './helpers/cli.mjs'
import { guidePage, readerOf } from './helpers/guide-page.mjs'
import { KEEPS_PAGES_WITH_SOCKETS, launchPlainBrowser } from './helpers/plain-browser.mjs'
import { policy, STRICT } from './helpers/policy.mjs'
import { openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

const KEY = 'your-api-key'
const MINUTE = 60_000

/** ms of backoff, with all jitter. */
const LONGEST_WAIT = 36_000

/** Answers with the query itself, so that each search shows something of its own. */
const TOOLS = {
  web_search: ({ query }) => ({
    items: [{ title: `All about ${query}`, url: 'https://example.com/', snippet: query }],
  }),
}

/** Allows also what the page itself has: its import map and icon. */
function strictPolicy(html) {
  const [, importMap] = /<script type="importmap">(.*?)<\/script>/s.exec(html)
  const hash = createHash('sha256').update(importMap).digest('base64')
  return policy(`${STRICT.replace('script-src', `script-src 'sha256-${hash}'`)}; img-src data:`)
}

describe('the guide’s component in a page', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  async function visit(t, platform, policyFor = () => ({})) {
    const files = await guidePage()
    const site = await openSite(t, { files, platform, ...policyFor(files['/']) })
    const tab = await browser.newPage()
    t.after(() => tab.close())
    const reader = readerOf(tab)
    return { ...reader, url: site.url }
  }

  test('searches, says that the server was killed, and searches again when it is back', async (t) => {
    const first = await serve(t, ['--port', '0', '--token', KEY])
    const port = Number(new URL(first.url).port)
    const { button, faults, isReady, search, shows, tab, url } = await visit(t, { port })
    await tab.goto(url)
    await isReady()
    assert.match((await search('backoff')).join('\n'), /Backoff/)

    first.child.kill('SIGKILL')
    await shows('Not connected to WebSocket server')
    await shows(/^Error: /)
    assert.equal(await button.isDisabled(), true)

    await serve(t, ['--port', String(port), '--token', KEY])
    await isReady()
    assert.match((await search('heartbeat')).join('\n'), /[Hh]eartbeat/)
    assert.equal(await tab.getByText(/^Error/).count(), 0)
    assert.deepEqual(faults, [])
  })

  test('works under the strictest policy', async (t) => {
    const server = await listen(t, { tokens: [KEY], tools: TOOLS })
    const { faults, isReady, search, tab, url } = await visit(t, server, strictPolicy)
    await tab.goto(url)
    await isReady()
    assert.deepEqual(await search('policies'), ['All about policies'])
    assert.deepEqual(faults, [])
  })

  test('says that its key is refused, and lets nobody search', async (t) => {
    const server = await listen(t, { tokens: ['another'] })
    const { button, shows, tab, url } = await visit(t, server)
    await tab.goto(url)
    await shows(/^Error: .*(token|key)/i)
    assert.equal(await button.isDisabled(), true)
    assert.equal(server.connections.length, 1)
  })

  test('shows that it is offline, and does not wait out its backoff when it is online again', async (t) => {
    const server = await listen(t, { tokens: [KEY], tools: TOOLS })
    const { isReady, search, shows, tab, url } = await visit(t, server)
    await tab.clock.install()
    await tab.addInitScript(() => {
      window.ends = 0
      window.WebSocket = class extends WebSocket {
        constructor(...args) {
          super(...args)
          this.addEventListener('close', () => window.ends++)
        }
      }
    })
    const hasEnded = (count) => tab.waitForFunction((least) => window.ends >= least, count, { polling: 20 })
    await tab.goto(url)
    await isReady()
    // From here on the page's timers fire when this test says so.
    await tab.clock.pauseAt(new Date(Date.now() + MINUTE))
    await tab.context().setOffline(true)
    await server.terminateAll()
    await shows('Not connected to WebSocket server')
    for (let attempt = 1; attempt <= 7; attempt++) {
      await tab.clock.fastForward(LONGEST_WAIT)
      await hasEnded(1 + attempt)
    }
    await shows('the page is offline')
    await tab.context().setOffline(false)
    // The next wait is one of 17 s, but for a fifth of that.
    await tab.clock.runFor(2_000)
    await isReady()
    await tab.clock.resume()
    assert.deepEqual(await search('networks'), ['All about networks'])
  })
})

describe('the guide’s component in a page that its browser puts away', () => {
  let browser
  before(async () => {
    browser = await launchPlainBrowser(KEEPS_PAGES_WITH_SOCKETS)
  })
  after(() => browser?.close())

  async function visit(t) {
    const server = await listen(t, { tokens: [KEY], tools: TOOLS })
    const pings = []
    server.on('message', (text) => JSON.parse(text).messageType === 'ping' && pings.push(text))
    const files = { ...(await guidePage()), '/elsewhere': '<!doctype html><title>Elsewhere</title>' }
    const { url } = await openSite(t, { files, platform: server })
    const tab = await browser.context.newPage()
    t.after(() => tab.close())
    const reader = readerOf(tab)
    await tab.clock.install()
    await tab.addInitScript(() => {
      window.seen = []
      document.addEventListener('visibilitychange', () => window.seen.push(document.visibilityState))
      for (const type of ['freeze', 'resume']) document.addEventListener(type, () => window.seen.push(type))
      addEventListener('pageshow', ({ persisted }) => window.seen.push(persisted ? 'from the cache' : 'loaded'))
    })
    await tab.goto(url)
    await reader.isReady()
    await reader.search('before')
    return { ...reader, server, pings, url, seen: () => tab.evaluate(() => window.seen) }
  }

  /** Another tab is in front for a minute, and the page is frozen; `meanwhile` happens in that time. */
  async function hideForAMinute(t, tab, meanwhile = async () => {}) {
    const control = await browser.context.newCDPSession(tab)
    const other = await browser.context.newPage()
    t.after(() => other.close())
    await other.bringToFront()
    await tab.waitForFunction(() => document.visibilityState === 'hidden', undefined, { polling: 20 })
    await control.send('Page.setWebLifecycleState', { state: 'frozen' })
    await meanwhile()
    await control.send('Page.setWebLifecycleState', { state: 'active' })
    await tab.clock.fastForward(MINUTE)
    await tab.bringToFront()
  }

  test('is still connected after a minute in a hidden tab, and asks the server whether it is there', async (t) => {
    const { isReady, pings, search, seen, server, tab } = await visit(t)
    const { length } = pings
    await hideForAMinute(t, tab)
    await isReady()
    assert.deepEqual(await search('after'), ['All about after'])
    assert.deepEqual(await seen(), ['loaded', 'hidden', 'freeze', 'resume', 'visible'])
    while (pings.length === length) await once(server, 'message')
    assert.equal(server.connections.length, 1, 'it is the same connection')
  })

  test('connects again if it lost its connection in a hidden tab', async (t) => {
    const { isReady, search, server, tab } = await visit(t)
    const [connection] = server.connections
    await hideForAMinute(t, tab, () => server.terminateAll())
    await server.nextConnection()
    await isReady()
    assert.deepEqual(await search('after'), ['All about after'])
    assert.notEqual(server.connections[0], connection)
  })

  test('connects again when a reader comes back to it by the browser’s cache, and has kept what it showed', async (t) => {
    const { isReady, search, seen, tab, url } = await visit(t)
    await tab.goto(`${url}elsewhere`)
    await tab.goBack({ waitUntil: 'commit' })
    await tab.getByText('All about before').waitFor()
    await isReady()
    assert.deepEqual(await search('after'), ['All about after'])
    assert.equal((await seen()).at(-1), 'from the cache')
  })
})
