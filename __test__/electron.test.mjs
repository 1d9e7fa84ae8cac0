/**
 * The three Electron parts, over what Electron's documentation says of ports, the context bridge and sandboxed preload
 * scripts.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forwardRenderers, serveForwarded, serveRenderers } from '@mcp-integration/client/electron/main'
import { frame, ipcMain, openWindow, utilityProcess } from './helpers/electron.mjs'
import { next, ready, rejection } from './helpers/client.mjs'
import { bundleForPages, world } from './helpers/page.mjs'
import { listen } from './helpers/test-server.mjs'

const APP = 'app://bundle/index.html'
const ALLOWED = { allowSenders: ['app://bundle'] }

/** The renderer's part, as a bundler makes it for the page; without anything of Node.js. */
const { code: RENDERER } = await bundleForPages(`export * from '@mcp-integration/client/electron/renderer'`)

/** A window whose page has called `connectMain()`. */
async function page(t, main, url = APP, parent = null) {
  const { exposed, leave } = await openWindow(main, url === null ? null : frame(url, parent))
  const { context, run } = world(exposed)
  run(RENDERER)
  const client = run('page.connectMain()')
  t.after(() => client.close())
  return { client, run, context, exposed, leave }
}

describe('a renderer', () => {
  test('has the client of the main process', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const main = ipcMain()
    t.after(serveRenderers(client, { ipcMain: main, ...ALLOWED }).close)
    const { client: far, run } = await page(t, main)
    await far.connect()
    assert.deepEqual({ ...far.snapshot }, { ...client.snapshot })
    assert.deepEqual(await far.useTool('echo', { deep: [{ ä: 1 }] }), { deep: [{ ä: 1 }] })
    const bytes = await far.useTool('echo', 'x', { responseType: 'buffer' })
    assert.equal(Buffer.from(bytes).toString(), '"x"')
    const { MCPToolError } = run('page')
    const error = await rejection(far.useTool('fail', { message: 'no', code: 'NO' }))
    assert.ok(error instanceof MCPToolError)
    assert.deepEqual([error.message, error.toolCode, error.toolName], ['no', 'NO', 'fail'])
    const pushed = next(far, 'message')
    await far.useTool('echo')
    server.broadcast({ push: 1 })
    assert.deepEqual({ ...(await pushed)[0] }, { push: 1 })
  })

  test('gets plain functions from the preload script, which asks for nothing but electron', async (t) => {
    const { exposed, asked } = await openWindow(ipcMain(), frame(APP))
    assert.deepEqual(Object.keys(exposed), ['mcpClientBridge'])
    assert.deepEqual(Object.keys(exposed.mcpClientBridge), ['open'])
    const opened = exposed.mcpClientBridge.open(
      () => {},
      () => {},
    )
    assert.deepEqual(Object.keys(opened), ['postMessage', 'close'])
    opened.close()
    assert.deepEqual(asked, ['electron'])
  })

  test('is told when the preload script has not run', () => {
    const { run } = world()
    run(RENDERER)
    assert.throws(() => run('page.connectMain()'), {
      name: 'MCPError',
      code: 'CONNECT_FAILED',
      message: /electron\/preload/,
    })
  })

  test('that is reloaded or closed leaves nothing in the main process', async (t) => {
    const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
    const client = await ready(t, server)
    const main = ipcMain()
    t.after(serveRenderers(client, { ipcMain: main, ...ALLOWED }).close)
    for (const end of ['close', 'leave']) {
      const { client: far, leave } = await page(t, main)
      const call = rejection(far.useTool('wait'))
      await server.nextRequest('wait')
      if (end === 'close') void far.close()
      else leave()
      assert.equal((await call).code, end === 'close' ? 'CLOSED' : 'CONNECTION_LOST')
      while (client.listenerCount('state') > 0) await new Promise(setImmediate)
      assert.equal(client.stats().pending, 0)
    }
  })

  test('is told when the main process ends the service', async (t) => {
    const main = ipcMain()
    const served = serveRenderers(await ready(t, await listen(t)), { ipcMain: main, ...ALLOWED })
    const { client: far } = await page(t, main)
    await far.connect()
    const failed = next(far, 'failed')
    served.close()
    assert.equal((await failed)[0].code, 'CONNECTION_LOST')
    assert.deepEqual(main.eventNames(), [])
  })

  test('is one of many, each with its own answers', async (t) => {
    const main = ipcMain()
    t.after(serveRenderers(await ready(t, await listen(t)), { ipcMain: main, ...ALLOWED }).close)
    const pages = await Promise.all(Array.from({ length: 5 }, () => page(t, main)))
    const answers = await Promise.all(
      pages.map(({ client }, index) =>
        Promise.all(Array.from({ length: 50 }, (_, call) => client.useTool('echo', [index, call]))),
      ),
    )
    assert.deepEqual(
      answers.map((own) => own.map((answer) => [...answer])),
      pages.map((_, index) => Array.from({ length: 50 }, (_, call) => [index, call])),
    )
  })

  test('has what the main process allows', async (t) => {
    const main = ipcMain()
    const log = []
    t.after(
      serveRenderers(await ready(t, await listen(t)), {
        ipcMain: main,
        ...ALLOWED,
        allowTools: ['echo'],
        onLog: (entry) => log.push(entry),
      }).close,
    )
    const { client: far, exposed } = await page(t, main)
    assert.equal(await far.useTool('echo', 1), 1)
    assert.equal((await rejection(far.useTool('status'))).code, 'NOT_ALLOWED')
    assert.equal((await rejection(far.reconnect())).code, 'NOT_ALLOWED')
    const answered = new Promise((resolve) => {
      const forged = exposed.mcpClientBridge.open(
        (message) => message.type === 'done' && resolve(forged),
        () => {},
      )
      forged.postMessage('junk')
      forged.postMessage({ mcpBridge: 1, type: 'command', id: 0, name: 'connect', token: null, seen: 'idle' })
    })
    ;(await answered).close()
    assert.match(log[0].message, /dropped/)
  })
})

describe('a sender', () => {
  const senders = {
    'of another origin': ['https://evil.example/', null],
    'that is a frame within an allowed page': [APP, {}],
    'that is gone': [null, null],
  }
  for (const [who, [url, parent]] of Object.entries(senders)) {
    test(`${who} is refused, and the log says so`, async (t) => {
      const main = ipcMain()
      const client = await ready(t, await listen(t))
      const log = []
      t.after(serveRenderers(client, { ipcMain: main, ...ALLOWED, onLog: (entry) => log.push(entry) }).close)
      const { client: far } = await page(t, main, url, parent)
      const call = rejection(far.useTool('echo'))
      const [error] = await next(far, 'failed')
      assert.deepEqual([error.code, (await call).code, far.state], ['NOT_ALLOWED', 'NOT_ALLOWED', 'failed'])
      assert.equal(client.listenerCount('state'), 0)
      assert.match(log[0].message, /a renderer was refused/)
    })
  }

  test('may be judged by a function, which allows nothing when it fails', async (t) => {
    const main = ipcMain()
    const log = []
    const allowSenders = ({ url, parent }) => {
      if (url.endsWith('bad')) throw new Error('mine')
      return parent !== null
    }
    t.after(
      serveRenderers(await ready(t, await listen(t)), {
        ipcMain: main,
        allowSenders,
        onLog: (entry) => log.push(entry),
      }).close,
    )
    assert.equal(await (await page(t, main, 'https://any.example/', {})).client.useTool('echo', 1), 1)
    for (const url of ['https://any.example/', 'https://any.example/bad']) {
      assert.equal((await next((await page(t, main, url)).client, 'failed'))[0].code, 'NOT_ALLOWED')
    }
    assert.match(log.map(({ message }) => message).join(), /allowSenders failed/)
  })

  test('must be named in the options, which are checked at once', async (t) => {
    const client = await ready(t, await listen(t))
    const main = ipcMain()
    for (const options of [
      {},
      { ipcMain: main },
      { ipcMain: main, allowSenders: 'app://bundle' },
      { ipcMain: main, ...ALLOWED, allowTool: [] },
      { ...ALLOWED },
    ]) {
      assert.throws(() => serveRenderers(client, options), TypeError)
    }
    assert.throws(() => forwardRenderers({ postMessage() {} }, { ipcMain: main }), TypeError)
    assert.deepEqual(main.eventNames(), [])
  })
})

test('a utility process may own the client: the main process checks who asks and hands the port on', async (t) => {
  const client = await ready(t, await listen(t))
  const main = ipcMain()
  const log = []
  const { child, parentPort } = utilityProcess()
  t.after(forwardRenderers(child, { ipcMain: main, ...ALLOWED, onLog: (entry) => log.push(entry) }).close)
  const served = serveForwarded(client, parentPort, { allowTools: ['echo'] })
  parentPort.emit('message', { data: 'the app’s own', ports: [] })
  const { client: far } = await page(t, main)
  assert.equal(await far.useTool('echo', 1), 1)
  assert.equal((await rejection(far.useTool('status'))).code, 'NOT_ALLOWED')
  assert.equal((await next((await page(t, main, 'https://evil.example/')).client, 'failed'))[0].code, 'NOT_ALLOWED')
  assert.equal(log.length, 1)
  const failed = next(far, 'failed')
  served.close()
  await failed
  assert.deepEqual(parentPort.eventNames(), [])
})

describe('what pages load', () => {
  test('has nothing of Node.js and nothing native, and one MCPError', async () => {
    const { inputs, code } = await bundleForPages(`
      export { MCPError as OfBridge, connectClient, serveClient } from '@mcp-integration/client/bridge'
      export { MCPError as OfRenderer } from '@mcp-integration/client/electron/renderer'
      export { MCPError as OfReact } from '@mcp-integration/client/react'
    `)
    const own = inputs.filter((path) => /(^|\/)dist\//.test(path))
    assert.ok(own.length > 0 && own.every((path) => path.includes('dist/browser/')), own.join())
    const { run } = world()
    run(code)
    const { OfBridge, OfRenderer, OfReact } = run('page')
    assert.equal(OfBridge, OfRenderer)
    assert.equal(OfBridge, OfReact)
  })

  test('makes no client of its own, and says what to do instead', async (t) => {
    const { code } = await bundleForPages(`
      import { createElement } from 'react'
      import { createRoot } from 'react-dom/client'
      import { flushSync } from 'react-dom'
      import { useMCPWebSocket } from '@mcp-integration/client/react'
      export function show(container) {
        const Page = () => useMCPWebSocket({ url: 'ws://127.0.0.1:1' }).error?.message ?? 'none'
        const root = createRoot(container)
        flushSync(() => root.render(createElement(Page)))
        const text = container.textContent
        root.unmount()
        return text
      }
    `)
    const { Window } = await import('happy-dom')
    const window = new Window()
    t.after(() => window.close())
    const { run, context } = world({
      window,
      document: window.document,
      navigator: { userAgent: '' },
      setTimeout,
      clearTimeout,
      setImmediate,
      performance,
    })
    run(code)
    assert.match(
      run('page').show(context.document.createElement('div')),
      /a page cannot load native code.*connectClient\(\)/,
    )
  })

  test('with require in a bundle for pages is no native code either', async () => {
    const { code, inputs } = await bundleForPages(`module.exports = require('@mcp-integration/client/react')`, {
      format: 'cjs',
    })
    assert.ok(
      inputs.some((path) => path.endsWith('dist/react/no-client.js')),
      inputs.join(),
    )
    assert.ok(!inputs.some((path) => /dist\/(index\.js$|client\/|native\/)/.test(path)))
    assert.doesNotMatch(code, /node:/)
  })
})
