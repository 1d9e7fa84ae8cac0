/**
 * The Electron example as far as it goes without Electron: its main process as it is bundled, over the stand-in for
 * Electron's API, and its page, as it is bundled, in a real Chromium.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compileFunction } from 'node:vm'
import { build } from '../examples/electron/build.mjs'
import { launchBrowser } from './helpers/browser.mjs'
import { frame, ipcMain, openWindow } from './helpers/electron.mjs'
import { listen } from './helpers/test-server.mjs'

const PAGE = 'app://bundle/index.html'

let main
before(async () => {
  main = await build()
})

/** Runs the main process with this environment, and returns what it has asked Electron for. */
async function startMain(t, env) {
  const told = { ipc: ipcMain(), schemes: [], handlers: new Map(), windows: [], opened: [], on: new Map() }
  class BrowserWindow {
    constructor(options) {
      told.windows.push(this)
      this.options = options
      this.webContents = {
        setWindowOpenHandler: (handler) => (this.openHandler = handler),
        on: (event, listener) => (this[event] = listener),
      }
    }
    loadURL(url) {
      this.url = url
      return Promise.resolve()
    }
  }
  const electron = {
    app: {
      whenReady: () => Promise.resolve(),
      on: (event, listener) => told.on.set(event, listener),
      quit: () => told.on.get('will-quit')(),
    },
    BrowserWindow,
    ipcMain: told.ipc,
    net: { fetch: async (url) => new Response(await readFile(fileURLToPath(url))) },
    protocol: {
      registerSchemesAsPrivileged: (schemes) => told.schemes.push(...schemes),
      handle: (scheme, handler) => told.handlers.set(scheme, handler),
    },
    shell: { openExternal: async (url) => void told.opened.push(url) },
  }
  const load = createRequire(main)
  const require = Object.assign((name) => (name === 'electron' ? electron : load(name)), { resolve: load.resolve })
  const module = { exports: {} }
  const parameters = ['require', 'module', 'exports', '__dirname', '__filename']
  const before = { ...process.env }
  Object.assign(process.env, env)
  try {
    compileFunction(await readFile(main, 'utf8'), parameters, { filename: main })(
      require,
      module,
      module.exports,
      dirname(main),
      main,
    )
  } finally {
    process.env = before
  }
  t.after(() => electron.app.quit())
  // What follows app.whenReady().
  await new Promise(setImmediate)
  return told
}

describe('the main process', () => {
  test('opens a window with contextIsolation and sandbox, which stays on its page', async (t) => {
    const { windows, opened, schemes } = await startMain(t, { MCP_WS_URL: (await listen(t)).url })
    const [{ options, url, openHandler, ...window }] = windows
    const { preload, ...preferences } = options.webPreferences
    assert.deepEqual([windows.length, url, preferences], [1, PAGE, { contextIsolation: true, sandbox: true }])
    assert.equal(preload, createRequire(import.meta.url).resolve('@mcp-integration/client/electron/preload'))
    assert.deepEqual(schemes, [{ scheme: 'app', privileges: { standard: true, secure: true } }])
    for (const target of ['https://example.com/', 'file:///etc/passwd', 'javascript:alert(1)'])
      assert.deepEqual(openHandler({ url: target }), { action: 'deny' })
    assert.deepEqual(opened, ['https://example.com/'])
    let isPrevented = false
    window['will-navigate']({ preventDefault: () => (isPrevented = true) })
    assert.ok(isPrevented)
  })

  test('serves the files of the page, and nothing beside them', async (t) => {
    const { handlers } = await startMain(t, { MCP_WS_URL: (await listen(t)).url })
    const get = async (url) => handlers.get('app')({ url })
    assert.match(await (await get(PAGE)).text(), /<title>Web Search<\/title>/)
    for (const path of [
      'bundle/%2e%2e%2fmain.cjs',
      'bundle/..%2f..%2fmain.ts',
      'bundle/',
      'bundle',
      'other/index.html',
    ]) {
      assert.equal((await get(`app://${path}`)).status, 404, path)
    }
  })
})

test('the window searches through the main process, and shows an outage', async (t) => {
  const server = await listen(t, { tokens: ['key'] })
  const told = await startMain(t, { MCP_WS_URL: server.url, MCP_API_KEY: 'key' })
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const tab = await browser.newPage()
  const faults = []
  tab.on('pageerror', (error) => faults.push(error.message))
  await showWindow(t, tab, told)
  const shows = (text) => tab.getByText(text).first().waitFor()
  await shows('Connected')
  await tab.getByRole('searchbox').fill('backoff')
  await tab.getByRole('button', { name: 'Search' }).click()
  await shows('results for “backoff”')
  server.stopAccepting()
  await server.terminateAll()
  await shows('Reconnecting')
  await server.resumeAccepting()
  await shows('Connected')
  assert.deepEqual(faults, [])
})

/**
 * Shows the page in the browser, which knows no scheme of ours and no preload scripts: https stands for the scheme, and
 * the functions of the preload script, which runs here, are called from the page.
 */
async function showWindow(t, tab, { handlers, ipc }) {
  const { exposed, leave } = await openWindow(ipc, frame(PAGE))
  t.after(leave)
  const ends = []
  await tab.exposeFunction('openBridge', () => {
    const tell = (act, value) =>
      void tab.evaluate(([act, value]) => window.bridgeListeners[act](value), [act, value]).catch(() => {})
    ends.push(
      exposed.mcpClientBridge.open(
        (message) => tell('onMessage', message),
        () => tell('onClose'),
      ),
    )
  })
  await tab.exposeFunction('postToBridge', (message) => ends.at(-1).postMessage(message))
  await tab.exposeFunction('closeBridge', () => ends.at(-1).close())
  await tab.addInitScript(() => {
    window.mcpClientBridge = {
      open(onMessage, onClose) {
        window.bridgeListeners = { onMessage, onClose }
        void window.openBridge()
        return { postMessage: (message) => void window.postToBridge(message), close: () => void window.closeBridge() }
      },
    }
  })
  await tab.route('https://bundle/**', async (route) => {
    const url = route.request().url().replace('https:', 'app:')
    const response = await handlers.get('app')({ url })
    const types = { html: 'text/html', js: 'text/javascript', css: 'text/css' }
    await route.fulfill({
      status: response.status,
      contentType: types[url.split('.').at(-1)],
      body: Buffer.from(await response.arrayBuffer()),
    })
  })
  await tab.goto('https://bundle/index.html')
}
