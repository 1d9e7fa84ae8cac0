/** `mcp-client doctor`, run as users run it: for each fault it names the cause. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { createAuthority } from './helpers/certificates.mjs'
import { runCli } from './helpers/cli.mjs'
import { listenProxy as listenFaultProxy } from './helpers/fault-proxy.mjs'
import { selfSigned, startServer } from './helpers/openssl.mjs'
import { DEAF_URL, listenTcp, silentUrl } from './helpers/ports.mjs'
import { listenProxy, listenTls as tunnelTls, PROXY_VARIABLES, trusting } from './helpers/proxies.mjs'
import { listenRaw, WELCOME } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'
import { listenTls } from './helpers/tls-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const DAY = 86_400_000

/** So that the machine's own settings change nothing. */
const PLAIN = Object.fromEntries(
  [...PROXY_VARIABLES, 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'].map((name) => [name, '']),
)

/** What `--json` prints of the examination of one server. */
async function examine(url, { args = [], env = {} } = {}) {
  const { code, stdout, stderr } = await runCli(['doctor', url, '--json', ...args], { ...PLAIN, ...env })
  assert.equal(stderr, '')
  const { ok, endpoints } = JSON.parse(stdout)
  assert.equal(code, ok ? 0 : 1)
  const [{ steps, dial }] = endpoints
  const step = (name) => steps.find(({ step }) => step === name)
  return { ok, steps, dial, step, failures: steps.filter(({ verdict }) => verdict === 'failed') }
}

/** The examination must fail in this step alone, and its cause have these words. */
async function assertCause(url, step, cause, options) {
  const { failures, steps } = await examine(url, options)
  assert.deepEqual(
    failures.map(({ step }) => step),
    [step],
    JSON.stringify(steps, null, 1),
  )
  const [failure] = failures
  assert.match(failure.cause, cause)
  assert.match(failure.next, /\w{3}.*\.$/)
  return failure
}

describe('of a server that works, the doctor', AT_ONCE, () => {
  test('tells each step with its time', async (t) => {
    const server = await listen(t, { compression: true })
    const { code, stdout, stderr } = await runCli(
      ['doctor', server.url, '--tool', 'echo', '--parameters', 'a=1'],
      PLAIN,
    )
    assert.equal(code, 0)
    assert.equal(stderr, '')
    const lines = stdout.split('\n')
    assert.match(lines[0], /^mcp-client \d+\.\d+\.\d+, Node\.js \d+\..*, \w+ \w+$/)
    const rows = [
      /^ok +url +ws:\/\/127\.0\.0\.1:\d+\/mcp-ws$/,
      /^ok +environment +the key is 'anonymous'; no variable changes anything$/,
      /^ok +name +[\d.]+ ms +127\.0\.0\.1$/,
      /^ok +tcp +[\d.]+ ms +127\.0\.0\.1:\d+ connected$/,
      /^ok +upgrade +[\d.]+ ms +HTTP 101, permessage-deflate.*$/,
      /^ok +dialect +guide$/,
      /^ok +key +[\d.]+ ms +the server accepts it$/,
      /^ok +ping +5 pings: [\d.]+ ms on average, from [\d.]+ ms to [\d.]+ ms$/,
      /^ok +tool +[\d.]+ ms +echo answered with 9 bytes$/,
      /^skipped +\/api\/health +the server has no such page \(HTTP 426\)$/,
      /^skipped +\/api\/status +the server has no such page \(HTTP 426\)$/,
    ]
    for (const [index, row] of rows.entries()) assert.match(lines[index + 2], row)
    assert.deepEqual(lines.slice(rows.length + 2), ['', 'All is well.', ''])
  })

  test('knows the event dialect, which asks for no key', async (t) => {
    const { url } = await listen(t, { dialect: 'event' })
    const { ok, step } = await examine(url)
    assert.ok(ok)
    assert.equal(step('dialect').found, 'event')
    assert.match(step('key').found, /none is asked for/)
  })

  test('tells version, cipher, issuer and days of TLS', async (t) => {
    const authority = createAuthority()
    const { port } = await listenTls(t, authority.issue({ until: 9.5 * DAY }))
    const { ok, step, dial } = await examine(`wss://localhost:${port}`, { env: await trusting(t, authority) })
    assert.ok(ok)
    assert.match(step('tls').found, /^TLSv1\.3, TLS13_\w+; certificate of CN=.*, issued by CN=.*, 9 days left$/)
    assert.match(step('tcp').found, /^\[::1\]:\d+ ECONNREFUSED, 127\.0\.0\.1:\d+ connected$/)
    assert.equal(dial.phases.find(({ phase }) => phase === 'tls').tls.version, 'TLSv1.3')
  })

  test('tells the proxy, and never its password', async (t) => {
    const authority = createAuthority()
    const server = await listen(t, { allowedHosts: ['platform.example'] })
    const port = await tunnelTls(t, server.port, authority.issue({ names: ['platform.example'] }))
    const proxy = await listenProxy(t, { to: port })
    const env = { ...(await trusting(t, authority)), HTTPS_PROXY: proxy.url.replace('//', '//user:hunter2@') }
    const { ok, step, steps } = await examine('wss://platform.example', { env })
    assert.ok(ok)
    assert.match(step('proxy').found, new RegExp(`^${proxy.url} opened a tunnel$`))
    assert.match(step('environment').found, new RegExp(`HTTPS_PROXY=http://…@${proxy.address}`))
    assert.doesNotMatch(JSON.stringify(steps), /hunter2/)
  })

  test('examines each endpoint that it is given', async (t) => {
    const [one, other] = [await listen(t), await listen(t)]
    await other.close()
    const { code, stdout } = await runCli(['doctor', '--url', one.url, '--url', other.url, '--json'], PLAIN)
    assert.equal(code, 1)
    assert.deepEqual(
      JSON.parse(stdout).endpoints.map(({ url, ok }) => [url, ok]),
      [
        [one.url, true],
        [other.url, false],
      ],
    )
  })

  test('is silent on standard output until it prints one JSON value', async (t) => {
    const { url } = await listen(t)
    const { stdout } = await runCli(['doctor', url, '--json'], PLAIN)
    assert.equal(stdout.trimEnd().split('\n').length, 1)
    assert.equal(JSON.parse(stdout).ok, true)
  })
})

describe('what the platform says at its open pages', AT_ONCE, () => {
  /** A web server with these pages, which answers an upgrade with 503. */
  async function pages(t, answers) {
    const asked = []
    const server = createServer((request, response) => {
      asked.push(request)
      const [status = 404, body = '', headers = {}] = answers[request.url] ?? []
      response.writeHead(request.headers.upgrade ? 503 : status, headers).end(body)
    })
    server.on('upgrade', (request, socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    return { url: `ws://127.0.0.1:${server.address().port}`, asked }
  }

  for (const [what, answer, verdict, found] of [
    ['that it is well', [200, '{"status":"ok","uptime":7}'], 'ok', /^\{"status":"ok","uptime":7\}$/],
    ['that it is not', [200, '{"status":"degraded"}'], 'warning', /degraded/],
    ['an error', [503, 'no database'], 'warning', /^HTTP 503: no database$/],
    ['a page for people', [200, '<html>Welcome'], 'skipped', /no such page \(HTTP 200\)/],
    ['that it is elsewhere', [302, '', { location: '/other' }], 'skipped', /no such page \(HTTP 302\)/],
    ['a great deal', [200, `{"status":"ok","x":"${'y'.repeat(9_999)}"}`], 'ok', /^.{200,310}…$/],
    ['something that steers a terminal', [200, '{"status":"ok","x":"\u009b2J"}'], 'ok', /"\u009b2J"/],
  ]) {
    test(`is told: ${what}`, async (t) => {
      const { url, asked } = await pages(t, { '/api/health': answer })
      const { step } = await examine(url, { args: ['--api-key', 'a-secret'] })
      assert.deepEqual(step('/api/health').verdict, verdict)
      assert.match(step('/api/health').found, found)
      assert.deepEqual(
        asked.map((request) => request.url),
        ['/api/health', '/api/status'],
      )
      assert.doesNotMatch(JSON.stringify(asked.map(({ headers }) => headers)), /a-secret/)
    })
  }
})

describe('the doctor names the cause when', AT_ONCE, () => {
  test('the url is none', async () => {
    for (const url of ['ftp://example.com', 'not a url', 'ws://user:hunter2@127.0.0.1', ''])
      assert.doesNotMatch((await assertCause(url, 'url', /no URL of a WebSocket server/)).found, /hunter2/)
  })

  test('the key has the end of a line', async (t) => {
    const { url } = await listen(t)
    const env = { MCP_API_KEY: 'a-secret\n' }
    const failure = await assertCause(url, 'key', /the end of a line/, { env })
    assert.doesNotMatch(JSON.stringify(failure), /a-secret/)
  })

  test('the proxy of the environment has a URL that is none', async () => {
    const env = { HTTPS_PROXY: 'ftp://user:hunter2@proxy' }
    const failure = await assertCause('wss://platform.example', 'environment', /value that cannot be used/, { env })
    assert.match(failure.found, /HTTPS_PROXY/)
    assert.doesNotMatch(JSON.stringify(failure), /hunter2/)
  })

  test('nobody listens', async () => {
    await assertCause(DEAF_URL, 'tcp', /^The machine 127\.0\.0\.1 is there, but nothing listens on port 1\.$/)
  })

  test('the name is not known', async () => {
    await assertCause('wss://no-such-host.invalid', 'name', /no-such-host\.invalid|cannot look names up/)
  })

  test('the address is one of a link, without its interface', async () => {
    await assertCause('ws://[fe80::1]:81', 'tcp', /^fe80::1 is an address of a link/)
  })

  test('the server takes the connection and says nothing', async (t) => {
    const [url, args] = [await silentUrl(t), ['--timeout', '300']]
    await assertCause(url, 'upgrade', /does not answer the HTTP upgrade/, { args })
    await assertCause(url.replace('ws:', 'wss:'), 'tls', /silent where TLS begins/, { args })
  })

  test('another kind of server listens there: it shows what that sent', async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n\u001b[2J'))
    const failure = await assertCause(url, 'upgrade', /no web server/)
    assert.match(failure.found, /it sent "SSH-2\.0-OpenSSH_9\.6\\r\\n\\u\{1b\}\[2J"/)
  })

  test('the server repeats what it was sent, without the secrets in it', async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.pipe(socket))
    const failure = await assertCause(`${url}?key=hunter2`, 'upgrade', /no web server/)
    assert.match(failure.found, /it sent "GET \/mcp-ws\?\[secret\] HTTP/)
    assert.doesNotMatch(JSON.stringify(failure), /hunter2/)
  })

  for (const [status, cause] of [
    [302, /sends the client elsewhere.*log in/],
    [200, /this path of it is no WebSocket/],
    [400, /does not take WebSockets at this path/],
    [401, /refuses the client before the WebSocket is open/],
    [403, /refuses the client before the WebSocket is open/],
    [404, /does not take WebSockets at this path/],
    [426, /a gateway before the server does not pass it on/],
    [429, /too many connections/],
    [502, /the platform behind it does not work/],
    [503, /the platform behind it does not work/],
    [511, /wants you to sign in/],
  ]) {
    test(`the upgrade is answered with ${status}`, async (t) => {
      const answer = `HTTP/1.1 ${status} Words\r\nLocation: https://portal.example/login\r\nContent-Length: 0\r\n\r\n`
      const { url } = await listenTcp(t, (socket) => socket.once('data', () => socket.end(answer)))
      await assertCause(url, 'upgrade', cause)
    })
  }

  test('a gateway strips the upgrade', async (t) => {
    const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'
    const { url } = await listenTcp(t, (socket) => socket.once('data', () => socket.write(answer)))
    await assertCause(url, 'upgrade', /in a way that no WebSocket may be opened by/, { args: ['--timeout', '300'] })
  })

  test('the server refuses the key, and whose it is', async (t) => {
    const { url } = await listen(t, { tokens: ['right-key'] })
    await assertCause(url, 'key', /refuses the key, 'anonymous'/)
    await assertCause(url, 'key', /refuses the key, that of MCP_API_KEY/, { env: { MCP_API_KEY: 'wrong' } })
    await assertCause(url, 'key', /refuses the key, that of --api-key/, { args: ['--api-key', 'wrong'] })
  })

  const foreign = `{"jsonrpc":"2.0","method":"hello","params":"${'é'.repeat(150)}"}`
  for (const [what, said, heard] of [
    ['says something else', foreign, /It sent: "\{\\"jsonrpc\\":\\"2\.0\\".*é"…$/],
    ['says what is not JSON', 'HELLO \u001b[2J', /It sent: "HELLO \\u001b\[2J"$/],
    ['says what is not text', Buffer.from([0xff, 0xfe]), /It sent: .*2 bytes/],
    ['says nothing', undefined, /has said nothing/],
  ]) {
    test(`a server that speaks neither dialect ${what}`, async (t) => {
      const { url } = await listenRaw(t, (socket) => said !== undefined && socket.send(said))
      const failure = await assertCause(url, 'dialect', heard, { args: ['--timeout', '300'] })
      assert.ok(Buffer.byteLength(failure.cause) < 400, failure.cause)
    })
  }

  test('a server that repeats messages repeats the key, which is not shown', async (t) => {
    const { url } = await listenRaw(t, (socket) => socket.on('message', (data) => socket.send(String(data))))
    const options = { args: ['--timeout', '300', '--api-key', 'hunter2"2'] }
    const failure = await assertCause(url, 'dialect', /It sent: .*\[key\]/, options)
    assert.doesNotMatch(JSON.stringify(failure), /hunter2/)
  })

  for (const [code, cause] of [
    [1000, /as if all were done/],
    [1003, /speaks another protocol/],
    [1008, /a breach of its policy/],
    [1011, /internal error/],
    [1012, /being restarted/],
    [1013, /too much to do/],
    [4401, /its own code 4401/],
  ]) {
    test(`the server closes with ${code}`, async (t) => {
      const { url } = await listenRaw(t, (socket) => socket.close(code))
      await assertCause(url, 'key', cause)
    })
  }

  test('no ping is answered, though something comes', async (t) => {
    const { url } = await listenRaw(t, (socket) => {
      socket.send(WELCOME)
      const timer = setInterval(() => socket.send('{}'), 50)
      socket.on('close', () => clearInterval(timer))
    })
    const failure = await assertCause(url, 'ping', /does not answer the pings/, { args: ['--timeout', '300'] })
    assert.equal(failure.found, '0 of 5 pings were answered')
  })

  for (const [args, cause] of [
    [['--tool', 'dance'], /the tool dance answered with an error/],
    [['--tool', 'sleep', '--parameters', 'ms:=60000', '--timeout', '500'], /the tool sleep has not answered in time/],
  ]) {
    test(`${args.join(' ')} fails`, async (t) => {
      await assertCause((await listen(t)).url, 'tool', cause, { args })
    })
  }
})

describe('the doctor names each fault of FaultProxy:', AT_ONCE, () => {
  const slow = { args: ['--timeout', '400'] }

  for (const [what, faults, cause, options] of [
    ['frozen towards the client', { toClient: { freezeAfter: 0 } }, /or the network has frozen/, slow],
    ['frozen towards the server', { toServer: { freezeAfter: 0 } }, /or the network has frozen/, slow],
    ['frozen in the middle of the answer', { toClient: { freezeAfter: 20 } }, /or the network has frozen/, slow],
    ['ended', { toClient: { endAfter: 20 } }, /ended while the upgrade was under way/],
    ['reset', { toClient: { resetAfter: 20 } }, /ended while the upgrade was under way/],
    ['corrupted', { toClient: { corruption: 1 } }, /damaged on its way/],
    ['corrupted towards the server', { toServer: { corruption: 1 } }, /does not take WebSockets|ended while/],
  ]) {
    test(`${what}, during the upgrade`, async (t) => {
      const proxy = await listenFaultProxy(t, await listen(t), { faults })
      await assertCause(proxy.url, 'upgrade', cause, options)
    })
  }

  for (const [what, act, cause, options] of [
    ['frozen', (connection) => connection.freeze(), /has said nothing/, slow],
    ['ended', (connection) => connection.end(), /cut without a word/],
    ['reset', (connection) => connection.reset(), /cut without a word/],
    [
      'corrupted',
      (connection) => connection.setFaults({ toClient: { corruption: 1 } }),
      /breaks the rules of WebSockets/,
    ],
  ]) {
    test(`${what}, when the key is sent`, async (t) => {
      const server = await listen(t)
      const proxy = await listenFaultProxy(t, server)
      let connection
      proxy.on('connection', (one) => (connection = one))
      server.intercept((text) => {
        if (!text.includes('"auth"')) return false
        act(connection)
        return what === 'frozen'
      })
      await assertCause(proxy.url, what === 'frozen' ? 'dialect' : 'key', cause, options)
    })
  }

  for (const [what, act, cause, options] of [
    ['frozen', (connection) => connection.freeze(), /nothing comes through it any more/, slow],
    ['ended', (connection) => connection.end(), /cut without a word/],
    ['reset', (connection) => connection.reset(), /cut without a word/],
  ]) {
    test(`${what}, during the pings`, async (t) => {
      const server = await listen(t)
      const proxy = await listenFaultProxy(t, server)
      let connection
      proxy.on('connection', (one) => (connection = one))
      server.on('message', (text) => text.includes('"ping"') && act(connection))
      await assertCause(proxy.url, 'ping', cause, options)
    })
  }

  test('latency is told by the pings, and nothing fails', async (t) => {
    const proxy = await listenFaultProxy(t, await listen(t), { faults: { toClient: { latency: 60 } } })
    const { ok, step } = await examine(proxy.url)
    assert.ok(ok)
    assert.ok(Number(/: (\d+) ms on average/.exec(step('ping').found)[1]) >= 60, step('ping').found)
    assert.ok(step('upgrade').ms >= 60, step('upgrade').ms)
  })

  for (const faults of [{ bandwidth: 20_000 }, { split: 3 }, { merge: 20 }, { jitter: 20 }]) {
    test(`${JSON.stringify(faults)} stops nothing`, async (t) => {
      const proxy = await listenFaultProxy(t, await listen(t), { faults: { toClient: faults, toServer: faults } })
      assert.ok((await examine(proxy.url)).ok)
    })
  }
})

describe('the doctor names each fault of TLS:', AT_ONCE, () => {
  const [authority, stranger] = [createAuthority(), createAuthority('another authority')]

  for (const [what, certificate, cause] of [
    ['expired', authority.issue({ from: -2 * DAY, until: -DAY }), /has expired/],
    ['not yet valid', authority.issue({ from: DAY, until: 2 * DAY }), /not valid yet, or the clock/],
    ['unknown issuer', stranger.issue(), /does not know the issuer/],
    ['authority sent along', withChain(stranger), /does not know who signed/],
    ['self-signed', selfSigned(), /is self-signed/],
    ['wrong name', authority.issue({ names: ['a.example'], addresses: [] }), /is for another name/],
  ]) {
    test(`the certificate: ${what}`, async (t) => {
      const { port } = await listenTls(t, certificate)
      const failure = await assertCause(`wss://localhost:${port}`, 'tls', cause, { env: await trusting(t, authority) })
      assert.match(
        failure.found,
        /; certificate of .*, issued by .*, (expired 1 day ago|\d+ days? left|less than a day left)$/,
      )
    })
  }

  function withChain(authority) {
    const { cert, key } = authority.issue()
    return { key, cert: cert + authority.cert }
  }

  test('none is spoken, or none is expected', async (t) => {
    const { port } = await listen(t)
    await assertCause(`wss://localhost:${port}`, 'tls', /scheme of the URL is not the one/)
    const tls = await listenTls(t, authority.issue())
    await assertCause(`ws://localhost:${tls.port}`, 'upgrade', /scheme of the URL is not the one/)
  })

  for (const [what, args, cause] of [
    ['too old a version', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], /versions of TLS that the client does not allow/],
    ['no common cipher', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA'], /no cipher suite.* in common/],
    ['a client certificate is demanded', ['-tls1_3', '-Verify', '1', '-verify_return_error'], /demands a certificate/],
  ]) {
    test(what, async (t) => {
      const certificate = selfSigned()
      const { port } = await startServer(t, certificate, { args })
      await assertCause(`wss://localhost:${port}`, 'tls', cause, { env: await trusting(t, certificate) })
    })
  }

  test('the handshake breaks off', async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.once('data', () => socket.destroy()))
    await assertCause(url.replace('ws:', 'wss:'), 'tls', /ended in the middle of the TLS handshake/)
  })
})

describe('the doctor names each fault of a proxy:', AT_ONCE, () => {
  const SERVER = 'ws://platform.example'
  const answering = (answer) => ({ refuse: (socket) => Boolean(socket.end(answer)) })

  for (const [what, options, cause] of [
    ['it wants a login', { login: 'Basic x' }, /wants a user and a password/],
    ['it wants another login', answering('HTTP/1.1 401 Unauthorized\r\n\r\n'), /wants a user and a password/],
    [
      'it forbids the host',
      answering('HTTP/1.1 403 Forbidden\r\n\r\n'),
      /does not allow tunnels to platform\.example:80/,
    ],
    ['it does not reach the server', answering('HTTP/1.1 502 Bad Gateway\r\n\r\n'), /does not reach platform\.example/],
    ['it is out of order', answering('HTTP/1.1 500 Oh\r\n\r\n'), /does not work at the moment/],
    ['it is no proxy', answering('SSH-2.0-x\r\n'), /is no proxy of this kind/],
    ['it hangs up', { refuse: (socket) => Boolean(socket.end()) }, /ended the connection before/],
  ]) {
    test(what, async (t) => {
      const proxy = await listenProxy(t, { to: 1, ...options })
      const failure = await assertCause(SERVER, 'proxy', cause, { env: { HTTP_PROXY: proxy.url } })
      assert.match(failure.cause, new RegExp(proxy.address))
    })
  }

  test('it is not there', async () => {
    await assertCause(SERVER, 'proxy', /Nobody answers at the proxy .*ECONNREFUSED/, {
      env: { HTTP_PROXY: 'http://127.0.0.1:1' },
    })
  })

  test('its name is not known', async () => {
    await assertCause(SERVER, 'proxy', /name of the proxy .* is not known/, {
      env: { HTTP_PROXY: 'http://no-such-proxy.invalid:3128' },
    })
  })

  test('it is silent', async (t) => {
    const url = (await silentUrl(t)).replace('ws:', 'http:')
    const options = { env: { HTTP_PROXY: url }, args: ['--timeout', '300'] }
    await assertCause(SERVER, 'proxy', /was silent when it was asked for a tunnel/, options)
  })

  test('its certificate does not verify', async (t) => {
    const proxy = await listenProxy(t, { to: 1, certificate: createAuthority().issue() })
    await assertCause(SERVER, 'proxy', /certificate.*proxy leaves out/, { env: { HTTP_PROXY: proxy.url } })
  })

  test('it speaks no SOCKS', async (t) => {
    const proxy = await listenProxy(t, { to: 1 })
    const env = { ALL_PROXY: proxy.url.replace('http:', 'socks5h:') }
    await assertCause(SERVER, 'proxy', /is no proxy of this kind|ended the connection/, { env })
  })
})
