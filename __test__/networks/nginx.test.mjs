/** Behind a real nginx. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { inbox, next, open, ready, reached, record, rejection } from '../helpers/client.mjs'
import { freePort, lines, openFolder, startDaemon } from '../helpers/daemon.mjs'
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
  const [{ code, willReconnect }] = await next(idle, 'close')
  assert.deepEqual({ code, willReconnect }, { code: 1006, willReconnect: true })
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
  await listen(t, { port })
  await client.connect()
})

test('an nginx that speaks HTTP/1.0 to the server is a wrong configuration, and its answer says what came', async (t) => {
  const server = await listen(t)
  const { code, phase, status, retryable } = await rejection(open(t, await startNginx(t, server.port)).connect())
  assert.deepEqual({ code, phase, retryable }, { code: 'CONNECT_FAILED', phase: 'upgrade', retryable: false })
  assert.ok(status >= 400 && status < 500, String(status))
})

test('a redirect of nginx is told and not followed', async (t) => {
  const server = await listen(t)
  const client = open(t, await startNginx(t, server.port, 'return 301 https://new.example$request_uri;'))
  const { status, location, body, message } = await rejection(client.connect())
  assert.deepEqual([status, location, body], [301, 'https://new.example/mcp-ws', '301 Moved Permanently'])
  assert.match(message, /HTTP 301 Moved Permanently, Location https:\/\/new\.example\/mcp-ws/)
})
