/**
 * What stands in the way of a client in a page of Chromium: each is an error in words with its remedy, in
 * `client.error` and in the rejected `connect()`. And pages under a strict policy, over https: and from file:.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { launchBrowser } from './helpers/browser.mjs'
import { createAuthority } from './helpers/certificates.mjs'
import { folderOf } from './helpers/documents.mjs'
import { bundleForPages } from './helpers/page.mjs'
import { policy, STRICT } from './helpers/policy.mjs'
import { entry, openSite, PACKAGE } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

const MODULE = `${PACKAGE}/browser/mcp-page.wasm`
const KEY = 'key'

/** A page whose client connects and makes a call; `outcome` is what came of that. */
const calling = (name, options = {}) => `
  import { MCPClient } from '${name}'
  const client = new MCPClient(${JSON.stringify({ apiKey: KEY, maxReconnectAttempts: 0, ...options })})
  const outcome = client.connect().then(() => client.useTool('echo', 'hello'))
  globalThis.outcome = outcome.catch(({ code, message }) => ({ code, message, shown: client.error.message }))`

function filesFor(from = 'portable', options = {}) {
  return {
    '/': '<!doctype html><title>Page</title><link rel="icon" href="data:,"><script type="module" src="/main.mjs"></script>',
    '/main.mjs': calling(entry(from), options),
  }
}

describe('a page', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  async function visit(t, site, prepare = () => {}) {
    const platform = await listen(t, { tokens: [KEY] })
    const { url } = await openSite(t, { files: filesFor(), platform, ...site })
    return { platform, ...(await outcomeAt(t, url, prepare)) }
  }

  async function outcomeAt(t, url, prepare = () => {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    t.after(() => context.close())
    await context.addInitScript(prepare)
    const tab = await context.newPage()
    const faults = []
    tab.on('pageerror', ({ message }) => faults.push(message))
    await tab.goto(url)
    await tab.waitForFunction(() => globalThis.outcome !== undefined)
    return { outcome: await tab.evaluate(() => globalThis.outcome), faults, tab }
  }

  const WORKING = {
    'without a bundler': {},
    'under a policy that allows WebAssembly and the page’s own server': policy(STRICT),
    'under that policy, with the module inlined': { files: filesFor('portable-inline'), ...policy(STRICT) },
    'over https:': { certificate: createAuthority().issue() },
  }
  for (const [how, site] of Object.entries(WORKING)) {
    test(`makes a call ${how}`, async (t) => {
      const { outcome, faults } = await visit(t, site)
      assert.deepEqual([outcome, faults], ['hello', []])
    })
  }

  const FAILING = {
    'a policy without wasm-unsafe-eval': [
      policy(STRICT.replace(` 'wasm-unsafe-eval'`, '')),
      /the Content-Security-Policy of the page forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src/,
    ],
    'that policy, with the module inlined': [
      { files: filesFor('portable-inline'), ...policy(STRICT.replace(` 'wasm-unsafe-eval'`, '')) },
      /the Content-Security-Policy of the page forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src/,
    ],
    'a policy that forbids to fetch the module': [
      policy(STRICT.replace(/connect-src.*/, '')),
      /mcp-page\.wasm could not be fetched .*Content-Security-Policy may forbid it in connect-src/,
    ],
    'a policy that forbids the socket': [
      { files: filesFor('portable-inline'), ...policy(STRICT.replace(/connect-src.*/, '')) },
      /the Content-Security-Policy of the page forbids it: add the server to its connect-src/,
    ],
    'a wrong MIME type of the module': [
      { types: { [MODULE]: 'application/octet-stream' } },
      /is served as application\/octet-stream: the server must send mcp-page\.wasm as application\/wasm/,
    ],
    'a server that has no module': [
      { files: { ...filesFor(), [MODULE]: undefined } },
      /was answered with HTTP 404: serve mcp-page\.wasm of the package there/,
    ],
    'something else in place of the module': [
      { files: { ...filesFor(), [MODULE]: 'something else' } },
      /cannot be compiled \(CompileError.*is mcp-page\.wasm whole, and of this version of the package\?/,
    ],
    'mixed content': [
      { files: filesFor('portable', { url: 'ws://platform.example/mcp-ws' }), certificate: createAuthority().issue() },
      /a page from https: may only open wss: \(mixed content\): use a wss: url/,
    ],
    'a server that is not there': [{ platform: { port: 1 } }, /a page is not told why; the server may be down/],
  }
  for (const [what, [site, words]] of Object.entries(FAILING)) {
    test(`says of ${what} what is wrong, and what to do`, async (t) => {
      const { outcome, platform } = await visit(t, site)
      assert.equal(outcome.code, 'CONNECT_FAILED')
      assert.match(outcome.message, words)
      assert.equal(outcome.shown, outcome.message)
      assert.equal(platform.connections.length, 0)
    })
  }

  test('takes an upgrade that is refused with 401 for an outage, because it is not told the status', async (t) => {
    const platform = await listen(t, { tokens: [KEY] })
    platform.refuseUpgrades(401)
    const main = `
      import { MCPClient } from '${entry('portable')}'
      globalThis.client = new MCPClient({ apiKey: '${KEY}', baseReconnectDelay: 10 })
      globalThis.outcome = new Promise((resolve) => client.once('reconnecting', () => resolve(client.error.message)))`
    const { url } = await openSite(t, { files: { ...filesFor(), '/main.mjs': main }, platform })
    const { outcome, tab } = await outcomeAt(t, url)
    assert.match(outcome, /a page is not told why; the server may be down, or refuse the upgrade/)
    await platform.resumeAccepting()
    assert.equal(await tab.evaluate(() => client.useTool('echo', 'at last')), 'at last')
  })

  test('says which options are none of a page', async (t) => {
    const main = `
      import { MCPClient } from '${entry('portable')}'
      const said = (options) => {
        try {
          new MCPClient({ autoConnect: false, ...options })
        } catch ({ name, message }) {
          return name + ': ' + message
        }
      }
      globalThis.outcome = [{ headers: {} }, { tls: {} }, { proxy: false }, { maxRetryAfter: 0 }, { compression: false }].map(said)`
    const { outcome } = await visit(t, { files: { ...filesFor(), '/main.mjs': main } })
    for (const [at, name] of ['headers', 'tls', 'proxy', 'maxRetryAfter'].entries())
      assert.match(outcome[at], new RegExp(`^TypeError: option "${name}" cannot be used in a page: .*; leave it out$`))
    assert.match(outcome[4], /^TypeError: option "compression" cannot be false in a page: .*; leave it out$/)
  })

  test('says that its browser has no WebAssembly', async (t) => {
    const { outcome } = await visit(t, {}, () => delete globalThis.WebAssembly)
    assert.match(outcome.message, /there is no WebAssembly here: the browser is too old, or runs in a mode/)
    assert.equal(outcome.shown, outcome.message)
  })

  test('says what to set where Vite’s development server has moved the code away from the module', async (t) => {
    const { code } = await bundleForPages("export * from '@mcp-integration/client/portable'", { format: 'esm' })
    const folder = '/node_modules/.vite/deps'
    const moved = { [`${folder}/client.mjs`]: code, [`${folder}/mcp-page.wasm`]: '<!doctype html>' }
    const files = { ...filesFor(), ...moved, '/main.mjs': calling(`${folder}/client.mjs`) }
    const { outcome } = await visit(t, { files, types: { [`${folder}/mcp-page.wasm`]: 'text/html' } })
    assert.match(outcome.message, /is served as text\/html: add optimizeDeps: .* to the settings of Vite$/)
  })

  /** One classic script, which is all that a page from file: can load. */
  async function visitFile(t, name, platform) {
    const { code } = await bundleForPages(calling(`@mcp-integration/client/${name}`, { url: platform.url }))
    const folder = await folderOf(t, { 'page.html': '<!doctype html><script src="app.js"></script>' })
    await writeFile(join(folder, 'app.js'), code)
    return outcomeAt(t, pathToFileURL(join(folder, 'page.html')).href)
  }

  test('makes a call from file:, with the module inlined', async (t) => {
    const platform = await listen(t, { tokens: [KEY], allowedOrigins: ['null'] })
    assert.equal((await visitFile(t, 'portable/inline', platform)).outcome, 'hello')
  })

  test('says from file: that a classic script cannot find the module, and which entry has it inlined', async (t) => {
    const platform = await listen(t, { tokens: [KEY] })
    const { outcome, faults } = await visitFile(t, 'portable', platform)
    assert.match(
      outcome.message,
      /a classic script cannot say where mcp-page\.wasm is: .*use the entry portable\/inline/,
    )
    assert.deepEqual([outcome.code, outcome.shown, faults], ['CONNECT_FAILED', outcome.message, []])
  })
})
