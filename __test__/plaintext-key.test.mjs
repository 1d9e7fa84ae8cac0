/** A key that everybody on the way can read: one warning for each client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inbox, open } from './helpers/client.mjs'
import { listenProxy } from './helpers/proxies.mjs'
import { listen } from './helpers/test-server.mjs'

/** Only the proxy knows it. */
const ELSEWHERE = 'ws://platform.invalid/mcp-ws'
const WARNING = 'the key is sent without encryption: use wss://, or say that it is meant with allowPlaintextKey'

/** What a client warns of that connects twice. */
async function warnings(t, url, options) {
  const client = open(t, url, options)
  const told = []
  client.on('log', ({ level, message, fields }) => level === 'warn' && told.push({ message, url: fields.url }))
  const states = inbox(client, 'state')
  await client.connect()
  await client.reconnect()
  await client.close()
  for (let state; state !== 'closed'; ) [{ state }] = await states()
  return told
}

test('a key over ws: to another machine is a warning, once, and goes out all the same', async (t) => {
  const server = await listen(t, { allowedHosts: ['platform.invalid'], tokens: ['a key', 'anonymous'] })
  const { url: proxy } = await listenProxy(t, { to: server.port })
  const expected = [{ message: WARNING, url: ELSEWHERE }]
  assert.deepEqual(await warnings(t, ELSEWHERE, { proxy, apiKey: 'a key' }), expected)
  assert.deepEqual(await warnings(t, ELSEWHERE, { proxy, apiKey: () => 'a key' }), expected)
})

test('there is none if it is meant, without a key, and on this machine', async (t) => {
  const server = await listen(t, { allowedHosts: ['platform.invalid'], tokens: ['a key', 'anonymous'] })
  const { url: proxy } = await listenProxy(t, { to: server.port })
  assert.deepEqual(await warnings(t, ELSEWHERE, { proxy, apiKey: 'a key', allowPlaintextKey: true }), [])
  assert.deepEqual(await warnings(t, ELSEWHERE, { proxy }), [])
  assert.deepEqual(await warnings(t, server.url, { apiKey: 'a key' }), [])
})
