/** Behind a real haproxy. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { inbox, next, ready, reached, record } from '../helpers/client.mjs'
import { lines, openFolder, startDaemon } from '../helpers/daemon.mjs'
import { freePort } from '../helpers/ports.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { listen } from '../helpers/test-server.mjs'

/** A haproxy in front of the port `to`, with these lines in its part for the server. */
async function startHaproxy(t, to, ...backend) {
  const port = await freePort()
  const folder = await openFolder(t, {})
  const file = join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    lines(
      'defaults',
      '  mode http',
      '  timeout connect 5s',
      '  timeout client 60s',
      '  timeout server 60s',
      '  timeout tunnel 60s',
      'frontend door',
      `  bind 127.0.0.1:${port}`,
      '  default_backend platform',
      'backend platform',
      backend.map((line) => `  ${line}`),
      `  server one 127.0.0.1:${to}`,
    ),
  )
  await startDaemon(t, port, 'haproxy', '-db', '-f', file)
  return `ws://127.0.0.1:${port}/mcp-ws`
}

test('calls go through haproxy, with more than "Upgrade" in the header Connection of its answer', async (t) => {
  const server = await listen(t)
  const more = 'http-after-response set-header Connection "keep-alive, Upgrade" if { status 101 }'
  for (const lines of [[], [more]]) {
    const client = await ready(t, await startHaproxy(t, server.port, ...lines))
    assert.equal(await client.useTool('echo', 1), 1)
  }
})

test('the heartbeat keeps haproxy from cutting an idle tunnel; without it the client connects again', async (t) => {
  const server = await listen(t)
  const url = await startHaproxy(t, server.port, 'timeout tunnel 1s')
  const kept = await ready(t, url, { heartbeatInterval: 200 })
  const closes = record(kept, ['close'])
  const idle = await ready(t, url, { heartbeatInterval: 0 })
  const [close] = await next(idle, 'close')
  assertDocumented('The gateway cuts idle connections.', close)
  await reached(idle, 'ready')
  assert.deepEqual(closes, [])
})

test('while the server restarts, the 503 of haproxy is told, and the client is back after it', async (t) => {
  const server = await listen(t)
  const { port } = server
  const client = await ready(t, await startHaproxy(t, port, 'retries 0'))
  const errors = inbox(client, 'error')
  await server.close()
  let error
  do [error] = await errors()
  while (error.status === undefined)
  assert.deepEqual([error.phase, error.status, error.retryable], ['upgrade', 503, true])
  const { status } = error
  assertDocumented('The server restarts behind haproxy.', { status, state: client.state })
  await listen(t, { port })
  await client.connect()
})
