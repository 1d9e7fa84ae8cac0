/** A WebSocket that cannot even be made: its failure is told as that of any other dial. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATIENT, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'

/** As in a page from https: that is given a url with ws:. */
globalThis.WebSocket = class {
  constructor() {
    throw new DOMException('an insecure connection', 'SecurityError')
  }
}
const { MCPClient } = await import('@mcp-integration/client/portable')

function told(client) {
  const events = []
  for (const event of ['state', 'error', 'failed', 'close'])
    client.on(event, ({ state, code }) => events.push(`${event} ${state ?? code}`))
  return events
}

test('nothing is told before the command has returned, and the attempt is shared', async () => {
  // From the second client on, the module is there at once.
  assert.equal((await rejection(new MCPClient(DEAF_URL, PATIENT).connect())).code, 'CONNECT_FAILED')
  const client = new MCPClient(DEAF_URL, PATIENT)
  assert.equal(client.state, 'connecting')
  const events = told(client)
  const rejected = rejection(client.connect())
  assert.deepEqual([client.state, events], ['connecting', []])
  assert.match((await rejected).message, /the page's WebSocket refuses it: an insecure connection$/)
  assert.deepEqual(events, ['state connecting', 'state failed', 'error CONNECT_FAILED', 'failed CONNECT_FAILED'])
  assert.equal(client.error.message, (await rejected).message)
})

test('a client that is closed at once is told of no failure', async () => {
  const client = new MCPClient(DEAF_URL, { ...PATIENT, autoConnect: false })
  const events = told(client)
  const rejected = rejection(client.connect())
  await client.close()
  assert.equal((await rejected).code, 'CLOSED')
  await new Promise(setImmediate)
  assert.deepEqual(events, ['state connecting', 'state closed'])
})
