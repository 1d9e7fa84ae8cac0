/** Several portable clients in one place: they share a mailbox, and each gets what is its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { next, PATIENT } from './helpers/client.mjs'
import { listen } from './helpers/test-server.mjs'

// It tells of several messages in one task; that of the runtime may not.
globalThis.WebSocket = WebSocket
const { MCPClient } = await import('@mcp-integration/client/portable')

test('answers that come while those of another client wait are all delivered, in their order', async (t) => {
  const COUNT = 50
  const server = await listen(t)
  const asked = []
  server.intercept((text, connection) => {
    const { id, name, parameters } = JSON.parse(text)
    if (name === undefined) return false
    asked.push({ id, parameters, connection })
    // All at once, so that they come in one turn, those of the busy one first.
    if (asked.length === 2 * COUNT)
      for (const each of asked) each.connection.send({ id: each.id, results: each.parameters })
    return true
  })
  // It takes longer than its turn, so the rest of it waits.
  const blockFor = (ms) => {
    for (const end = performance.now() + ms; performance.now() < end; );
  }
  const busy = new MCPClient(server.url, { ...PATIENT, onMessage: () => blockFor(3) })
  const other = new MCPClient(server.url, PATIENT)
  t.after(() => Promise.all([busy.close(), other.close()]))
  await Promise.all([busy.connect(), other.connect()])
  const callsOf = (client) => Array.from({ length: COUNT }, (_, n) => client.useTool('any', n))
  const numbers = Array.from({ length: COUNT }, (_, n) => n)
  const calls = callsOf(busy)
  await next(server, 'message')
  const told = []
  const others = callsOf(other).map(async (call) => told.push(await call))
  assert.deepEqual(await Promise.all(calls), numbers)
  await Promise.all(others)
  assert.deepEqual(told, numbers)
})
