/**
 * The example with the search page, in a real Chromium, as Vite bundles it: over the page's own client, and over the
 * bridge. `UPDATE_SCREENSHOTS=1` takes the pictures of the documents anew.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MCPError } from '@mcp-integration/client'
import { connectClient, webSocketPort } from '@mcp-integration/client/bridge'
import { WebSocket } from 'ws'
import { serveBridgedPage } from '../examples/web-search/serve-bridged.mjs'
import { servePage } from '../examples/web-search/serve.mjs'
import { launchBrowser } from './helpers/browser.mjs'
import { serve } from './helpers/cli.mjs'
import { open, PATIENT, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { NO_SIGNALS } from './helpers/signals.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

/** The key of the page's visitors. */
const KEY = 'example-key'

/** Serves the page over this client. */
async function served(t, client, options = { port: 0 }) {
  const page = await serveBridgedPage(client, options)
  t.after(() => page.close())
  return page
}

describe('the page', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  /** Serves the page beside this platform; its client is its own. */
  async function visitOwn(t, platform, key, options) {
    const page = await servePage(platform, key, { port: 0 })
    t.after(() => page.close())
    return visit(t, page.url, options)
  }

  /** What a reader sees, and the faults that the browser has found. */
  async function visit(t, url, options = {}) {
    const tab = await browser.newPage({ viewport: { width: 900, height: 640 }, ...options })
    t.after(() => tab.close())
    const faults = []
    tab.on('pageerror', (error) => faults.push(error.message))
    tab.on('console', (message) => {
      const isOfBrowser = message.text().startsWith('WebSocket connection to')
      if (['error', 'warning'].includes(message.type()) && !isOfBrowser) faults.push(message.text())
    })
    await tab.goto(url)
    const badge = tab.getByRole('status', { name: 'Connection' })
    const button = tab.getByRole('button', { name: 'Search' })
    return {
      tab,
      faults,
      badge,
      button,
      /** What a screen reader reads out when it changes. */
      outcome: tab.getByRole('status', { name: 'Search' }),
      shows: (text) => tab.getByText(text).first().waitFor(),
      colour: () => badge.evaluate((element) => getComputedStyle(element).color),
      async search(query) {
        await tab.getByRole('searchbox').fill(query)
        await button.click()
        await tab.getByRole('heading', { name: ` for “${query}”` }).waitFor()
        return tab.getByRole('listitem').getByRole('heading').allTextContents()
      },
      async picture(name) {
        if (process.env.UPDATE_SCREENSHOTS) await tab.screenshot({ path: `${ROOT}docs/images/${name}.png` })
      },
    }
  }

  test('searches, shows that the server was killed and when it will try again, and searches again when it is back', async (t) => {
    const first = await serve(t, ['--port', '0', '--token', KEY])
    const { badge, button, colour, faults, picture, search, shows, tab } = await visitOwn(t, first, KEY)

    await shows('Connected')
    const green = await colour()
    assert.equal(await button.isDisabled(), true, 'there is nothing to search for yet')
    assert.match((await search('reconnect backoff')).join('\n'), /Backoff/)
    await picture('search-page')

    first.child.kill('SIGKILL')
    await shows('Reconnecting')
    await shows(/^(connection lost|cannot connect)/)
    assert.notEqual(await colour(), green)
    assert.equal(await button.isDisabled(), true)
    assert.equal(await tab.getByRole('listitem').count(), 5, 'the results stay')
    await shows(/^Attempt \d+ in 2 s$/)
    await picture('search-page-outage')
    await shows(/^Attempt \d+ in 1 s$/)

    await serve(t, ['--port', new URL(first.url).port, '--token', KEY])
    await shows('Connected')
    assert.deepEqual([await badge.textContent(), await colour()], ['Connected', green])
    assert.match((await search('heartbeat')).join('\n'), /[Hh]eartbeat/)
    assert.deepEqual(faults, [])
  })

  test('asks the server that it is from for its key, before each connection', async (t) => {
    const server = await listen(t, { tokens: [KEY] })
    const { faults, search, shows, tab } = await visitOwn(t, server, KEY)
    await shows('Connected')
    const asked = tab.waitForRequest((request) => request.url().endsWith('/key'))
    await server.terminateAll()
    await asked
    await shows('Connected')
    await search('backoff')
    assert.deepEqual(faults, [])
  })

  test('says that its key is refused, and connects when it is accepted', async (t) => {
    const server = await listen(t, { tokens: ['another'] })
    const { shows, tab } = await visitOwn(t, server, KEY)
    await shows('Key refused')
    await server.setTokens([KEY])
    await tab.getByRole('button', { name: 'Connect again' }).click()
    await shows('Connected')
  })

  test('searches over the bridge too, where no key is in the page', async (t) => {
    const server = await listen(t, { tokens: [KEY] })
    const { url } = await served(t, open(t, server, { apiKey: KEY }))
    const { faults, search, shows, tab } = await visit(t, url)
    const requests = []
    tab.on('request', (request) => requests.push(request.url()))
    await shows('Connected')
    assert.match((await search('reconnect backoff')).join('\n'), /Backoff/)
    await server.terminateAll()
    await shows('Connected')
    await search('heartbeat')
    assert.deepEqual([requests, faults], [[], []])
  })

  test('counts down from what is left of a wait, where it is loaded in the middle of one', async (t) => {
    const { snapshot } = open(t, DEAF_URL, { autoConnect: false })
    const error = new MCPError('connection lost', { code: 'CONNECTION_LOST', retryable: true })
    const waiting = {
      ...snapshot,
      state: 'reconnecting',
      attempt: 3,
      retryDelay: 60_000,
      retryAt: Date.now() + 20_000,
      error,
    }
    const { url } = await served(
      t,
      Object.assign(new EventEmitter(), {
        snapshot: waiting,
        stats: () => open(t, DEAF_URL, { autoConnect: false }).stats(),
      }),
    )
    const { shows } = await visit(t, url)
    await shows(/^Attempt 3 in 1?\d s$/)
  })

  test('need not wait for the next attempt', async (t) => {
    const server = await listen(t)
    const { url } = await served(t, open(t, server, PATIENT))
    const { shows, tab } = await visit(t, url)
    await shows('Connected')
    server.stopAccepting()
    await server.terminateAll()
    await shows('Reconnecting')
    await server.resumeAccepting()
    await tab.getByRole('button', { name: 'Try now' }).click()
    await shows('Connected')
  })

  test('sends a search again that was lost with its connection, and says of others why they failed', async (t) => {
    let searches = 0
    const web_search = ({ query }, { signal }) => {
      searches += 1
      if (query === 'nothing') throw new Error('there is nothing of that kind')
      if (searches > 1)
        return { query, items: [{ title: 'Found', url: 'https://example.com/found', snippet: 'at last' }] }
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const server = await listen(t, { tools: { web_search } })
    const { url } = await served(t, open(t, server, { baseReconnectDelay: 10 }))
    const { search, shows, tab } = await visit(t, url)
    await shows('Connected')
    const found = search('lost')
    await server.nextRequest('web_search')
    await server.terminateAll()
    assert.deepEqual(await found, ['Found'])
    assert.equal(await tab.getByRole('link').getAttribute('href'), 'https://example.com/found')
    await tab.getByRole('searchbox').fill('nothing')
    await tab.getByRole('button', { name: 'Search' }).click()
    await shows('The search failed: there is nothing of that kind')
  })

  test('says that its own process has ended, and finds it again by itself', async (t) => {
    const client = await ready(t, await listen(t))
    const first = await serveBridgedPage(client, { port: 0 })
    const { search, shows } = await visit(t, first.url)
    await shows('Connected')
    await first.close()
    await shows('Reconnecting')
    await shows(/^the port of the bridge was closed/)
    await served(t, client, { port: Number(new URL(first.url).port) })
    await shows('Connected')
    await search('backoff')
  })

  test('survives a search of 1.5 MB, and so does its process', async (t) => {
    const { url } = await served(t, await ready(t, await listen(t)))
    const { search, shows, tab } = await visit(t, url)
    await shows('Connected')
    await tab.getByRole('searchbox').fill('x'.repeat(1_500_000))
    await tab.getByRole('button', { name: 'Search' }).click()
    await shows(/^The search failed: .*1009/)
    await shows('Connected')
    await search('backoff')
  })

  test('shows whatever a server sends as results', async (t) => {
    const found = {
      'no items': {},
      'no object': null,
      'items that are no list': { items: { title: 'one' } },
      odd: {
        items: [{ title: { en: 'An object' }, url: ['https://a.example'], snippet: ['a', ['list']] }, 'text', null],
      },
    }
    const server = await listen(t, { tools: { web_search: ({ query }) => found[query] } })
    const { url } = await served(t, open(t, server))
    const { faults, outcome, search, shows, tab } = await visit(t, url)
    await shows('Connected')
    for (const query of Object.keys(found).slice(0, 3)) {
      await search(query)
      assert.equal(await outcome.textContent(), `Nothing was found for “${query}”`)
    }
    assert.deepEqual(await search('odd'), ['{"en":"An object"}', 'text', 'Untitled'])
    assert.equal(await tab.getByRole('listitem').first().textContent(), '{"en":"An object"}a, list')
    assert.equal(await tab.getByRole('link').count(), 0)
    assert.deepEqual(faults, [])
  })

  test('says what it cannot render, and renders what is found next', async (t) => {
    const web_search = ({ query }) => ({ query, items: [{ title: 'Found', url: 'docs/a.md' }] })
    const { url } = await served(t, open(t, await listen(t, { tools: { web_search } })))
    const { search, shows, tab } = await visit(t, url)
    await shows('Connected')
    await tab.evaluate(() => {
      window.original = String.prototype.lastIndexOf
      // Plants a fault in what renders a result.
      String.prototype.lastIndexOf = () => {
        throw new Error('a fault of the page')
      }
    })
    assert.deepEqual(await search('broken'), [])
    await shows('The results cannot be shown: a fault of the page')
    await tab.evaluate(() => {
      String.prototype.lastIndexOf = window.original
    })
    assert.deepEqual(await search('whole'), ['Found'])
  })

  test('offers to connect again where the client was closed', async (t) => {
    const client = open(t, await listen(t))
    const { url } = await served(t, client)
    const { shows, tab } = await visit(t, url)
    await shows('Connected')
    await client.close()
    await shows('The connection was closed.')
    await tab.getByRole('button', { name: 'Connect again' }).click()
    await shows('Connected')
  })

  test('shows no results of an earlier search under one that has failed', async (t) => {
    const web_search = ({ query }) => {
      if (query === 'bad') throw new Error('not today')
      return { query, items: [{ title: 'Found' }] }
    }
    const { url } = await served(t, open(t, await listen(t, { tools: { web_search } })))
    const { search, shows, tab } = await visit(t, url)
    await shows('Connected')
    await search('good')
    await tab.getByRole('searchbox').fill('bad')
    await tab.keyboard.press('Enter')
    await shows('The search failed: not today')
    assert.deepEqual([await tab.getByText('Found').count(), await tab.getByText('“good”').count()], [0, 0])
  })

  test('can be used with a keyboard alone: the focus is never lost', async (t) => {
    let answer
    const web_search = () => new Promise((resolve) => (answer = resolve))
    const server = await listen(t, { tools: { web_search } })
    const { url } = await served(t, open(t, server, PATIENT))
    const { button, shows, tab } = await visit(t, url)
    const focused = () => tab.evaluate(() => document.activeElement.textContent || document.activeElement.ariaLabel)
    await shows('Connected')
    await tab.keyboard.type('words')
    await tab.keyboard.press('Tab')
    await tab.keyboard.press('Enter')
    await server.nextRequest('web_search')
    assert.deepEqual([await focused(), await button.isDisabled()], ['Searching…', true])
    answer({ query: 'words', items: [{ title: 'A link', url: 'https://example.com/' }] })
    await shows('1 result for “words”')
    assert.equal(await focused(), 'Search')
    await tab.keyboard.press('Tab')
    assert.equal(await focused(), 'A link')

    server.stopAccepting()
    await server.terminateAll()
    await shows('Reconnecting')
    for (const _ of ['the button', 'the field', 'the button for a retry']) await tab.keyboard.press('Shift+Tab')
    assert.equal(await focused(), 'Try now')
    await server.resumeAccepting()
    await tab.keyboard.press('Enter')
    await shows('Connected')
    await tab.waitForFunction(() => document.activeElement.ariaLabel === 'Search query')
  })

  test('tells screen readers of searches and of the connection, in regions that are there before', async (t) => {
    const web_search = ({ query }) => ({ query, items: [{ title: 'A' }, { title: 'B' }] })
    const server = await listen(t, { tools: { web_search } })
    const { url } = await served(t, open(t, server, PATIENT))
    const { badge, outcome, search, shows, tab } = await visit(t, url)
    await shows('Connected')
    assert.equal(await outcome.textContent(), '')
    const regions = [await badge.elementHandle(), await outcome.elementHandle()]
    await search('words')
    assert.equal(await outcome.textContent(), '2 results for “words”')
    server.stopAccepting()
    await server.terminateAll()
    await shows('Reconnecting')
    assert.match(await badge.textContent(), /^Reconnecting: connection lost: /)
    await tab.getByRole('searchbox').press('Enter')
    await shows('Nothing was searched: there is no connection.')
    assert.match(await outcome.textContent(), /^Nothing was searched/)
    for (const region of regions) assert.ok(await region.evaluate((element) => element.isConnected))
  })

  for (const width of [390, 1280]) {
    test(`is no wider than a window of ${width} px, however long a word is`, async (t) => {
      const long = 'W'.repeat(500)
      const web_search = ({ query }) => {
        if (query === 'bad') throw new Error(long)
        return { query, items: [{ title: long, url: `https://example.com/${long}`, snippet: long }] }
      }
      const { url } = await served(t, open(t, await listen(t, { tools: { web_search } })))
      const { search, shows, tab } = await visit(t, url, { viewport: { width, height: 800 } })
      const widest = () => tab.evaluate(() => document.documentElement.scrollWidth)
      await shows('Connected')
      await search(long)
      assert.equal(await widest(), width)
      await tab.getByRole('searchbox').fill('bad')
      await tab.keyboard.press('Enter')
      await shows('The search failed')
      assert.equal(await widest(), width)
    })
  }

  for (const colorScheme of ['light', 'dark']) {
    test(`has the contrast of WCAG AA in the ${colorScheme} scheme`, async (t) => {
      const web_search = ({ query }) => {
        if (query === 'bad') throw new Error('not today')
        return { query, items: [{ title: 'A', url: 'https://example.com/', snippet: 'B' }] }
      }
      const server = await listen(t, { tools: { web_search } })
      const { url } = await served(t, open(t, server, PATIENT))
      const { search, shows, tab } = await visit(t, url, { colorScheme })
      await shows('Connected')
      await search('good')
      const texts = ['h1', '.badge', 'h2', 'a', 'cite', 'li p', 'input', 'input::placeholder', 'button']
      await hasContrast(tab, 'color', texts, 4.5)
      await tab.getByRole('searchbox').fill('bad')
      await tab.keyboard.press('Enter')
      await shows('The search failed')
      server.stopAccepting()
      await server.terminateAll()
      await shows('Reconnecting')
      await hasContrast(tab, 'color', ['.problem', '.badge', '.outage p', '.countdown', '.outage button'], 4.5)
      await hasContrast(tab, 'borderTopColor', ['input', '.outage button'], 3)
    })
  }
})

/** Compares a colour of each element with what is behind the element and, for borders, with what is in it too. */
async function hasContrast(tab, property, selectors, least) {
  for (const selector of selectors) {
    const ratios = await tab.evaluate(contrasts, { property, selector })
    assert.ok(Math.min(...ratios) >= least, `${property} of ${selector} has the contrast ${ratios}, not ${least}`)
  }
}

/** Runs in the page. The formula is that of WCAG 2.2, "contrast ratio". */
function contrasts({ property, selector }) {
  const [path, pseudo] = selector.split('::')
  const element = document.querySelector(path)
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const luminance = (colours) => {
    for (const colour of colours) {
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
    }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const backgroundOf = (from) => {
    const layers = []
    for (let one = from; one; one = one.parentElement) layers.unshift(getComputedStyle(one).backgroundColor)
    return layers
  }
  const behind = property === 'color' ? [element] : [element, element.parentElement]
  const colour = getComputedStyle(element, pseudo && `::${pseudo}`)[property]
  return behind.map((from) => {
    const layers = backgroundOf(from)
    const [darker, lighter] = [luminance(layers), luminance([...layers, colour])].sort((a, b) => a - b)
    return (lighter + 0.05) / (darker + 0.05)
  })
}

describe('the process behind the page', () => {
  test('lets no other site use the client', async (t) => {
    const { url } = await served(t, await ready(t, await listen(t)))
    const { origin: own } = new URL(url)
    for (const origin of [
      undefined,
      'null',
      'https://evil.example',
      own.replace('http:', 'https:'),
      'http://127.0.0.1',
    ]) {
      const socket = new WebSocket(`${own}/bridge`, { origin })
      const [, response] = await once(
        socket.on('error', () => {}),
        'unexpected-response',
      )
      assert.equal(response.statusCode, 401, origin)
      response.destroy()
    }
  })

  test('lets the page use one tool', async (t) => {
    const { url } = await served(t, await ready(t, await listen(t)))
    const far = connectClient(webSocketPort(new WebSocket(new URL('/bridge', url), { origin: new URL(url).origin })))
    t.after(() => far.close())
    assert.equal((await far.useTool('web_search', { query: 'backoff', numResults: 1 })).items.length, 1)
    assert.equal((await rejection(far.useTool('echo'))).code, 'NOT_ALLOWED')
  })

  test('is started with server and page by one program, which obeys Enter and ends by Ctrl-C', async (t) => {
    const program = fileURLToPath(new URL('../examples/web-search/start.mjs', import.meta.url))
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const printed = async (pattern) => {
      for (;;) {
        const { value, done } = await lines.next()
        assert.ok(!done, `${pattern} was not printed`)
        const match = pattern.exec(value)
        if (match) return match
      }
    }
    for (const pattern of [/The page: +(http:\S+)/, /The same, bridged: +(http:\S+)/]) {
      const [, url] = await printed(pattern)
      assert.match(await (await fetch(url)).text(), /<title>Web Search<\/title>/)
    }
    for (const words of [/The server is away/, /The server is back/]) {
      child.stdin.write('\n')
      await printed(words)
    }
    if (NO_SIGNALS) return void t.diagnostic(`NOT TRIED: the end by Ctrl-C, because ${NO_SIGNALS}`)
    child.kill('SIGINT')
    await printed(/Ended/)
    assert.deepEqual(await ended, [0, null])
  })
})
