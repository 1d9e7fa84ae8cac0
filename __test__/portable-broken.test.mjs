/**
 * A WebAssembly core that breaks, which would be a bug: its client has failed with INTERNAL_ERROR, and so has whatever
 * waits for it; nothing else is harmed, and `connect()` begins with a new core.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { next, PATIENT, record, rejection } from './helpers/client.mjs'
import { EXPORT_NAMES } from './helpers/export-names.mjs'
import { listen } from './helpers/test-server.mjs'

globalThis.WebSocket ??= WebSocket

/** The name of the function that traps the next time, as a panic in it does. */
let trap

const { Instance } = WebAssembly
WebAssembly.Instance = class {
  constructor(module) {
    this.exports = { ...new Instance(module).exports }
    let isBroken = false
    for (const [name, act] of Object.entries(this.exports)) {
      if (typeof act !== 'function') continue
      this.exports[name] = (...args) => {
        assert.ok(!isBroken, `${name} was called of a core that is broken`)
        if (trap === undefined || name !== EXPORT_NAMES[trap]) return act(...args)
        trap = undefined
        isBroken = true
        throw new WebAssembly.RuntimeError('unreachable')
      }
    }
  }
}

const { MCPClient } = await import('@mcp-integration/client/portable')

/** A client that is ready, with a call that is not answered; and another one, which nothing happens to. */
async function twoClients(t) {
  const server = await listen(t, { tools: { silent: () => new Promise(() => {}) } })
  const clients = [new MCPClient(server.url, PATIENT), new MCPClient(server.url, PATIENT)]
  t.after(() => Promise.all(clients.map((client) => client.close())))
  await Promise.all(clients.map((client) => client.connect()))
  const [client, other] = clients
  const waiting = rejection(client.useTool('silent'))
  await server.nextRequest('silent')
  return { server, client, other, waiting }
}

const BROKEN = /^(?=.*the WebAssembly core broke \(unreachable\); please report it)/

function assertBroken(client, ...errors) {
  assert.equal(client.state, 'failed')
  assert.equal(client.connected, false)
  for (const error of [client.error, ...errors]) {
    assert.equal(error.code, 'INTERNAL_ERROR')
    assert.match(error.message, BROKEN)
  }
}

async function assertWorksAgain(client, other) {
  assert.equal(await other.useTool('echo', 'other'), 'other')
  assert.equal((await rejection(client.useTool('echo'))).code, 'NOT_CONNECTED')
  await client.connect()
  assert.equal(await client.useTool('echo', 'again'), 'again')
  assert.equal(client.error, null)
}

describe('a core that breaks', () => {
  test('when a message comes fails its client and its calls, and tells once', async (t) => {
    const { server, client, other, waiting } = await twoClients(t)
    const told = record(client, ['state', 'error', 'failed'])
    const [connection] = server.connections
    trap = 'text_message'
    const failed = next(client, 'failed')
    connection.send({ a: 'push' })
    const [error] = await failed
    assertBroken(client, error, await waiting)
    assert.deepEqual(
      told.map(([event, value]) => (event === 'state' ? value.state : `${event} ${value.code}`)),
      ['failed', 'error INTERNAL_ERROR', 'failed INTERNAL_ERROR'],
    )
    assert.equal((await connection.closed).code, 1000)
    await assertWorksAgain(client, other)
  })

  for (const [command, act] of Object.entries({
    request: (client) => rejection(client.useTool('echo')),
    reconnect: (client) => rejection(client.reconnect()),
    send: (client) => assert.equal(client.sendMessage({ any: 'thing' }), false),
    send_tool_request: (client) => assert.equal(client.sendToolRequest('echo'), null),
    stats: (client) => assert.ok(client.stats()),
  })) {
    test(`in ${command} throws nothing at who called it`, async (t) => {
      const { client, other, waiting } = await twoClients(t)
      trap = command
      const failed = next(client, 'failed')
      const outcome = act(client)
      assertBroken(client, ...(await failed), await waiting)
      await outcome
      await assertWorksAgain(client, other)
    })
  }

  test('when it is closed ends all the same', async (t) => {
    const { client, other, waiting } = await twoClients(t)
    trap = 'close'
    assert.equal(await client.close(), undefined)
    assertBroken(client, await waiting)
    await assertWorksAgain(client, other)
  })

  test('while it is closing ends all the same', async (t) => {
    const { client, other, waiting } = await twoClients(t)
    const closed = client.close({ drain: 60_000 })
    trap = 'stats'
    client.stats()
    assert.equal(await closed, undefined)
    assertBroken(client, await waiting)
    await assertWorksAgain(client, other)
  })

  test('leaves what its client is asked for from then on to the next core', async (t) => {
    const { server, client, waiting } = await twoClients(t)
    trap = 'stats'
    client.stats()
    // Before anybody was told that the other one has broken.
    const connected = client.connect()
    const call = client.useTool('echo', 'again')
    assert.equal((await waiting).code, 'INTERNAL_ERROR')
    await connected
    assert.equal(await call, 'again')
    const closed = [client.close(), client.close()]
    await server.close()
    assert.deepEqual(await Promise.all(closed), [undefined, undefined])
  })
})
