/**
 * The three Electron parts, over what Electron's documentation says of ports, the context bridge and sandboxed preload
 * scripts.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forwardRenderers, serveForwarded, serveRenderers } from '@mcp-integration/client/electron/main'
import { frame, ipcMain, openWindow, utilityProcess, webContents } from './helpers/electron.mjs'
import { next, ready, rejection } from './helpers/client.mjs'
import { tooDeep } from './helpers/nested.mjs'
import { bundleForPages, world } from './helpers/page.mjs'
import { listen } from './helpers/test-server.mjs'

const APP = 'app://bundle/index.html'
const ALLOWED = { allowSenders: ['app://bundle'] }

/** The renderer's part, as a bundler makes it for the page; without anything of Node.js. */
const { code: RENDERER } = await bundleForPages(`export * from '@mcp-integration/client/electron/renderer'`)

/** A window whose page has called `connectMain()`. */
async function page(t, main, url = APP, parent = null, sender = webContents()) {
  const { exposed, leave } = await openWindow(main, url === null ? null : frame(url, parent), sender)
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
    // It is parsed in the page, with the page's own classes.
    assert.deepEqual(structuredClone(await far.useTool('echo', { deep: [{ ä: 1 }] })), { deep: [{ ä: 1 }] })
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

  test('gets results that are nested deeper than the context bridge copies, or hears that they are too deep', async (t) => {
    const nested = (levels) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    const server = await listen(t, { tools: { nest: () => nested(2_000) } })
    const main = ipcMain()
    const client = await ready(t, server)
    t.after(serveRenderers(client, { ipcMain: main, ...ALLOWED, onLog() {} }).close)
    const { client: far } = await page(t, main)
    let levels = 0
    for (let value = await far.useTool('nest'); value !== undefined; value = value[0]) levels += 1
    assert.equal(levels, 2_000)
    client.useTool = async () => tooDeep()
    assert.match((await rejection(far.useTool('nest'))).message, /^the results cannot cross the bridge/)
  })

  test('says everything as text, and is told everything as text', async (t) => {
    const main = ipcMain()
    t.after(serveRenderers(await ready(t, await listen(t)), { ipcMain: main, ...ALLOWED }).close)
    const { exposed } = await openWindow(main, frame(APP))
    const texts = []
    const kept = {
      mcpClientBridge: {
        open(onMessage, onClose) {
          const far = exposed.mcpClientBridge.open((text) => {
            texts.push(text)
            onMessage(text)
          }, onClose)
          const postMessage = (text) => {
            texts.push(text)
            far.postMessage(text)
          }
          return { ...far, postMessage }
        },
      },
    }
    const { run } = world(kept)
    run(RENDERER)
    const client = run('page.connectMain()')
    assert.deepEqual([...(await client.useTool('echo', [1]))], [1])
    await client.close()
    assert.deepEqual([...new Set(texts.map((text) => typeof text))], ['string'])
    assert.deepEqual([...new Set(texts.map((text) => JSON.parse(text).type))].sort(), [
      'bye',
      'call',
      'done',
      'hello',
      'welcome',
    ])
  })

  for (const event of ['destroyed', 'render-process-gone']) {
    test(`whose port does not close is done with when its window says "${event}"`, async (t) => {
      const server = await listen(t, { tools: { wait: () => new Promise(() => {}) } })
      const client = await ready(t, server)
      const main = ipcMain()
      const { child, parentPort } = utilityProcess()
      for (const serve of [
        () => [serveRenderers(client, { ipcMain: main, ...ALLOWED })],
        () => [serveForwarded(client, parentPort), forwardRenderers(child, { ipcMain: main, ...ALLOWED })],
      ]) {
        const ends = serve()
        const [sender, other] = [webContents(), webContents()]
        const { client: far } = await page(t, main, APP, null, sender)
        const { client: stays } = await page(t, main, APP, null, other)
        await stays.connect()
        const call = rejection(far.useTool('wait'))
        await server.nextRequest('wait')
        sender.emit(event)
        assert.equal((await call).code, 'CONNECTION_LOST')
        assert.equal(client.stats().pending, 0)
        assert.equal(await stays.useTool('echo', 1), 1)
        // After a crash the window may load another page.
        const kept = event === 'destroyed' ? 0 : 1
        assert.deepEqual([sender.listenerCount('destroyed'), sender.listenerCount('render-process-gone')], [kept, kept])
        if (kept) {
          const again = await Promise.all(Array.from({ length: 12 }, () => page(t, main, APP, null, sender)))
          for (const { client: next } of again) assert.equal(await next.useTool('echo', 1), 1)
          assert.equal(sender.listenerCount('destroyed'), 1)
        }
        for (const end of ends) end.close()
        assert.deepEqual([...sender.eventNames(), ...other.eventNames(), ...main.eventNames()], [])
      }
    })
  }

  test('that opens one port after the other is refused after sixteen, and gets more when it has closed some', async (t) => {
    const main = ipcMain()
    t.after(serveRenderers(await ready(t, await listen(t)), { ipcMain: main, ...ALLOWED }).close)
    const { client: first, run } = await page(t, main)
    const others = Array.from({ length: 15 }, () => run('page.connectMain()'))
    await Promise.all([first, ...others].map((client) => client.connect()))
    const error = await rejection(run('page.connectMain()').connect())
    assert.deepEqual([error.code, error.retryable], ['QUEUE_FULL', false])
    assert.match(error.message, /this window has 16 ports already/)
    await others[0].close()
    // The other end has heard of it when an answer of the same window has come.
    await first.useTool('echo')
    const last = run('page.connectMain()')
    t.after(() => Promise.all([...others, last].map((client) => client.close())))
    await last.connect()
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
        (text) => JSON.parse(text).type === 'done' && resolve(forged),
        () => {},
      )
      const malformed = ['junk', { toString: 1, valueOf: 1 }, null]
      for (const message of malformed) forged.postMessage(message)
      forged.postMessage('{"mcpBridge":1,"type":"command","id":0,"name":"connect","token":null,"seen":"idle"}')
    })
    ;(await answered).close()
    assert.deepEqual(
      log.map(({ message }) => /dropped/.test(message)),
      [true, true, true],
    )
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

  test('with require in a bundle for pages is no native code either', async () => {
    const { code, inputs } = await bundleForPages(`module.exports = require('@mcp-integration/client/react')`, {
      format: 'cjs',
    })
    assert.ok(
      inputs.some((path) => path.endsWith('dist/browser/portable-inline.js')),
      inputs.join(),
    )
    assert.ok(!inputs.some((path) => /dist\/(index\.js$|client\/|native\/)/.test(path)))
    assert.doesNotMatch(code, /node:/)
  })
})
