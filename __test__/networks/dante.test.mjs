/** Through a real SOCKS5 proxy with rules, dante. Its users are those of the machine, so it gets files of its own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, ready, rejection } from '../helpers/client.mjs'
import { lines, openFolder, startDaemon } from '../helpers/daemon.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { DEAF_URL, freePort } from '../helpers/ports.mjs'
import { listen } from '../helpers/test-server.mjs'

/** Puts the files of the first argument in place of those of the machine, in a mount namespace, and runs the rest. */
const WITH_FILES = lines(
  'folder=$1; shift',
  'for file in passwd group shadow hosts; do mount --bind "$folder/$file" "/etc/$file" || exit 1; done',
  'exec "$@"',
)

/** A dante that does not connect to the port `blocked`; with `login`, it asks for a user and a password. */
async function startDante(t, { blocked = 9, login = false } = {}) {
  const port = await freePort()
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: 'hunter2', encoding: 'utf8' }).trim()
  const folder = await openFolder(t, {
    passwd: lines('root:x:0:0::/root:/bin/sh', 'proxied:x:1234:1234::/:/bin/false'),
    group: lines('root:x:0:', 'proxied:x:1234:'),
    shadow: lines('root:*:19000:0:99999:7:::', `proxied:${hash}:19000:0:99999:7:::`),
    // A name that this file alone knows.
    hosts: lines('127.0.0.1 localhost', '127.0.0.1 behind.test'),
    'dante.conf': lines(
      'logoutput: stderr',
      `internal: 127.0.0.1 port = ${port}`,
      'external: 127.0.0.1',
      'clientmethod: none',
      `socksmethod: ${login ? 'username' : 'none'}`,
      'user.privileged: root',
      'user.unprivileged: proxied',
      'client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }',
      `socks block { from: 127.0.0.0/8 to: 0.0.0.0/0 port = ${blocked} }`,
      'socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }',
    ),
  })
  const inside = ['--mount', 'sh', '-c', WITH_FILES, 'sh', folder, 'danted', '-f', join(folder, 'dante.conf')]
  await startDaemon(t, port, 'unshare', ...inside)
  return `127.0.0.1:${port}`
}

test('calls go through dante; of socks5h it looks up the name, of socks5 the client does', async (t) => {
  const server = await listen(t, { allowedHosts: ['behind.test'] })
  const proxy = await startDante(t)
  const behind = server.url.replace('127.0.0.1', 'behind.test')
  const client = await ready(t, behind, { proxy: `socks5h://${proxy}` })
  assert.equal((await client.useTool('echo', 'x'.repeat(100_000))).length, 100_000)
  const here = open(t, behind, { proxy: `socks5://${proxy}`, maxReconnectAttempts: 0 })
  const unknown = await rejection(here.connect())
  assert.deepEqual([unknown.phase, unknown.retryable], ['name', true])
  assert.match(unknown.message, /behind\.test/)
  await ready(t, server.url.replace('127.0.0.1', 'localhost'), { proxy: `socks5://${proxy}` })
})

test('dante lets in with user and password, and without is a failure of the proxy', async (t) => {
  const server = await listen(t)
  const proxy = await startDante(t, { login: true })
  await ready(t, server, { proxy: `socks5h://proxied:hunter2@${proxy}` })
  const errors = []
  for (const wrong of ['', 'proxied:hunter3@', 'nobody:hunter2@'])
    errors.push(await rejection(open(t, server, { proxy: `socks5h://${wrong}${proxy}` }).connect()))
  for (const { code, phase, retryable, message } of errors) {
    assert.deepEqual([code, phase, retryable], ['CONNECT_FAILED', 'proxy', false])
    assert.ok(!/hunter/.test(message), message)
  }
  assertDocumented('A SOCKS5 proxy wants a user and a password, or other ones.', ...errors)
})

test('what dante does not allow is a matter of configuration, what it does not reach one of time', async (t) => {
  const server = await listen(t)
  const options = { proxy: `socks5h://${await startDante(t, { blocked: server.port })}`, maxReconnectAttempts: 0 }
  const forbidden = await rejection(open(t, server, options).connect())
  assert.deepEqual([forbidden.phase, forbidden.retryable], ['proxy', false])
  assertDocumented('The rules of a SOCKS5 proxy do not allow it.', forbidden)
  const unreachable = await rejection(open(t, DEAF_URL, options).connect())
  const unknown = await rejection(open(t, 'ws://platform.invalid', options).connect())
  for (const { phase, retryable } of [unreachable, unknown]) assert.deepEqual([phase, retryable], ['proxy', true])
  assertDocumented('A SOCKS5 proxy does not reach the server.', unreachable, unknown)
})
