/** Proxies: where they come from, what is asked of them, what is told of them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { createAuthority } from './helpers/certificates.mjs'
import { runCli } from './helpers/cli.mjs'
import { inbox, open, ready, record, rejection } from './helpers/client.mjs'
import { assertDocumented } from './helpers/networks-page.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { basic, connecting, listenProxy, listenTls, trusting } from './helpers/proxies.mjs'
import { listen } from './helpers/test-server.mjs'

/** A name that no resolver knows: only a proxy can reach it. */
const PLATFORM = 'ws://platform.invalid/mcp-ws'
const SECRET = 'hunter2-hunter2'
const DEAF_PROXY = `127.0.0.1:${new URL(DEAF_URL).port}`

/** The error of a client that is not to try again. */
async function failure(t, options, url = PLATFORM) {
  return rejection(open(t, url, { maxReconnectAttempts: 0, ...options }).connect())
}

describe('the option "proxy"', () => {
  test('as a URL, with user and password: the proxy gets the name, and calls go through it', async (t) => {
    const server = await listenAsPlatform(t)
    const proxy = await listenProxy(t, { to: server.port, login: basic('us@er:pa:ss') })
    const client = await ready(t, PLATFORM, { proxy: proxy.url.replace('//', '//us%40er:pa%3Ass@') })
    assert.deepEqual(await client.useTool('echo', { a: 1 }), { a: 1 })
    assert.deepEqual(proxy.asked, ['platform.invalid:80'])
  })

  test('as a URL object', async (t) => {
    const server = await listenAsPlatform(t)
    const proxy = await listenProxy(t, { to: server.port })
    await ready(t, PLATFORM, { proxy: new URL(proxy.url) })
    assert.equal(proxy.asked.length, 1)
  })

  test('holds for loopback too, and for every dial', async (t) => {
    const server = await listenAsPlatform(t)
    const proxy = await listenProxy(t, { to: server.port })
    const client = await ready(t, server, { proxy: proxy.url })
    await client.reconnect()
    assert.equal(proxy.asked.length, 2)
  })

  test('as false: no proxy, whatever the environment says', async (t) => {
    const error = await failure(t, { proxy: false })
    assert.match(error.message, /ENOTFOUND\) \(no proxy was used\)$/)
    assertDocumented('A proxy is needed, and none is set.', error)
  })

  test('as a function: asked before each dial with scheme and host alone; a promise is awaited', async (t) => {
    const server = await listenAsPlatform(t)
    const proxy = await listenProxy(t, { to: server.port })
    const asked = []
    const client = await ready(t, 'ws://platform.invalid:81/mcp-ws?key=1', {
      proxy: async (url) => {
        asked.push(url)
        return proxy.url
      },
    })
    await client.reconnect()
    assert.deepEqual(asked, ['http://platform.invalid:81', 'http://platform.invalid:81'])
  })

  test('as a function that returns false: no proxy', async (t) => {
    await ready(t, await listenAsPlatform(t), { proxy: () => false })
  })

  test('as a function that returns the list of session.resolveProxy(): its entries are tried in order', async (t) => {
    const server = await listenAsPlatform(t)
    const proxy = await listenProxy(t, { to: server.port })
    for (const list of [
      `PROXY ${proxy.address}`,
      `PROXY ${DEAF_PROXY}; SOCKS5 ${DEAF_PROXY};PROXY ${proxy.address}; DIRECT`,
      `SOCKS4 ${DEAF_PROXY}; PROXY ${proxy.address}`,
    ])
      await ready(t, PLATFORM, { proxy: () => list })
    await ready(t, server, { proxy: () => `PROXY ${DEAF_PROXY}; DIRECT` })
    assert.equal(proxy.asked.length, 3)
  })

  test('as a function that throws: its error is the cause, and it is asked again', async (t) => {
    const server = await listenAsPlatform(t)
    const failures = [new Error('no PAC today')]
    const client = open(t, server, {
      proxy: () => {
        if (failures.length > 0) throw failures.pop()
        return false
      },
    })
    const errors = inbox(client, 'error')
    const [{ code, phase, retryable, cause, message }] = await errors()
    assert.deepEqual({ code, phase, retryable }, { code: 'CONNECT_FAILED', phase: 'proxy', retryable: true })
    assert.match(message, /the proxy function failed$/)
    assert.equal(cause.message, 'no PAC today')
    await client.connect()
  })

  test('as a function that returns nonsense: an error that says what it must return', async (t) => {
    for (const nonsense of [undefined, null, 5, {}, true]) {
      const { phase, cause } = await failure(t, { proxy: () => nonsense })
      assert.equal(phase, 'proxy')
      assert.match(cause.message, /^the proxy function returned \w+: return the URL of a proxy, or false for none$/)
    }
    assertDocumented('The proxy function throws, or returns nonsense.', await failure(t, { proxy: () => 5 }))
    const { message } = await failure(t, { proxy: () => `ftp://u:${SECRET}@h` })
    assert.match(message, /the answer of the proxy function has the scheme "ftp": use http, https, socks5 or socks5h$/)
  })

  test('as a function that never answers: connectTimeout ends the attempt', async (t) => {
    const { code, message } = await failure(t, { proxy: () => new Promise(() => {}), connectTimeout: 20 })
    assert.equal(code, 'CONNECT_FAILED')
    assert.match(message, /connectTimeout \(20 ms\)/)
  })
})

describe('an https: proxy', () => {
  test('carries ws: and wss: in TLS of its own', async (t) => {
    const authority = createAuthority()
    const server = await listenAsPlatform(t)
    const tls = await listenTls(t, server.port, authority.issue({ names: ['platform.invalid'] }))
    const env = await trusting(t, authority)
    for (const [url, to] of [
      [PLATFORM, server.port],
      [PLATFORM.replace('ws:', 'wss:'), tls],
    ]) {
      const proxy = await listenProxy(t, { to, certificate: authority.issue({}) })
      assert.equal((await connecting(t, url, { proxy: proxy.url }, env)).error, undefined)
      assert.equal(proxy.asked.length, 1)
      const { phase, proxy: named } = (await connecting(t, url, { proxy: proxy.url }, {})).error
      assert.deepEqual({ phase, named }, { phase: 'proxy', named: proxy.url })
    }
  })
})

describe('the environment', () => {
  test('chooses the proxy by scheme, and NO_PROXY and loopback go without', async (t) => {
    const server = await listenAsPlatform(t)
    const proxy = await listenProxy(t, { to: server.port })
    const wrong = `http://${DEAF_PROXY}`
    for (const env of [
      { HTTP_PROXY: proxy.url, HTTPS_PROXY: wrong },
      { http_proxy: proxy.url, HTTP_PROXY: wrong, ALL_PROXY: wrong },
      { ALL_PROXY: proxy.url, HTTP_PROXY: '' },
      { all_proxy: proxy.address, NO_PROXY: 'example.com,10.0.0.0/8,platform.invalid:81' },
      { ALL_PROXY: proxy.url, HTTP_PROXY: wrong, REQUEST_METHOD: 'GET' },
    ])
      assert.equal((await connecting(t, PLATFORM, {}, env)).error, undefined, inspect(env))
    for (const env of [
      {},
      { ALL_PROXY: proxy.url, NO_PROXY: 'invalid' },
      { ALL_PROXY: proxy.url, no_proxy: '*' },
      { HTTP_PROXY: proxy.url, REQUEST_METHOD: 'GET' },
      { HTTPS_PROXY: proxy.url },
    ]) {
      const { error } = await connecting(t, PLATFORM, {}, env)
      assert.match(error.message, /ENOTFOUND\) \(no proxy was used\)$/, inspect(env))
    }
    assert.equal((await connecting(t, server.url, {}, { ALL_PROXY: wrong })).error, undefined)
    assert.equal(proxy.asked.length, 5)
  })

  test('with a proxy that cannot be used throws at construction, and names the variable', async (t) => {
    const { error } = await connecting(t, PLATFORM, {}, { http_proxy: `ftp://u:${SECRET}@proxy` })
    assert.match(
      error.message,
      /^the environment variable http_proxy has the scheme "ftp": use http, .* or set the option/,
    )
    assert.ok(!error.message.includes(SECRET))
    assertDocumented('A variable or the option is no URL of a proxy.', error)
    assert.equal(
      (await connecting(t, (await listenAsPlatform(t)).url, {}, { http_proxy: 'ftp://proxy' })).error,
      undefined,
    )
  })
})

describe('an error', () => {
  const seen = {}
  const answers = {
    'a 407': ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 407, false, 'asks for a user and a password'],
    'a 403': [
      'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nport 80 is not allowed',
      403,
      false,
      ': port 80',
    ],
    'a 502': ['HTTP/1.1 502 Bad Gateway\r\n\r\n', 502, true, 'the proxy cannot reach the server: HTTP 502 Bad Gateway'],
    'a 503': ['HTTP/1.1 503 Service Unavailable\r\n\r\n', 503, true, 'HTTP 503'],
    'a captive portal': [
      `HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?u=${SECRET}\r\nContent-Type: text/html\r\n\r\n` +
        '<html><title>Guest Wi-Fi</title>',
      302,
      false,
      'Location http://portal.example/login: Guest Wi-Fi',
    ],
    'another captive portal': [
      'HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\n\r\n<title>Guest Wi-Fi</title>',
      511,
      true,
      ': Guest Wi-Fi',
    ],
    'another protocol': ['220 mail.example ESMTP\r\n', undefined, false, 'not the answer of such a proxy'],
    'an end': ['', undefined, true, 'the proxy closed the connection'],
  }
  for (const [what, [answer, status, retryable, words]] of Object.entries(answers)) {
    test(`of a proxy that answers with ${what} names the proxy and not its password`, async (t) => {
      const proxy = await listenProxy(t, { refuse: (socket) => socket.end(answer) })
      const client = open(t, PLATFORM, {
        proxy: proxy.url.replace('//', `//user:${SECRET}@`),
        maxReconnectAttempts: 0,
      })
      const told = record(client)
      const error = await rejection(client.connect())
      assert.equal(error.code, 'CONNECT_FAILED')
      assert.deepEqual(
        [error.phase, error.status, error.retryable, error.proxy],
        ['proxy', status, retryable, proxy.url],
      )
      assert.ok(error.message.includes(words), error.message)
      seen[what] = error
      assert.ok(error.message.endsWith(` (through the proxy ${proxy.url})`), error.message)
      const shown = inspect([told, client, error, client.stats()], { depth: Infinity, showHidden: true })
      assert.ok(!shown.includes(SECRET), shown)
    })
  }

  test('of such an answer is documented', () => {
    assertDocumented('A captive portal wants you to sign in.', seen['a captive portal'], seen['another captive portal'])
    assertDocumented('The port belongs to something else.', seen['another protocol'])
  })

  test('of a proxy that is not there has the code of the system', async (t) => {
    const refused = await failure(t, { proxy: `socks5h://u:${SECRET}@${DEAF_PROXY}` })
    const { phase, cause, proxy } = refused
    assert.deepEqual([phase, cause.code, proxy], ['proxy', 'ECONNREFUSED', `socks5h://${DEAF_PROXY}`])
    const unknown = await failure(t, { proxy: `http://u:${SECRET}@proxy.invalid` })
    assertDocumented('The proxy is not there.', refused, unknown)
  })

  test('of a proxy whose TLS fails has its reason', async (t) => {
    const proxy = await listenProxy(t, { certificate: createAuthority().issue() })
    const error = await failure(t, { proxy: proxy.url })
    assert.deepEqual([error.phase, error.proxy], ['proxy', proxy.url])
    assertDocumented('TLS with an `https:` proxy fails.', error)
  })

  test('of a server behind a proxy names the proxy, and the 401 is that of the server', async (t) => {
    const server = await listenAsPlatform(t)
    server.refuseUpgrades(401)
    const { url } = await listenProxy(t, { to: server.port })
    const { code, phase, status, proxy } = await failure(t, { proxy: url })
    assert.deepEqual({ code, phase, status, proxy }, { code: 'AUTH_FAILED', phase: 'upgrade', status: 401, proxy: url })
  })

  test('of `mcp-client call` says which proxy was used, or that none was', async (t) => {
    const { url } = await listenProxy(t, { refuse: (socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n') })
    const env = { HTTP_PROXY: url.replace('//', `//u:${SECRET}@`), NO_PROXY: '' }
    const proxied = await runCli(['call', 'echo', '--url', PLATFORM], env)
    assert.equal(proxied.code, 1)
    assert.ok(proxied.stderr.includes(`HTTP 502 Bad Gateway (through the proxy ${url})`), proxied.stderr)
    assert.ok(!proxied.stderr.includes(SECRET), proxied.stderr)
    const direct = await runCli(['call', 'echo', '--url', PLATFORM], { ...env, NO_PROXY: '*' })
    assert.ok(direct.stderr.includes('(no proxy was used)'), direct.stderr)
  })
})

/** A server that is asked for by the name of the platform. */
function listenAsPlatform(t) {
  return listen(t, { allowedHosts: ['platform.invalid'] })
}
