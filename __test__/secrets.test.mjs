/** No secret is shown: not by the client, not by an error, not in the log, not over a bridge, not by the command. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { MCPClient } from '@mcp-integration/client'
import { createAuthority } from './helpers/certificates.mjs'
import { runCli, startCli } from './helpers/cli.mjs'
import { inbox, next, open, reached, ready, rejection } from './helpers/client.mjs'
import { convert, RSA, selfSigned } from './helpers/openssl.mjs'
import { DEAF_URL, listenTcp, silentUrl } from './helpers/ports.mjs'
import { listenProxy } from './helpers/proxies.mjs'
import { listenRaw } from './helpers/raw-server.mjs'
import {
  assertKept,
  authority,
  everythingPlanted,
  IS_PORTABLE,
  PLANTED,
  PLANTED_TLS,
  plantedProxy,
  shown,
  THROWN,
  watchFor,
  withQuery,
} from './helpers/secrets.mjs'
import { listen } from './helpers/test-server.mjs'
import { listenTls } from './helpers/tls-server.mjs'

const DAY = 86_400_000
const DEAF_PROXY = DEAF_URL.replace('ws:', 'http:').replace('/mcp-ws', '')
/** A name that no resolver knows. */
const NOWHERE = 'ws://platform.invalid/mcp-ws'

/** What goes wrong, and what a client then says, with every secret planted that it can have. */
const FAILURES = {
  async 'nothing: accepted, lost, accepted again, with calls that fail'(t, watch) {
    const server = await listen(t, { tokens: [PLANTED.key] })
    const client = watch.client(server.url, { heartbeatInterval: 10, maxReconnectAttempts: 5 })
    await client.connect()
    await next(client, 'heartbeat')
    await watch.failure(client.useTool('fail'))
    await watch.failure(client.useTool('nothing'))
    await watch.failure(client.useTool('sleep', { ms: 60_000 }, { timeout: 1 }))
    const lost = client.useTool('sleep', { ms: 60_000 })
    await server.nextRequest('sleep')
    await server.nextRequest('sleep')
    await server.terminateAll()
    await watch.failure(lost)
    await reached(client, 'ready')
    await client.authenticate(PLANTED.key)
    await client.reconnect()
    await client.close()
    await watch.failure(client.useTool('echo'))
  },

  async 'a key that is refused, and one that the server repeats'(t, watch) {
    const server = await listen(t, { tokens: ['another'] })
    for (const apiKey of [PLANTED.key, () => PLANTED.key, async () => ({ token: PLANTED.key, expiresAt: 9e15 })]) {
      const client = watch.client(server.url, { apiKey })
      await watch.failure(client.connect())
      await watch.failure(client.authenticate(PLANTED.key))
      await watch.failure(client.useTool('echo'))
    }
    const { url } = await listenRaw(t, (socket) =>
      socket.on('message', () => {
        socket.send(JSON.stringify({ id: 'auth', success: false, error: `no such key: ${PLANTED.key}` }))
        socket.close(1008, PLANTED.key)
      }),
    )
    const client = watch.client(url, { protocols: undefined })
    await watch.failure(client.connect())
    await next(client, 'failed')
  },

  async 'a key that is never answered'(t, watch) {
    const server = await listen(t)
    server.intercept(() => true)
    await watch.failure(watch.client(server.url, { authTimeout: 10 }).connect())
  },

  async 'a key function that throws, gives nonsense, or never returns'(t, watch) {
    const server = await listen(t)
    for (const apiKey of [
      () => Promise.reject(new Error(THROWN)),
      () => {
        throw THROWN
      },
      () => ({ key: PLANTED.key }),
      () => [PLANTED.key],
      () => ({ token: PLANTED.key, expiresAt: PLANTED.key }),
      () => ({ token: PLANTED.key, expiresAt: 1 }),
      () => new Promise(() => {}),
    ])
      await watch.failure(watch.client(server.url, { apiKey, authTimeout: 20 }).connect())
  },

  async 'a key that ends and cannot be renewed'(t, watch) {
    const server = await listen(t)
    let asked = 0
    const client = watch.client(server.url, {
      apiKey() {
        if (asked++ > 0) throw new Error(THROWN)
        return { token: PLANTED.key, expiresAt: Date.now() + 100 }
      },
    })
    await client.connect()
    await reached(client, 'unauthorized')
  },

  async 'a url function that throws or gives nonsense'(t, watch) {
    for (const url of [
      () => Promise.reject(new Error(THROWN)),
      () => [withQuery('ws://'), withQuery('ftp://h')],
      () => withQuery('/mcp-ws'),
      () => `wss://${PLANTED.key}:${PLANTED.key}@example.com`,
      () => [withQuery(DEAF_URL), withQuery(DEAF_URL)],
      () => withQuery(DEAF_URL),
    ])
      await watch.failure(watch.client(url, { maxReconnectAttempts: 0 }).connect())
  },

  async 'a dial that is refused, takes too long, or finds no name'(t, watch) {
    await watch.failure(watch.client(DEAF_URL).connect())
    await watch.failure(watch.client(NOWHERE).connect())
    await watch.failure(watch.client(await silentUrl(t), { connectTimeout: 20 }).connect())
    await watch.failure(watch.client((await silentUrl(t)).replace('ws:', 'wss:'), { connectTimeout: 20 }).connect())
  },

  async 'an upgrade that is refused with all that it was asked'(t, watch) {
    for (const status of [302, 400, 401, 403, 404, 429, 500, 503]) {
      const { url } = await listenTcp(t, (socket) =>
        socket.once('data', (data) => socket.end(repeating(status, String(data)))),
      )
      const error = await watch.failure(watch.client(url, { maxReconnectAttempts: 0 }).connect())
      assert.match(error.body, /\[secret\]/)
    }
  },

  async 'an answer to the upgrade that is no handshake'(t, watch) {
    for (const answer of [
      (request) => request,
      (request) => handshake(request, 'Sec-WebSocket-Accept: wrong'),
      (request) => handshake(request, `Sec-WebSocket-Protocol: ${PLANTED.query}`),
      (request) => handshake(request, `Sec-WebSocket-Extensions: permessage-deflate; ${PLANTED.header}`),
      (request) => `${handshake(request, 'Sec-WebSocket-Protocol: mcp')}\u00ff\u00ff${PLANTED.header}`,
    ]) {
      const { url } = await listenTcp(t, (socket) => socket.once('data', (data) => socket.end(answer(String(data)))))
      await watch.failure(watch.client(url, { maxReconnectAttempts: 0 }).connect())
    }
  },

  async 'a proxy that refuses, repeats what it was asked, is none, or is not there'(t, watch) {
    const answering = async (answer) =>
      (await listenTcp(t, (socket) => socket.once('data', (data) => socket.end(answer(String(data)))))).url
    const urls = [DEAF_PROXY, 'http://proxy.invalid']
    for (const status of [302, 403, 407, 502, 503]) urls.push(await answering((request) => repeating(status, request)))
    urls.push(await answering((request) => request))
    for (const url of urls) {
      for (const scheme of ['http', 'https', 'socks5', 'socks5h']) {
        const proxy = plantedProxy(url.replace(/^\w+:/, `${scheme}:`))
        await watch.failure(watch.client(NOWHERE, { proxy, maxReconnectAttempts: 0 }).connect())
      }
    }
    const proxy = plantedProxy(DEAF_PROXY)
    for (const answer of [
      () => proxy,
      () => `${proxy}; PROXY ${PLANTED['password of the proxy']} x`,
      () => `SOCKS4 ${PLANTED['user of the proxy']}`,
      () => plantedProxy('ftp://h'),
      () => [proxy],
      () => Promise.reject(new Error(THROWN)),
    ])
      await watch.failure(watch.client(NOWHERE, { proxy: answer, maxReconnectAttempts: 0 }).connect())
  },

  async 'a server behind a proxy that refuses'(t, watch) {
    const server = await listen(t, { allowedHosts: ['platform.invalid'], tokens: ['another'] })
    const proxy = plantedProxy((await listenProxy(t, { to: server.port })).url)
    await watch.failure(watch.client(NOWHERE, { proxy }).connect())
    server.refuseUpgrades(503)
    await watch.failure(watch.client(NOWHERE, { proxy }).connect())
  },

  async 'TLS that does not verify, is none, breaks off, or refuses the client'(t, watch) {
    const stranger = createAuthority('another authority')
    for (const [certificate, options] of [
      [authority.issue({ from: -2 * DAY, until: -DAY })],
      [authority.issue({ names: ['another.example'], addresses: [] })],
      [stranger.issue()],
      [authority.issue(), { requestCert: true, ca: stranger.cert }],
      [authority.issue(), { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }],
    ]) {
      const { port } = await listenTls(t, certificate, options)
      await watch.failure(watch.client(`wss://localhost:${port}/mcp-ws`, { maxReconnectAttempts: 0 }).connect())
    }
    const { url: dropping } = await listenTcp(t, (socket) => socket.once('data', () => socket.destroy()))
    for (const url of [(await listen(t)).url, dropping])
      await watch.failure(watch.client(url.replace('ws:', 'wss:'), { maxReconnectAttempts: 0 }).connect())
  },

  async 'a key over ws: to another machine'(t, watch) {
    const server = await listen(t, { allowedHosts: ['platform.invalid'] })
    const { url: proxy } = await listenProxy(t, { to: server.port })
    const client = watch.client(NOWHERE, { proxy: plantedProxy(proxy) })
    const log = inbox(client, 'log')
    await client.connect()
    for (let message; !/without encryption/.test(message); ) [{ message }] = await log()
  },

  async 'a server that breaks the rules of the WebSocket, or sends no JSON'(t, watch) {
    for (const say of [
      (socket) => socket.send('{"not":'),
      (_socket, tcp) => tcp.write(Buffer.from([0xff, 0xff])),
      (socket) => socket.send('x'.repeat(2_000)),
      (socket) => socket.close(1011, 'no'),
    ]) {
      const { url } = await listenRaw(t, (socket, tcp) => socket.on('message', () => say(socket, tcp)))
      const client = watch.client(url, { protocols: undefined, maxMessageSize: 1_000, maxReconnectAttempts: 0 })
      client.connect()
      await next(client, 'error')
    }
  },
}

/** What needs headers, TLS or a proxy. */
const OF_THE_ADDON = [
  'an upgrade that is refused with all that it was asked',
  'a proxy that refuses, repeats what it was asked, is none, or is not there',
  'a server behind a proxy that refuses',
  'TLS that does not verify, is none, breaks off, or refuses the client',
  'a key over ws: to another machine',
]
const skip = IS_PORTABLE && 'the portable client has no headers, no TLS, no proxy, and is no EventEmitter'

for (const [what, fail] of Object.entries(FAILURES)) {
  test(`no secret is told or shown: ${what}`, { skip: OF_THE_ADDON.includes(what) && skip }, async (t) => {
    // What a server says is passed on as it came, the key included.
    const watch = watchFor(t, { except: ['messages of the server'] })
    await fail(t, watch)
    watch.check()
  })
}

describe('no secret is in the error for an option that is refused', () => {
  const { key, header, subprotocol } = PLANTED
  const [user, password] = [PLANTED['user of the proxy'], PLANTED['password of the proxy']]
  const tls = PLANTED_TLS
  const rsa = selfSigned({ key: RSA })
  const encrypted = convert(tls.key, ['pkcs8', '-topk8', '-passout', 'pass:x'])
  for (const options of [
    { apiKey: [key] },
    { apiKey: { key } },
    { apiKey: `${key}\n` },
    { headers: header },
    { headers: [header] },
    { headers: { 'x-key': [header] } },
    { headers: { 'x-key': `${header}\n` } },
    { headers: { host: `${header}\n` } },
    { headers: { host: `${header}ü` } },
    { headers: { host: [header] } },
    { protocols: `${subprotocol} and a blank` },
    { protocols: ['a', `${subprotocol},`] },
    { protocols: { [subprotocol]: subprotocol } },
    { proxy: `ftp://${user}:${password}@proxy` },
    { proxy: `http://u:${user}/@proxy` },
    { proxy: [`http://${user}:${password}@proxy`] },
    { url: withQuery('/mcp-ws') },
    { url: [withQuery(DEAF_URL), withQuery(DEAF_URL)] },
    { url: [withQuery(DEAF_URL), 5] },
    { url: `wss://${key}@example.com` },
    { url: `wss://${key}:@exa mple.com/` },
    { tls: tls.key },
    { tls: [tls.key] },
    { tls: { key: [tls.key] } },
    { tls: { cert: [tls.key] } },
    { tls: { ca: [tls.key, 5] } },
    { tls: { ca: { key: tls.key } } },
    { tls: { ca: tls.key } },
    { tls: { cert: tls.key, key: tls.key } },
    { tls: { key: tls.key } },
    { tls: { cert: tls.cert } },
    { tls: { cert: rsa.cert, key: tls.key } },
    { tls: { cert: tls.cert, key: encrypted } },
    { tls: { cert: tls.cert, key: tls.key.replaceAll('-----', '') } },
    { tls: { cert: tls.cert, key: tls.key.replace('\n', '\n!') } },
    { tls: { servername: [tls.key] } },
  ]) {
    test(inspect(Object.keys(options.tls ?? options)).slice(2, -2), () => {
      assert.throws(
        () => new MCPClient({ ...everythingPlanted(), url: DEAF_URL, ...options }),
        (error) => {
          assert.ok(error instanceof TypeError || error instanceof RangeError, String(error))
          assertKept('the error', shown(error))
          return true
        },
      )
    })
  }
})

test('no secret is printed by the command, however talkative Node.js is', async (t) => {
  const tls = await listenTls(t, authority.issue())
  const { url } = await listenTcp(t, (socket) => socket.on('data', (data) => socket.end(repeating(403, String(data)))))
  const proxied = { HTTP_PROXY: plantedProxy(url.replace('ws:', 'http:')), NO_PROXY: '' }
  const runs = []
  for (const [target, env] of [[url], [`wss://localhost:${tls.port}`], [NOWHERE, proxied]]) {
    for (const [place, command] of COMMANDS.entries()) {
      const args = [...command, '--url', withQuery(target)]
      const talkative = { NODE_DEBUG: '*', MCP_CLIENT_LOG: 'debug', RUST_BACKTRACE: '1', ...env }
      if (place % 2 === 0) runs.push(runCli([...args, '--api-key', PLANTED.key], talkative))
      else runs.push(runCli(args, { ...talkative, MCP_API_KEY: PLANTED.key }))
    }
  }
  runs.push(runCli(['doctor', withQuery(DEAF_URL), '--url', withQuery(DEAF_URL)]), retrying())
  for (const { code, stdout, stderr } of await Promise.all(runs)) {
    assert.notEqual(code, 0)
    assertKept('standard output', stdout, true)
    assertKept('standard error', stderr, true)
  }
})

/** `watch` goes on for ever: it is stopped when it waits for its next attempt. */
async function retrying() {
  const { child, output, ended } = startCli(['watch', withQuery(DEAF_URL), '--api-key', PLANTED.key])
  while (!output.stderr.includes('next attempt')) {
    const isOver = await Promise.race([once(child.stderr, 'data').then(() => false), ended.then(() => true)])
    assert.ok(!isOver, output.stderr)
  }
  child.kill('SIGKILL')
  return ended
}

/** What connects, and everything that makes it say more, or in another form. */
const COMMANDS = [['call', 'echo'], ['doctor'], ['doctor', '--json'], ['watch', '--all'], ['tools']]

test('client.url alone has the query, and the server gets it', async (t) => {
  const server = await listen(t)
  const client = open(t, withQuery(server.url))
  await client.connect()
  assert.equal(client.url, withQuery(server.url))
  assert.ok(!inspect(client).includes(PLANTED.query))
})

test('a client shows its state, and is short where it is nested deep', { skip }, async (t) => {
  const client = await ready(t, await listen(t))
  assert.match(inspect(client), /^MCPClient \{\n? +url: 'ws:.*state: 'ready'.*error: null/s)
  assert.equal(inspect({ a: { b: { c: client } } }), '{ a: { b: { c: [MCPClient] } } }')
})

test('what a server or a proxy repeats of a request is told with [secret] in its place', { skip }, async (t) => {
  const { url } = await listenTcp(t, (socket) =>
    socket.once('data', (data) => socket.end(repeating(403, String(data)))),
  )
  const proxied = open(t, NOWHERE, { proxy: plantedProxy(url.replace('ws:', 'http:')), maxReconnectAttempts: 0 })
  assert.match((await rejection(proxied.connect())).body, /Proxy-Authorization: Basic \[secret\]/)
  const headers = { 'x-key': PLANTED.header }
  const direct = open(t, url, { headers, maxReconnectAttempts: 0 })
  assert.match((await rejection(direct.connect())).body, /x-key: \[secret\]/)
})

/** An answer of this status that repeats in its body, and in its redirection, what it was asked. */
function repeating(status, request) {
  const [, path] = request.split(' ')
  const [query = ''] = /\?[^ ]*/.exec(path) ?? []
  const [, header = ''] = /^x-key: (.+)\r$/im.exec(request) ?? []
  const lines = request.split('\r\n').filter((line) => /planted|^Proxy-Authorization/i.test(line))
  const location = `/${header}/${query}`
  return `HTTP/1.1 ${status} x\r\nLocation: ${location}\r\n\r\n${lines.reverse().join(' ')}\n`
}

/** A 101 that fits the request, and this header. */
function handshake(request, header) {
  const [, key] = /^sec-websocket-key: (.+)\r$/im.exec(request)
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const ours = header.startsWith('Sec-WebSocket-Accept') ? [] : [`Sec-WebSocket-Accept: ${accept}`]
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', ...ours, header]
  return `${lines.join('\r\n')}\r\n\r\n`
}
