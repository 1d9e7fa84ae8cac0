/**
 * A client that is used before its WebAssembly module is there: whatever it is told then has the outcome, and is told
 * in the order, that it has with the addon, whose core is there at once.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, describe, test } from 'node:test'
import { Cleanup } from './helpers/cleanup.mjs'
import { run } from './helpers/program.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

const PORTABLE = ['--import', pathToFileURL(join(ROOT, '__test__/helpers/portable.mjs')).href]

/** Uses a client in the turn in which it is made, and tells its events and what came of its promises. */
async function program({ MCPClient, tell, input: { url, name } }) {
  let told = []
  /** Of promises: what comes between two events depends on how busy this thread is. */
  let outcomes = []
  const make = (options) => {
    // A function is not asked in this turn, so the addon cannot connect in it, however slow this thread is.
    const client = new MCPClient({ url: async () => url, apiKey: 'key', ...options })
    for (const event of ['open', 'authenticated', 'message', 'close', 'reconnecting', 'failed', 'error'])
      client.on(event, (value) => told.push([event, value?.code ?? value?.results ?? null]))
    client.on('state', ({ state, connected }, previous) => told.push(['state', previous, state, connected]))
    return client
  }
  const note = (what, promise) =>
    promise.then(
      (value) => outcomes.push([what, 'done', value ?? null]),
      ({ name, code, sent }) => outcomes.push([what, name, code ?? null, sent ?? null]),
    )
  const look = (client) => told.push([client.state, client.connected, client.readyState, client.error?.code ?? null])
  const idle = () => make({ autoConnect: false })
  const uses = {
    async 'a call'() {
      const client = make({ url })
      await note('call', client.useTool('echo', 1))
      return client
    },
    async 'many calls'() {
      const client = make({ url })
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => client.useTool('echo', n)))
      // They may be told in other orders.
      told.splice(0, told.length, answers)
      return client
    },
    async 'a call that is aborted'() {
      const client = make()
      const abort = new AbortController()
      const [aborted, other] = [client.useTool('echo', 1, { signal: abort.signal }), client.useTool('echo', 2)]
      abort.abort()
      await Promise.all([note('aborted', aborted), note('other', other)])
      return client
    },
    async 'a call that is aborted later'() {
      const client = make()
      const abort = new AbortController()
      const call = note('aborted', client.useTool('sleep', { ms: 60_000 }, { signal: abort.signal }))
      await client.connect()
      abort.abort()
      await call
      return client
    },
    async 'connect() and close() at once'() {
      const client = idle()
      look(client)
      const connected = note('connect', client.connect())
      look(client)
      const closed = note('close', client.close())
      look(client)
      await Promise.all([connected, closed])
      return client
    },
    async 'close() and connect() again at once'() {
      const client = make()
      const all = [
        note('call', client.useTool('echo', 1)),
        note('close', client.close()),
        note('connect', client.connect()),
      ]
      look(client)
      await Promise.all(all)
      return client
    },
    async 'connect() and authenticate() at once'() {
      const client = idle()
      await Promise.all([note('connect', client.connect()), note('authenticate', client.authenticate('key'))])
      return client
    },
    async 'reconnect()'() {
      const client = idle()
      await note('reconnect', client.reconnect())
      return client
    },
    async 'another key'() {
      const client = make({ apiKey: 'wrong' })
      await note('authenticate', client.authenticate('key'))
      return client
    },
    async 'a key that is refused'() {
      const client = make({ apiKey: 'wrong' })
      await Promise.all([note('connect', client.connect()), note('call', client.useTool('echo'))])
      return client
    },
    async 'a call of a client that does not connect'() {
      const client = idle()
      await note('call', client.useTool('echo'))
      await note('tools', client.tools())
      await note('tools, aborted', client.tools({ signal: AbortSignal.abort() }))
      return client
    },
    async 'messages, which need a connection'() {
      const client = make()
      told.push([client.sendMessage('{}'), client.sendToolRequest('echo'), client.bufferedAmount])
      told.push([client.stats().state, client.stats().requests, client.snapshot.url])
      await note('connect', client.connect())
      return client
    },
    async 'the tools'() {
      const client = make()
      await note('tools', client.tools())
      return client
    },
  }
  for (const [which, use] of Object.entries(uses)) {
    if (which !== (name ?? which)) continue
    told = []
    outcomes = []
    const client = await use()
    await client.close()
    look(client)
    tell([which, told, outcomes])
  }
}

describe('a client that is not there yet does as that of the addon with', { concurrency: 2 }, async () => {
  const end = new Cleanup()
  after(() => end.run())
  const { url } = await listen(end, { tokens: ['key'] })
  // The addon is there at once: one process will do.
  const expected = await run(end, program, { url })
  for (const [name, ...all] of expected) {
    test(name, async (t) => {
      assert.ok(all.flat().length > 2, 'something was told')
      assert.deepEqual(await run(t, program, { url, name }, { flags: PORTABLE }), [[name, ...all]])
    })
  }
})
