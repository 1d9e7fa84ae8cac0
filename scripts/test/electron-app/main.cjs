/**
 * The main process of the app that scripts/test/electron.mjs runs: it tries what only a real Electron does, with the
 * server at $SERVER_URL, and writes the result of each step into the file $RESULT.
 */
const { once } = require('node:events')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { app, BrowserWindow, ipcMain, utilityProcess } = require('electron')
const { MCPClient } = require('@mcp-integration/client')
const { forwardRenderers, serveRenderers } = require('@mcp-integration/client/electron/main')

const { RESULT, SERVER_URL } = process.env
const ALLOWED = { ipcMain, allowSenders: ['file://'] }
/** ms; the whole takes seconds. */
const FAR_TOO_LONG = 90_000

const results = {}
let step = 'the start'

async function run() {
  await app.whenReady()
  app.on('window-all-closed', () => {})
  const client = new MCPClient(SERVER_URL)
  await inMainProcess(client)
  await inUtilityProcess()
  await client.close()
}

async function inMainProcess(client) {
  const inFlight = () => client.stats().pending
  const served = serveRenderers(client, ALLOWED)
  await note('the main process', () => client.useTool('echo', { from: 'the main process' }))
  const window = await openWindow()
  await note('the page, through a sandboxed preload script', () => inPage(window, `call('echo', { from: 'the page' })`))
  await note('a result of 2,000 levels', () => inPage(window, 'depth(2000)'))
  await note('50,000 rows', () => inPage(window, 'rows(50000)'))
  await note('a page that is reloaded during a call', () =>
    callsAround(window, inFlight, async () => {
      window.webContents.reload()
      await once(window.webContents, 'did-finish-load')
    }),
  )
  await note('the page after the reload', () => inPage(window, `call('echo', 1)`))
  await note('a renderer that is killed during a call', () => callsAround(window, inFlight, () => crash(window)))
  await window.loadFile('index.html')
  await note('the page after the crash', () => inPage(window, `call('echo', 2)`))
  await note('a window that is closed during a call', () => callsAround(window, inFlight, () => window.destroy()))
  served.close()
}

async function inUtilityProcess() {
  const child = utilityProcess.fork(join(__dirname, 'client-process.cjs'), [SERVER_URL])
  const served = forwardRenderers(child, ALLOWED)
  const inFlight = async () => {
    child.postMessage('in flight?')
    const [answer] = await once(child, 'message')
    return answer
  }
  const window = await openWindow()
  await note('a utility process', () => inPage(window, `call('echo', { from: 'the page' })`))
  await note('a killed renderer of a utility process', () => callsAround(window, inFlight, () => crash(window)))
  await window.loadFile('index.html')
  await note('a closed window of a utility process', () => callsAround(window, inFlight, () => window.destroy()))
  served.close()
  child.kill()
  await once(child, 'exit')
}

async function note(name, act) {
  step = name
  results[name] = await act()
}

async function openWindow() {
  const preload = require.resolve('@mcp-integration/client/electron/preload')
  const window = new BrowserWindow({ show: false, webPreferences: { preload, contextIsolation: true, sandbox: true } })
  await window.loadFile('index.html')
  return window
}

function inPage(window, code) {
  return window.webContents.executeJavaScript(`window.page.${code}`)
}

async function crash(window) {
  const gone = once(window.webContents, 'render-process-gone')
  window.webContents.forcefullyCrashRenderer()
  await gone
}

/** Ends a page that waits for a call, and returns how many calls the client has in flight, before and after. */
async function callsAround(window, inFlight, end) {
  await inPage(window, 'startWaiting()')
  const before = await until(inFlight, (pending) => pending === 1)
  await end()
  const after = await until(inFlight, (pending) => pending === 0)
  return { before, after }
}

async function until(look, isReached) {
  for (;;) {
    const value = await look()
    if (isReached(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function finish(error) {
  const { electron, node, chrome } = process.versions
  const outcome = { versions: { electron, node, chrome }, isArchive: __dirname.endsWith('.asar'), results, error }
  writeFileSync(RESULT, JSON.stringify(outcome))
  app.exit(0)
}

setTimeout(() => finish(`${step} was not done in ${FAR_TOO_LONG} ms`), FAR_TOO_LONG)
run().then(
  () => finish(),
  (error) => finish(`${step} has failed: ${error.stack}`),
)
