/** Through a real squid. */
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ready, rejection, open } from '../helpers/client.mjs'
import { connecting, listenTls, trusting } from '../helpers/proxies.mjs'
import { createAuthority } from '../helpers/certificates.mjs'
import { lines, openFolder, startDaemon } from '../helpers/daemon.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { selfSigned, startTunnel } from '../helpers/openssl.mjs'
import { DEAF_URL, freePort } from '../helpers/ports.mjs'
import { listen } from '../helpers/test-server.mjs'

/** Answers squid's question for a user and a password. */
const LOGIN = lines(
  '#!/bin/sh',
  'while read -r user password rest; do',
  '  if [ "$user" = us@er ] && [ "$password" = hunter2 ]; then echo OK; else echo ERR; fi',
  'done',
)

/** A squid that allows CONNECT to `allowed`. */
async function startSquid(t, allowed, { login = false } = {}) {
  const port = await freePort()
  const folder = await openFolder(t, { 'login.sh': LOGIN, hosts: '127.0.0.1 localhost behind.test\n' })
  await chmod(join(folder, 'login.sh'), 0o755)
  await writeFile(
    join(folder, 'squid.conf'),
    lines(
      `http_port 127.0.0.1:${port}`,
      `cache_log ${folder}/cache.log`,
      // A name that squid alone knows.
      `hosts_file ${folder}/hosts`,
      'pid_filename none',
      'access_log none',
      'cache deny all',
      'shutdown_lifetime 0 seconds',
      'visible_hostname squid.test',
      'connect_timeout 5 seconds',
      `acl platform port ${allowed.join(' ')}`,
      login
        ? [`auth_param basic program ${folder}/login.sh`, 'acl known proxy_auth REQUIRED', 'http_access deny !known']
        : [],
      'http_access allow CONNECT platform',
      'http_access deny all',
    ),
  )
  await startDaemon(t, port, 'squid', '-N', '-f', join(folder, 'squid.conf'))
  return `http://127.0.0.1:${port}`
}

test('calls go through squid, and it looks up the name', async (t) => {
  const server = await listen(t)
  const proxy = await startSquid(t, [server.port])
  const client = await ready(t, server.url.replace('127.0.0.1', 'localhost'), { proxy })
  assert.equal((await client.useTool('echo', 'x'.repeat(100_000))).length, 100_000)
})

test('the environment leads to squid, and only squid looks up the name', async (t) => {
  const server = await listen(t, { allowedHosts: ['behind.test'] })
  const proxy = await startSquid(t, [server.port])
  const url = server.url.replace('127.0.0.1', 'behind.test')
  assert.equal(
    (await connecting(t, url, {}, { HTTP_PROXY: proxy, HTTPS_PROXY: 'http://127.0.0.1:1' })).error,
    undefined,
  )
  const { error } = await connecting(t, url, {}, { HTTP_PROXY: proxy, NO_PROXY: 'behind.test' })
  assert.deepEqual([error.phase, error.proxy], ['name', undefined])
})

test('squid behind TLS is an https: proxy, for ws: and for wss:', async (t) => {
  const certificate = selfSigned()
  const server = await listen(t)
  const port = await listenTls(t, server.port, certificate)
  const squid = await startSquid(t, [server.port, port])
  const tls = { ca: certificate.cert }
  for (const url of [server.url, `wss://localhost:${port}/mcp-ws`]) {
    const { port: door } = await startTunnel(t, certificate, Number(new URL(squid).port))
    const client = await ready(t, url, { proxy: `https://localhost:${door}`, tls })
    assert.equal(await client.useTool('echo', url), url)
  }
})

test('wss: goes through squid, which sees nothing of it', async (t) => {
  const authority = createAuthority()
  const server = await listen(t)
  const port = await listenTls(t, server.port, authority.issue())
  const proxy = await startSquid(t, [port])
  const url = `wss://localhost:${port}/mcp-ws`
  assert.equal((await connecting(t, url, { proxy }, await trusting(t, authority))).error, undefined)
})

test('squid lets in with user and password, and its 407 without is a failure of the proxy', async (t) => {
  const server = await listen(t)
  const proxy = await startSquid(t, [server.port], { login: true })
  await ready(t, server, { proxy: proxy.replace('//', '//us%40er:hunter2@') })
  for (const wrong of ['', 'us%40er:hunter3@']) {
    const error = await rejection(open(t, server, { proxy: proxy.replace('//', `//${wrong}`) }).connect())
    assert.deepEqual([error.code, error.phase, error.status, error.retryable], ['CONNECT_FAILED', 'proxy', 407, false])
    assertDocumented('The proxy wants a user and a password, or other ones.', error)
    assert.match(error.message, /asks for a user and a password, or refuses those that it got: HTTP 407/)
    assert.ok(
      !error.message.includes('hunter3') && error.message.endsWith(`(through the proxy ${proxy})`),
      error.message,
    )
  }
})

test('squid that refuses the port is told by its 403, one that does not reach the server by its 503', async (t) => {
  const server = await listen(t)
  const deaf = Number(new URL(DEAF_URL).port)
  const proxy = await startSquid(t, [deaf])
  const forbidden = await rejection(open(t, server, { proxy }).connect())
  assert.deepEqual([forbidden.code, forbidden.phase, forbidden.status], ['CONNECT_FAILED', 'proxy', 403])
  assert.match(forbidden.body, /ERROR: The requested URL could not be retrieved/)
  const unreachable = await rejection(open(t, DEAF_URL, { proxy, maxReconnectAttempts: 0 }).connect())
  assert.deepEqual([unreachable.phase, unreachable.status, unreachable.retryable], ['proxy', 503, true])
  assertDocumented(
    'The proxy does not allow the server or its port. Squid allows only 443 until told otherwise.',
    forbidden,
  )
  assertDocumented('The proxy does not reach the server, or does not find its name.', unreachable)
})
