/** Through a real SOCKS5 proxy, microsocks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open, ready, rejection } from '../helpers/client.mjs'
import { startDaemon } from '../helpers/daemon.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { DEAF_URL, freePort } from '../helpers/ports.mjs'
import { listen } from '../helpers/test-server.mjs'

async function startMicrosocks(t, ...more) {
  const port = await freePort()
  await startDaemon(t, port, 'microsocks', '-i', '127.0.0.1', '-p', String(port), ...more)
  return `127.0.0.1:${port}`
}

test('calls go through microsocks, by name and by address', async (t) => {
  const server = await listen(t)
  const proxy = await startMicrosocks(t)
  for (const scheme of ['socks5', 'socks5h']) {
    for (const host of ['127.0.0.1', 'localhost']) {
      const client = await ready(t, server.url.replace('127.0.0.1', host), { proxy: `${scheme}://${proxy}` })
      assert.equal(await client.useTool('echo', host), host)
    }
  }
  await ready(t, server, { proxy: () => `SOCKS5 ${proxy}` })
})

test('microsocks lets in with user and password, and without is a failure of the proxy', async (t) => {
  const server = await listen(t)
  const proxy = await startMicrosocks(t, '-u', 'user', '-P', 'hunter2')
  await ready(t, server, { proxy: `socks5h://user:hunter2@${proxy}` })
  const errors = []
  for (const [wrong, words] of [
    ['', /the proxy asks for a user and a password/],
    ['user:hunter3@', /the proxy refuses the user and the password/],
  ]) {
    const error = await rejection(open(t, server, { proxy: `socks5h://${wrong}${proxy}` }).connect())
    assert.deepEqual([error.code, error.phase, error.retryable], ['CONNECT_FAILED', 'proxy', false])
    assert.match(error.message, words)
    assert.ok(!error.message.includes('hunter3'), error.message)
    errors.push(error)
  }
  assertDocumented('A SOCKS5 proxy wants a user and a password, or other ones.', ...errors)
})

test('the reason of microsocks for not reaching the server is told', async (t) => {
  const proxy = `socks5h://${await startMicrosocks(t)}`
  const options = { proxy, maxReconnectAttempts: 0 }
  const refused = await rejection(open(t, DEAF_URL, options).connect())
  assert.match(refused.message, /the proxy cannot connect to the server: connection refused/)
  const unknown = await rejection(open(t, 'ws://platform.invalid', options).connect())
  assert.deepEqual([unknown.phase, unknown.retryable], ['proxy', true])
  assertDocumented('A SOCKS5 proxy does not reach the server.', refused, unknown)
})
