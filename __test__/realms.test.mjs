/**
 * The package in a realm of its own, as the pools of Jest and Vitest load it: with the classes of a context of node:vm,
 * where values of Node.js and of native code are no instances of them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { before, describe, test } from 'node:test'
import { compileFunction, createContext, runInContext } from 'node:vm'
import { Window } from 'happy-dom'
import { rejection } from './helpers/client.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

/** What a test runner gives a context, and the package loaded into it. */
function newRealm(globals = {}) {
  const context = createContext({
    AbortController,
    AbortSignal,
    Buffer,
    DOMException,
    URL,
    process,
    queueMicrotask,
    ...globals,
  })
  const modules = new Map()
  const loadFile = (file) => {
    const known = modules.get(file)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    modules.set(file, module)
    const outside = createRequire(file)
    const require = (name) => {
      const found = name.startsWith('.') ? outside.resolve(name) : name
      return found.endsWith('.js') ? loadFile(found) : outside(name)
    }
    const parameters = ['module', 'exports', 'require', '__dirname', '__filename']
    const code = compileFunction(readFileSync(file, 'utf8'), parameters, { parsingContext: context, filename: file })
    code(module, module.exports, require, dirname(file), file)
    return module.exports
  }
  const load = (path) => loadFile(join(ROOT, path))
  return { context, load, run: (code) => runInContext(code, context), ...load('dist/index.js') }
}

describe('in a realm of its own', () => {
  let realm

  before(() => {
    realm = newRealm()
  })

  /** What `act` throws: an error of the realm. */
  function thrown(act, name, message) {
    try {
      act()
    } catch (error) {
      assert.ok(error instanceof realm.run(name), `${error.name}: ${error.message}`)
      assert.match(error.message, message)
      return
    }
    assert.fail('it threw nothing')
  }

  test('options that are wrong are reported as in any other', () => {
    const { MCPClient } = realm
    thrown(() => new MCPClient('ws://127.0.0.1', { baseReconnectDelay: -1 }), 'RangeError', /baseReconnectDelay/)
    thrown(() => new MCPClient('ws://127.0.0.1', { maxPending: 'many' }), 'TypeError', /maxPending/)
    thrown(() => new MCPClient('ws://127.0.0.1', { pings: 3 }), 'TypeError', /pings/)
  })

  test('a URL of another one is taken, and a list of subprotocols', async (t) => {
    const { MCPClient } = realm
    const server = await listen(t)
    for (const url of [new URL(server.url), new (realm.run('URL'))(server.url)]) {
      const client = new MCPClient(url, realm.run("['mcp']"))
      t.after(() => client.close())
      await client.connect()
      assert.equal((await server.nextConnection()).protocol, 'mcp')
    }
    const { URL: PageURL, close } = new Window()
    const client = new MCPClient({ url: new PageURL(server.url) })
    await client.connect()
    await client.close()
    close?.()
  })

  test('errors that parameters throw keep their words', async (t) => {
    const { MCPClient } = realm
    const server = await listen(t)
    const client = new MCPClient(server.url)
    t.after(() => client.close())
    const Foreign = realm.run('Error')
    for (const ThisError of [Error, Foreign]) {
      const parameters = {
        toJSON() {
          throw new ThisError('no form')
        },
      }
      const error = await rejection(client.useTool('echo', parameters))
      assert.match(error.message, /cannot be written as JSON: no form$/)
    }
    const odd = {
      toJSON() {
        throw Object.create(null)
      },
    }
    assert.match((await rejection(client.useTool('echo', odd))).message, /cannot be written as JSON: object$/)
  })

  test('dates, typed arrays and signals of others are what they are', async (t) => {
    const { MCPClient } = realm
    const client = new MCPClient((await listen(t)).url)
    t.after(() => client.close())
    const date = realm.run('new Date(0)')
    assert.deepEqual(
      structuredClone(
        await client.useTool('echo', { dates: [new Date(0), date], bytes: realm.run('new Uint8Array(1)') }),
      ),
      { dates: [new Date(0).toJSON(), date.toJSON()], bytes: { 0: 0 } },
    )
    const window = new Window()
    for (const controller of [new AbortController(), new window.AbortController()]) {
      const call = client.useTool('sleep', { ms: 60_000 }, { signal: controller.signal })
      controller.abort('enough')
      assert.equal(await rejection(call), 'enough')
      assert.equal(await rejection(client.useTool('echo', 1, { signal: controller.signal })), 'enough')
    }
    const bytes = await client.useTool('echo', 1, { responseType: 'buffer' })
    assert.ok(Buffer.isBuffer(bytes))
  })

  test('the key function’s error is the cause, of whichever realm it is', async (t) => {
    const { MCPClient } = realm
    const failure = new Error('no key today')
    const apiKey = () => {
      throw failure
    }
    const client = new MCPClient((await listen(t)).url, { apiKey, maxReconnectAttempts: 0 })
    const error = await rejection(client.connect())
    assert.ok(error instanceof realm.MCPError)
    assert.equal(error.code, 'AUTH_FAILED')
    assert.equal(error.cause, failure)
  })
})

describe('the test server in a page’s environment', () => {
  test('works with the signals of the page, and with errors and bytes of Node.js', async (t) => {
    const window = new Window()
    const { AbortController: PageController, AbortSignal: PageSignal } = window
    // Timers are there in every page; `ws` needs them.
    const globals = { AbortController: PageController, AbortSignal: PageSignal, window, setTimeout, clearTimeout }
    const { MCPClient, load, run } = newRealm(globals)
    const { MCPTestServer } = load('dist/testing/main.js')
    const server = await MCPTestServer.listen({
      tools: {
        read: (_, { signal }) => {
          assert.ok(signal instanceof AbortSignal)
          throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
        },
      },
    })
    t.after(() => server.close())
    const client = new MCPClient(server.url)
    t.after(() => client.close())
    assert.deepEqual(structuredClone(await client.useTool('sleep', { ms: 1 })), { slept: 1 })
    const { message, toolCode } = await rejection(client.useTool('read'))
    assert.deepEqual([message, toolCode], ['no such file', 'ENOENT'])
    const pushed = new Promise((resolve) => client.addEventListener('message', ({ data }) => resolve(data)))
    server.connections[0].send(Buffer.from('"bytes"'))
    assert.equal(await pushed, '"bytes"')
    assert.equal(typeof run('window'), 'object')
  })
})
