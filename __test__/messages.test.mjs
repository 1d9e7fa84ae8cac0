/** Messages outside of calls: sendMessage, sendToolRequest, pushes, and what is malformed or too large. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PATIENT, inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl, stuckUrl } from './helpers/ports.mjs'
import { WELCOME, listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

/** The server's view of what a ready client sends. */
async function watched(t, options) {
  const server = await listen(t)
  const client = await ready(t, server, options)
  return { server, client, frames: inbox(server, 'message') }
}

describe('sendMessage()', () => {
  test('sends a string as it is, anything else as JSON, and says true', async (t) => {
    const { client, frames } = await watched(t)
    for (const [message, frame] of [
      ['{"as":"it is"}', '{"as":"it is"}'],
      ['not JSON: grüße 😀', 'not JSON: grüße 😀'],
      ['', ''],
      [{ a: [1, undefined] }, '{"a":[1,null]}'],
      [null, 'null'],
      [5, '5'],
      [[], '[]'],
    ]) {
      assert.equal(client.sendMessage(message), true)
      assert.equal((await frames())[0], frame)
    }
  })

  test('keeps the order, among calls too', async (t) => {
    const { client, frames } = await watched(t)
    for (let i = 0; i < 50; i++) {
      client.sendMessage(`${i}`)
      client.useTool('echo', i).catch(() => {})
    }
    for (let i = 0; i < 50; i++) {
      assert.equal((await frames())[0], `${i}`)
      assert.equal(JSON.parse((await frames())[0]).parameters, i)
    }
  })

  test('says false where no socket is open', async (t) => {
    const server = await listen(t)
    const clients = {
      idle: open(t, DEAF_URL, { autoConnect: false }),
      connecting: open(t, await silentUrl(t)),
      reconnecting: open(t, DEAF_URL, PATIENT),
      failed: open(t, DEAF_URL, { maxReconnectAttempts: 0 }),
      closing: await ready(t, server),
      closed: await ready(t, server),
    }
    void clients.closing.close()
    await clients.closed.close()
    await Promise.all(['reconnecting', 'failed'].map((state) => reached(clients[state], state)))
    for (const [state, client] of Object.entries(clients)) {
      if (state !== 'closing') assert.equal(client.state, state)
      assert.equal(client.sendMessage('{}'), false, state)
    }
  })

  test('says false where the buffer is full', async (t) => {
    const client = await ready(t, await listen(t), { maxBufferedAmount: 1_000 })
    assert.equal(client.sendMessage('x'.repeat(1_001)), false)
    assert.equal(client.sendMessage('x'.repeat(600)), true)
    assert.equal(client.bufferedAmount, 600)
    assert.equal(client.sendMessage('x'.repeat(600)), false)
  })

  test('says false to a server that does not read, as soon as maxBufferedAmount is reached', async (t) => {
    const client = await ready(t, await stuckUrl(t, [WELCOME]), { maxBufferedAmount: 1 << 20 })
    const message = 'x'.repeat(64 << 10)
    let taken = 0
    while (client.sendMessage(message)) {
      taken++
      assert.ok(taken < 10_000, 'it never fills up')
      await new Promise(setImmediate)
    }
    assert.ok(client.bufferedAmount > (1 << 20) - message.length && client.bufferedAmount <= 1 << 20)
  })

  test('throws a TypeError for what has no JSON form', async (t) => {
    const client = await ready(t, await listen(t))
    const circle = {}
    circle.self = circle
    for (const message of [undefined, () => {}, Symbol('s'), 5n, circle])
      assert.throws(() => client.sendMessage(message), TypeError)
  })
})

describe('sendToolRequest()', () => {
  test("sends the guide's request and returns its id; the answer arrives as a message, not late", async (t) => {
    const { client, frames } = await watched(t)
    const messages = inbox(client, 'message')
    const id = client.sendToolRequest('echo', { a: 1 })
    assert.match(id, /^req_\d{13}_[0-9a-z]{9}$/)
    assert.deepEqual(JSON.parse((await frames())[0]), { id, name: 'echo', parameters: { a: 1 } })
    assert.deepEqual(await messages(), [{ id, results: { a: 1 } }])
    assert.equal(client.stats().lateResponses, 0)
  })

  test('leaves parameters out where there are none', async (t) => {
    const { client, frames } = await watched(t)
    const id = client.sendToolRequest('status')
    assert.deepEqual(JSON.parse((await frames())[0]), { id, name: 'status' })
  })

  test('counts a second answer to one id as late', async (t) => {
    const { server, client } = await watched(t)
    const messages = inbox(client, 'message')
    server.intercept((text, connection) => {
      const { id } = JSON.parse(text)
      return connection.send({ id, results: 1 }) && connection.send({ id, results: 2 })
    })
    client.sendToolRequest('any')
    assert.deepEqual([(await messages())[0].results, (await messages())[0].results], [1, 2])
    assert.equal(client.stats().lateResponses, 1)
  })

  test('returns null without a connection, and where the buffer is full', async (t) => {
    assert.equal(open(t, DEAF_URL, { autoConnect: false }).sendToolRequest('echo'), null)
    assert.equal(open(t, await silentUrl(t)).sendToolRequest('echo'), null)
    const client = await ready(t, await listen(t), { maxBufferedAmount: 1_000 })
    assert.equal(client.sendToolRequest('echo', 'x'.repeat(1_000)), null)
    void client.close()
    assert.equal(client.sendToolRequest('echo'), null)
  })

  test('throws a TypeError for a name or parameters that cannot be sent', async (t) => {
    const client = await ready(t, await listen(t))
    for (const name of [undefined, '', 5, null]) assert.throws(() => client.sendToolRequest(name), TypeError)
    assert.throws(() => client.sendToolRequest('echo', 5n), TypeError)
  })
})

describe('an answer', () => {
  test('that nobody waits for is late, settles nothing, and still is a message', async (t) => {
    const { server, client } = await watched(t)
    const messages = inbox(client, 'message')
    const strangers = ['req_1700000000000_abcdefghi', 'req_0', 'something else', 7]
    for (const id of strangers) {
      server.broadcast({ id, results: 1 })
      assert.deepEqual(await messages(), [{ id, results: 1 }])
    }
    assert.equal(client.stats().lateResponses, strangers.length)
  })

  test('settles its own call, whatever the order of the answers', async (t) => {
    const { server, client } = await watched(t)
    const ids = []
    server.intercept((text, connection) => {
      ids.push(JSON.parse(text))
      if (ids.length === 50)
        for (const { id, parameters } of ids.reverse()) connection.send({ id, results: parameters })
      return true
    })
    const calls = Array.from({ length: 50 }, (_, i) => client.useTool('any', i))
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => i),
    )
  })

  test('has its keys in any order; of duplicate ones the last wins', async (t) => {
    const { server, client } = await watched(t)
    const answerWith = (template) =>
      server.intercept((text, connection) => connection.send(template.replaceAll('ID', JSON.parse(text).id)))
    for (const template of [
      '{"results":1,"id":"ID"}',
      ' {\n\t"id" : "ID" , "results" : 1 } ',
      '{"results":0,"id":"other","results":1,"id":"ID"}',
      '{"id":"ID","error":"no","results":1,"error":null}',
      '{"\\u0069d":"ID","res\\u0075lts":1}',
      '{"id":"ID","results":1,"data":{"id":"other","results":2},"event":5}',
    ]) {
      answerWith(template)
      assert.equal(await client.useTool('any', {}, { timeout: 5_000 }), 1, template)
    }
    answerWith('{"results":1,"error":"no","id":"ID"}')
    assert.equal((await rejection(client.useTool('any'))).message, 'no')
  })
})

describe('what is malformed', () => {
  test('goes to "error" and the log, and the connection is kept', async (t) => {
    const { server, client } = await watched(t)
    const [errors, logs] = [inbox(client, 'error'), inbox(client, 'log')]
    const told = record(client, ['message', 'state', 'close'])
    const bad = [
      '',
      '{',
      '{"a":1,}',
      "{'a':1}",
      'undefined',
      'NaN',
      '[1',
      '"\u0001"',
      '01',
      '{"a":1}{"b":2}',
      '\ufeff{}',
      '[]]',
      'nul',
    ]
    for (const text of bad) {
      server.broadcast(text)
      assert.equal((await errors())[0].code, 'BAD_MESSAGE', text)
      const [{ level }] = await logs()
      assert.equal(level, 'warn')
    }
    assert.equal(await client.useTool('echo', 1), 1)
    assert.equal(told.length, 1)
  })

  test('and holds a secret is not told word by word', async (t) => {
    const { server, client } = await watched(t)
    const told = record(client, ['error', 'log'])
    const arrived = next(client, 'error')
    server.broadcast('{"key":"hunter2"')
    await arrived
    assert.doesNotMatch(told.map(([, told]) => `${told.message}${JSON.stringify(told)}`).join(), /hunter2/)
  })

  test('may be bytes that are no UTF-8', async (t) => {
    const { server, client } = await watched(t)
    const errors = inbox(client, 'error')
    server.broadcast(Buffer.from([0x22, 0xff, 0x22]))
    assert.equal((await errors())[0].code, 'BAD_MESSAGE')
    assert.equal(await client.useTool('echo', 1), 1)
  })

  test('never settles another call', async (t) => {
    const { server, client } = await watched(t)
    server.intercept((text, connection) =>
      connection.send(JSON.stringify({ id: JSON.parse(text).id, results: 1 }).slice(0, -1)),
    )
    assert.equal((await rejection(client.useTool('any'))).code, 'BAD_MESSAGE')
    server.intercept((text, connection) => connection.send(`{"id":"other","results":"${JSON.parse(text).id}`))
    assert.equal((await rejection(client.useTool('any', {}, { timeout: 50 }))).code, 'REQUEST_TIMEOUT')
  })
})

describe('a message larger than maxMessageSize', () => {
  test('closes the connection with 1009; the client reconnects, and calls that may run only once are lost', async (t) => {
    const { server, client } = await watched(t, { maxMessageSize: 1_000 })
    const connection = server.connections[0]
    const [closed, failed] = [next(client, 'close'), next(client, 'error')]
    const { code, sent } = await rejection(client.useTool('echo', 'x'.repeat(2_000)))
    assert.deepEqual({ code, sent }, { code: 'CONNECTION_LOST', sent: true })
    assert.equal((await failed)[0].code, 'MESSAGE_TOO_LARGE')
    const [info] = await closed
    assert.equal(info.code, 1009)
    assert.equal(info.explanation, 'Message too big')
    assert.equal(info.willReconnect, true)
    assert.equal((await connection.closed).code, 1009)
    await client.connect()
    assert.equal(await client.useTool('echo', 'small'), 'small')
  })

  test('is one of maxMessageSize + 1 bytes', async (t) => {
    const { server, client } = await watched(t, { maxMessageSize: 100 })
    const messages = inbox(client, 'message')
    server.broadcast(JSON.stringify('x'.repeat(98)))
    assert.equal((await messages())[0].length, 98)
    const closed = next(client, 'close')
    server.broadcast(JSON.stringify('x'.repeat(99)))
    assert.equal((await closed)[0].code, 1009)
  })

  test('is 64 MiB by default', async (t) => {
    const { client } = await watched(t)
    const text = 'x'.repeat((64 << 20) - 100)
    const client2 = await ready(t, await listen(t, { tools: { huge: () => text } }))
    assert.equal((await client2.useTool('huge')).length, text.length)
    assert.equal(await client.useTool('echo', 1), 1)
  })
})

describe('what breaks the rules of WebSocket ends the connection with the code for it, and the client reconnects:', () => {
  for (const [what, bytes, code] of [
    ['text that is no UTF-8', [0x81, 3, 0x22, 0xff, 0x22], 1007],
    ['a reserved opcode', [0x83, 0], 1002],
    ['a frame that is masked', [0x81, 0x82, 1, 2, 3, 4, 5, 6], 1002],
    ['a reserved bit', [0xc1, 2, 0x22, 0x22], 1002],
    ['a continuation of nothing', [0x80, 2, 0x22, 0x22], 1002],
    ['a ping that is too long', [0x89, 126, 1, 0, ...Array(256).fill(0)], 1002],
  ]) {
    test(what, async (t) => {
      let connections = 0
      let tell
      const told = new Promise((resolve) => (tell = resolve))
      const { url } = await listenRaw(t, (socket, tcp) => {
        connections += 1
        const isFirst = connections === 1
        socket.once('message', () => {
          socket.send(WELCOME)
          if (isFirst) tcp.write(Buffer.from(bytes))
        })
        if (isFirst) socket.once('close', tell)
      })
      const client = open(t, url, PATIENT)
      const [{ code: seen, wasClean, willReconnect }] = await next(client, 'close')
      assert.deepEqual({ code: seen, wasClean, willReconnect }, { code, wasClean: false, willReconnect: true })
      await client.connect()
      // The close frame goes out in the background, while the client is on its way back already.
      assert.equal(await told, code)
    })
  }
})

test('a close frame without a code is told as 1005, and is not final', async (t) => {
  const { url } = await listenRaw(t, (socket) => socket.once('message', () => socket.close()))
  const [{ code, wasClean, explanation, willReconnect }] = await next(open(t, url, PATIENT), 'close')
  const expected = { code: 1005, wasClean: true, explanation: 'No status received', willReconnect: true }
  assert.deepEqual({ code, wasClean, explanation, willReconnect }, expected)
})

test('a message in many frames arrives as one', async (t) => {
  const { url } = await listenRaw(t, (socket) => {
    socket.once('message', () => {
      socket.send(WELCOME)
      for (const [i, part] of ['{"te', 'xt":', '"grü', 'ße"}'].entries()) {
        socket.send(part, { fin: i === 3 })
        socket.ping()
      }
    })
  })
  const client = open(t, url)
  const messages = inbox(client, 'message')
  await messages()
  assert.deepEqual(await messages(), [{ text: 'grüße' }])
})

test('a message of 20 MB that nobody asked for arrives whole', async (t) => {
  const { server, client } = await watched(t)
  const messages = inbox(client, 'message')
  const push = { text: 'ü'.repeat(10 << 20) }
  server.broadcast(push)
  assert.deepEqual(await messages(), [push])
})
