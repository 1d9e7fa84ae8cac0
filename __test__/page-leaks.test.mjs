/**
 * What a page keeps of clients that were closed, of connections that ended, and of calls that were answered: nothing.
 * `npm run test:deep` repeats it 10,000 connections and a million calls long.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { launchBrowser } from './helpers/browser.mjs'
import { amount } from './helpers/deep.mjs'
import { entry, openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

/** Each client connects twice. */
const CLIENTS = amount({ sample: 50, full: 5_000 })
const CALLS = amount({ sample: 5_000, full: 1_000_000 })
const IN_FLIGHT = 100

/** Bytes by which a heap may be larger after a collection: what engines keep for themselves, such as compiled code. */
const TOLERANCE = 2 << 20
/** The same for the whole process, whose allocators keep more. */
const PROCESS_TOLERANCE = 24 << 20

const PAGE = `
  import { MCPClient } from '${entry('portable')}'
  globalThis.connectOften = async (times) => {
    for (let i = 0; i < times; i++) {
      const client = new MCPClient()
      client.on('state', () => {})
      await client.connect()
      await client.useTool('echo', i)
      await client.reconnect()
      await client.useTool('echo', i)
      await client.close()
    }
  }
  globalThis.callOften = async (times) => {
    globalThis.client ??= new MCPClient({ heartbeatInterval: 0 })
    let next = 0
    const caller = async () => {
      while (next < times) {
        const n = next++
        const { back } = await client.useTool('echo', { back: n })
        if (back !== n) throw new Error('a wrong answer to call ' + n)
      }
    }
    await Promise.all(Array.from({ length: ${IN_FLIGHT} }, caller))
  }`

describe('a page that lives long', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  async function visit(t) {
    const platform = await listen(t, { history: 10 })
    const files = { '/': '<!doctype html><script type="module" src="/main.mjs"></script>', '/main.mjs': PAGE }
    const { url } = await openSite(t, { files, platform })
    const context = await browser.newContext()
    t.after(() => context.close())
    const tab = await context.newPage()
    await tab.goto(url)
    await tab.waitForFunction(() => globalThis.callOften !== undefined)
    const control = await context.newCDPSession(tab)
    return { tab, look: () => lookAt(t, control) }
  }

  /** What the page holds after a collection. */
  async function lookAt(t, control) {
    for (let i = 0; i < 3; i++) await control.send('HeapProfiler.collectGarbage')
    const { usedSize } = await control.send('Runtime.getHeapUsage')
    const sockets = await liveOf(control, 'WebSocket.prototype')
    const memories = await liveOf(control, 'WebAssembly.Memory.prototype', (all) =>
      all.map(({ buffer }) => buffer.byteLength).sort(),
    )
    const rss = await residentBytes(browser)
    t.diagnostic(`heap ${mib(usedSize)}, process ${mib(rss)}, sockets ${sockets}, memories ${JSON.stringify(memories)}`)
    return { usedSize, sockets, memories, rss }
  }

  function isNoLarger(now, then) {
    assert.ok(now.usedSize <= then.usedSize + TOLERANCE, `heap: ${mib(then.usedSize)}, then ${mib(now.usedSize)}`)
    assert.ok(now.rss <= then.rss + PROCESS_TOLERANCE, `process: ${mib(then.rss)}, then ${mib(now.rss)}`)
  }

  test(`keeps nothing of ${CLIENTS} clients and ${2 * CLIENTS} connections`, async (t) => {
    const { tab, look } = await visit(t)
    await tab.evaluate((times) => globalThis.connectOften(times), 20)
    const first = await look()
    await tab.evaluate((times) => globalThis.connectOften(times), CLIENTS)
    const last = await look()
    assert.ok(last.sockets <= 1, `${last.sockets} sockets`)
    assert.ok(last.memories.length <= 1, `${last.memories.length} instances of the module`)
    isNoLarger(last, first)
  })

  test(`keeps nothing of ${CALLS} calls`, async (t) => {
    const { tab, look } = await visit(t)
    await tab.evaluate((times) => globalThis.callOften(times), CALLS / 10)
    const first = await look()
    await tab.evaluate((times) => globalThis.callOften(times), CALLS)
    const last = await look()
    assert.equal(last.sockets, 1)
    assert.deepEqual(last.memories, first.memories, 'the memory of the module has not grown')
    isNoLarger(last, first)
  })
})

/** What is alive with this prototype: how much, or what `read` says of all. */
async function liveOf(control, expression, read = (all) => all.length) {
  const { result } = await control.send('Runtime.evaluate', { expression })
  const { objects } = await control.send('Runtime.queryObjects', { prototypeObjectId: result.objectId })
  const call = { functionDeclaration: `function () { return (${read})(this) }`, objectId: objects.objectId }
  const { result: told } = await control.send('Runtime.callFunctionOn', { ...call, returnByValue: true })
  for (const { objectId } of [result, objects]) await control.send('Runtime.releaseObject', { objectId })
  return told.value
}

/** Resident memory of the page's process; 0 where the system does not report it. */
async function residentBytes(browser) {
  if (process.platform !== 'linux') return 0
  const control = await browser.newBrowserCDPSession()
  const { processInfo } = await control.send('SystemInfo.getProcessInfo')
  await control.detach()
  const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => statOf(id))
  // The other renderers are spare: they have loaded no page.
  return Math.max(...pages)
}

function statOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}

function mib(bytes) {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`
}

const PAGE_BYTES = 4096
