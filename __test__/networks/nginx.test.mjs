/** Behind a real nginx. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { inbox, next, open, ready, reached, record, rejection } from '../helpers/client.mjs'
import { lines, openFolder, startDaemon } from '../helpers/daemon.mjs'
import { freePort } from '../helpers/ports.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { listen } from '../helpers/test-server.mjs'

const UPGRADE = [
  'proxy_http_version 1.1;',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection "upgrade";',
]

/** An nginx in front of the port `to`, with these lines in its location. */
async function startNginx(t, to, ...location) {
  const port = await freePort()
  const folder = await openFolder(t, {})
  const file = join(folder, 'nginx.conf')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  await writeFile(
    file,
    lines(
      'daemon off;',
      'worker_processes 1;',
      `pid ${folder}/nginx.pid;`,
      `error_log ${folder}/error.log;`,
      'events {}',
      'http {',
      'access_log off;',
      paths,
      `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${to}; ${location.join(' ')} } }`,
      '}',
    ),
  )
  await startDaemon(t, port, 'nginx', '-c', file, '-p', folder, '-e', `${folder}/error.log`)
  return `ws://127.0.0.1:${port}/mcp-ws`
}

test('calls go through nginx', async (t) => {
  const server = await listen(t)
  const client = await ready(t, await startNginx(t, server.port, ...UPGRADE))
  assert.equal((await client.useTool('echo', 'x'.repeat(1_000_000))).length, 1_000_000)
})

test('the heartbeat keeps nginx from cutting an idle connection; without it the client connects again', async (t) => {
  const server = await listen(t)
  const url = await startNginx(t, server.port, ...UPGRADE, 'proxy_read_timeout 1s;')
  const kept = await ready(t, url, { heartbeatInterval: 200 })
  const closes = record(kept, ['close'])
  const idle = await ready(t, url, { heartbeatInterval: 0 })
  const [close] = await next(idle, 'close')
  assert.equal(close.willReconnect, true)
  assertDocumented('The gateway cuts idle connections.', close)
  await reached(idle, 'ready')
  assert.deepEqual(closes, [])
  assert.equal(kept.state, 'ready')
})

test('while the server restarts, its 502 is told, and the client is back after it', async (t) => {
  const server = await listen(t)
  const { port } = server
  const client = await ready(t, await startNginx(t, port, ...UPGRADE))
  const errors = inbox(client, 'error')
  await server.close()
  let error
  do [error] = await errors()
  while (error.status === undefined)
  assert.deepEqual([error.code, error.phase, error.status, error.retryable], ['CONNECT_FAILED', 'upgrade', 502, true])
  assert.equal(error.body, '502 Bad Gateway')
  assertDocumented('The server restarts behind nginx.', { status: error.status, state: client.state })
  await listen(t, { port })
  await client.connect()
})

test('an nginx that speaks HTTP/1.0 to the server is a wrong configuration, and its answer says what came', async (t) => {
  const server = await listen(t)
  const { code, phase, status, retryable } = await rejection(open(t, await startNginx(t, server.port)).connect())
  assert.deepEqual({ code, phase, retryable }, { code: 'CONNECT_FAILED', phase: 'upgrade', retryable: false })
  const situation = 'nginx does not pass the upgrade on: it speaks HTTP/1.0 to the server.'
  assertDocumented(situation, { code, phase, status })
})

test('what nginx answers in place of the server is told: the key, the path, another place', async (t) => {
  const server = await listen(t)
  const answered = async (...location) => {
    const client = open(t, await startNginx(t, server.port, ...location))
    const { message, code, status, location: to, body } = await rejection(client.connect())
    return { message, code, status, location: to, body, state: client.state }
  }
  const [unauthorized, forbidden] = [await answered('return 401;'), await answered('return 403;')]
  assertDocumented('The key is refused before the upgrade.', unauthorized, forbidden)
  const [unknown, wrong] = [await answered('return 404;'), await answered(...UPGRADE, 'rewrite ^ /wrong break;')]
  assertDocumented('The path is wrong.', unknown, wrong)
  // It is told and not followed.
  const moved = await answered('return 301 https://new.example$request_uri;')
  assert.deepEqual(
    [moved.status, moved.location, moved.body],
    [301, 'https://new.example/mcp-ws', '301 Moved Permanently'],
  )
  assert.match(moved.message, /HTTP 301 Moved Permanently, Location https:\/\/new\.example\/mcp-ws/)
  assertDocumented('The server has moved.', moved)
})

test('a list of endpoints behind gateways goes on at the second while the server of the first restarts', async (t) => {
  const [first, second] = [await listen(t), await listen(t)]
  const urls = []
  for (const { port } of [first, second]) urls.push(await startNginx(t, port, ...UPGRADE))
  const client = await ready(t, { url: urls })
  assert.equal(client.url, urls[0])
  const told = record(client, ['error', 'reconnecting'])
  await first.close()
  while (client.url !== urls[1] || client.state !== 'ready') await next(client, 'state')
  assert.equal(await client.useTool('echo', 1), 1)
  // The last good one comes first; both belong to one attempt.
  assert.deepEqual(
    told.map(([event, { code, status, attempt }]) => [event, attempt ?? status ?? code]),
    [
      ['error', 'CONNECTION_LOST'],
      ['reconnecting', 1],
      ['error', 502],
    ],
  )
})

test('a race between gateways is won by the one whose server is there', async (t) => {
  const [first, second] = [await listen(t), await listen(t)]
  const urls = []
  for (const { port } of [first, second]) urls.push(await startNginx(t, port, ...UPGRADE))
  await first.close()
  const client = await ready(t, { url: urls }, { race: true })
  assert.equal(client.url, urls[1])
})
