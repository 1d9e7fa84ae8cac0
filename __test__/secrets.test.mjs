/** No key is shown: not by the client, not by an error, not in the log. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { MCPClient } from '@mcp-integration/client'
import { next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, listenTcp, silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

const SECRET = 'hunter2-hunter2'

/** Everything that a log or a console could get out of a value. */
function shown(value) {
  const chain = []
  for (let error = value; error instanceof Error; error = error.cause)
    chain.push(error.message, error.stack, JSON.stringify(error), String(error))
  return [
    inspect(value, { depth: Infinity, showHidden: true }),
    inspect(value, { depth: Infinity, showHidden: true, customInspect: false }),
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    inspect([{ value }]),
    JSON.stringify(value),
    String(value),
    ...chain,
  ].join('\n')
}

function assertKept(...values) {
  for (const value of values) assert.ok(!shown(value).includes(SECRET), shown(value).slice(0, 2_000))
}

/** Everything that a client tells and shows. */
function watch(client) {
  const told = record(client)
  return () => assertKept(client, client.snapshot, client.error, client.stats(), told)
}

for (const [kind, apiKey] of [
  ['a string', SECRET],
  ['a function', () => SECRET],
]) {
  test(`a key from ${kind} that is accepted, lost and used again`, async (t) => {
    const server = await listen(t, { tokens: [SECRET] })
    const client = open(t, server, { apiKey, heartbeatInterval: 10, headers: { authorization: `Bearer ${SECRET}` } })
    const check = watch(client)
    await client.connect()
    await next(client, 'heartbeat')
    assertKept(await rejection(client.useTool('fail')))
    check()
    await server.terminateAll()
    await reached(client, 'ready')
    await client.reconnect()
    check()
    await client.close()
    check()
  })

  test(`a key from ${kind} that is refused`, async (t) => {
    const server = await listen(t, { tokens: ['another'] })
    const client = open(t, server, { apiKey })
    const check = watch(client)
    assertKept(
      await rejection(client.connect()),
      await rejection(client.authenticate(SECRET)),
      await rejection(client.useTool('echo')),
    )
    check()
    await server.closeAll(1008, 'no')
    check()
  })
}

test('a key that is never asked for', async (t) => {
  const client = open(t, DEAF_URL, { apiKey: SECRET, maxReconnectAttempts: 1, headers: { 'x-api-key': SECRET } })
  const check = watch(client)
  assertKept(await rejection(client.connect()))
  check()
})

test('a key that the server does not answer', async (t) => {
  const server = await listen(t)
  server.intercept(() => true)
  const client = open(t, server, { apiKey: SECRET, authTimeout: 10, maxReconnectAttempts: 0 })
  const check = watch(client)
  assertKept(await rejection(client.connect()))
  check()
})

test('a key in a subprotocol or in the header Host, which a server refuses or does not choose', async (t) => {
  const server = await listen(t)
  for (const [url, options] of [
    [DEAF_URL, {}],
    [await silentUrl(t), { connectTimeout: 10 }],
    [`ws://127.0.0.1:${server.port}/wrong`, {}],
    [server.url, { headers: { host: SECRET } }],
  ]) {
    const given = { maxReconnectAttempts: 1, protocols: ['a', SECRET], headers: { host: SECRET }, ...options }
    const client = open(t, url, given)
    const check = watch(client)
    assertKept(await rejection(client.connect()))
    check()
  }
})

test('a key in the query of the url, which client.url alone shows', async (t) => {
  const server = await listen(t)
  for (const [url, options] of [
    [`${DEAF_URL}?key=${SECRET}`, { maxReconnectAttempts: 1 }],
    [`${await silentUrl(t)}?key=${SECRET}`, { maxReconnectAttempts: 1, connectTimeout: 10 }],
    [`ws://127.0.0.1:${server.port}/wrong?key=${SECRET}`, {}],
  ]) {
    const client = open(t, url, options)
    const told = record(client)
    assertKept(await rejection(client.connect()))
    assertKept(told, client.error, client.snapshot, client.stats())
    assert.ok(!inspect(client).includes(SECRET) && !inspect([{ client }]).includes(SECRET))
    assert.equal(client.url, url)
  }
})

describe('what a server or a proxy repeats of a request at the door', () => {
  const REPEATING = (request) => {
    const lines = String(request).split('\r\n')
    const repeated = lines.filter((line) => line.includes(SECRET) || line.startsWith('Proxy-Authorization'))
    return `HTTP/1.1 403 Forbidden\r\nLocation: /${SECRET}/?${SECRET}\r\n\r\n${repeated.join(' ')}\n`
  }

  test('is told without the query, the headers and the subprotocols', async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.once('data', (data) => socket.end(REPEATING(data))))
    for (const options of [
      { headers: { authorization: `Bearer ${SECRET}` } },
      { headers: { 'x-key': SECRET } },
      { protocols: ['mcp', SECRET] },
      { url: `${url}?tenant=1&key=${SECRET}` },
    ]) {
      const client = open(t, url, options)
      const check = watch(client)
      const error = await rejection(client.connect())
      assert.match(error.body, /\[secret\]/)
      assertKept(error)
      if (options.url === undefined) check()
    }
  })

  test('is told without the user and the password of the proxy', async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.once('data', (data) => socket.end(REPEATING(data))))
    const proxy = url.replace('ws://', `http://${SECRET}:${SECRET}@`)
    for (const options of [{ proxy }, { proxy: () => proxy }, { proxy: () => `${proxy}; PROXY ${SECRET} x` }]) {
      const client = open(t, 'ws://platform.invalid', { ...options, maxReconnectAttempts: 0 })
      const check = watch(client)
      const error = await rejection(client.connect())
      assert.equal(error.body, 'Proxy-Authorization: Basic [secret]')
      assertKept(error)
      check()
    }
  })
})

test('the password of a proxy that is not there', async (t) => {
  for (const scheme of ['http', 'https', 'socks5', 'socks5h']) {
    const client = open(t, 'ws://127.0.0.1:2', {
      proxy: `${scheme}://u:${SECRET}@127.0.0.1:1`,
      maxReconnectAttempts: 1,
    })
    const check = watch(client)
    assertKept(await rejection(client.connect()))
    check()
  }
})

test('a key in an option that is refused', () => {
  for (const options of [
    { apiKey: [SECRET] },
    { apiKey: { key: SECRET } },
    { headers: SECRET },
    { headers: [SECRET] },
    { headers: { 'x-key': [SECRET] } },
    { headers: { 'x-key': `${SECRET}\n` } },
    { proxy: `ftp://u:${SECRET}@proxy` },
    { proxy: `http://u:${SECRET}/@proxy` },
    { proxy: [`http://u:${SECRET}@proxy`] },
    { headers: { host: `${SECRET}\n` } },
    { headers: { host: `${SECRET}ü` } },
    { headers: { host: [SECRET] } },
    { protocols: `${SECRET} and a blank` },
    { protocols: ['a', `${SECRET},`] },
    { protocols: { [SECRET]: SECRET } },
    { apiKey: `${SECRET}\n` },
    { url: `/mcp-ws?key=${SECRET}` },
    { url: `wss://${SECRET}@example.com` },
    { url: `wss://${SECRET}:@exa mple.com/` },
  ]) {
    assert.throws(
      () => new MCPClient({ url: DEAF_URL, ...options }),
      (error) => !shown(error).includes(SECRET),
    )
  }
})

test('a client shows its state, and is short where it is nested deep', async (t) => {
  const client = await ready(t, await listen(t))
  assert.match(inspect(client), /^MCPClient \{\n? +url: 'ws:.*state: 'ready'.*error: null/s)
  assert.equal(inspect({ a: { b: { c: client } } }), '{ a: { b: { c: [MCPClient] } } }')
})
