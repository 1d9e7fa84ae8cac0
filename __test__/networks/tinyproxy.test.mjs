/** Through a real tinyproxy, which answers CONNECT in HTTP/1.0. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, ready, rejection } from '../helpers/client.mjs'
import { lines, openFolder, startDaemon } from '../helpers/daemon.mjs'
import { DEAF_URL, freePort } from '../helpers/ports.mjs'
import { listen } from '../helpers/test-server.mjs'

async function startTinyproxy(t, ...more) {
  const port = await freePort()
  const folder = await openFolder(t, {})
  const file = join(folder, 'tinyproxy.conf')
  await writeFile(file, lines(`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 60', 'MaxClients 20', ...more))
  await startDaemon(t, port, 'tinyproxy', '-d', '-c', file)
  return `http://127.0.0.1:${port}`
}

test('calls go through tinyproxy', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server, { proxy: await startTinyproxy(t) })
  assert.equal(await client.useTool('echo', 1), 1)
})

test('tinyproxy lets in with user and password, and its 407 without is a failure of the proxy', async (t) => {
  const server = await listen(t)
  const proxy = await startTinyproxy(t, 'BasicAuth user hunter2')
  await ready(t, server, { proxy: proxy.replace('//', '//user:hunter2@') })
  const error = await rejection(open(t, server, { proxy: proxy.replace('//', '//user:hunter3@') }).connect())
  assert.deepEqual([error.phase, error.retryable, error.proxy], ['proxy', false, proxy])
  // Version 1.11 answers a wrong password with 401.
  assert.ok([401, 407].includes(error.status), error.message)
  assert.ok(!error.message.includes('hunter3'), error.message)
})

test('tinyproxy that does not reach the server is a matter of time', async (t) => {
  const proxy = await startTinyproxy(t)
  const error = await rejection(open(t, DEAF_URL, { proxy, maxReconnectAttempts: 0 }).connect())
  assert.deepEqual([error.phase, error.retryable], ['proxy', true])
})
