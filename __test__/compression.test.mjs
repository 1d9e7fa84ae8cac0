/** Compression (rule 17), with the zlib of Node.js at the other end: its parameters, and what is compressed. */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import WebSocket from 'ws'
import { serve } from './helpers/cli.mjs'
import { next, ready, record, rejection } from './helpers/client.mjs'
import { jsonText, randomOf } from './helpers/random-json.mjs'
import { WELCOME, listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

/** JSON that becomes much smaller. */
const items = (count) =>
  Array.from({ length: count }, (_, rank) => ({ rank, score: rank / 7, snippet: `größe ${rank % 10} 漢字 and words` }))

/** A server of `ws` that authenticates everybody and answers with the parameters. */
async function echoing(t, perMessageDeflate) {
  const sockets = []
  const { url } = await listenRaw(
    t,
    (socket, tcp) => {
      sockets.push({ socket, tcp })
      socket.on('message', (data) => {
        const { id, parameters } = JSON.parse(data)
        socket.send(id === 'auth' ? WELCOME : JSON.stringify({ id, results: parameters }))
      })
    },
    { perMessageDeflate },
  )
  return { url, sockets }
}

describe('calls are answered whatever parameters the server chooses', () => {
  const flags = [undefined, true, false]
  for (const serverNoContextTakeover of flags) {
    for (const clientNoContextTakeover of flags) {
      const takeover = { serverNoContextTakeover, clientNoContextTakeover }
      test(`takeover ${JSON.stringify(takeover)}`, async (t) => {
        for (const serverMaxWindowBits of [undefined, 9, 12]) {
          for (const clientMaxWindowBits of [undefined, 8, 10])
            await callsAreAnswered(t, { ...takeover, serverMaxWindowBits, clientMaxWindowBits, threshold: 0 })
        }
      })
    }
  }

  async function callsAreAnswered(t, parameters) {
    const { url, sockets } = await echoing(t, parameters)
    const client = await ready(t, url)
    assert.equal(sockets[0].socket.extensions, 'permessage-deflate')
    const given = [0, 12, 700, 3_000, 40].map(items)
    const results = await Promise.all(given.map((parameters) => client.useTool('echo', parameters)))
    assert.deepEqual(results, given)
    await client.close()
  }
})

test('texts of every kind and size go through it both ways', async (t) => {
  const { url } = await echoing(t, { threshold: 0, zlibDeflateOptions: { level: 9 } })
  const client = await ready(t, url)
  const random = randomOf(7692)
  const texts = Array.from({ length: 60 }, () => Array.from({ length: random.below(400) }, () => jsonText(random)))
  const results = await Promise.all(texts.map((parameters) => client.useTool('echo', parameters)))
  assert.deepEqual(results, texts)
})

describe('both sides save bytes', () => {
  test('and the figures are those of the texts', async (t) => {
    const { url, sockets } = await echoing(t, true)
    const client = await ready(t, url)
    const [{ tcp }] = sockets
    const [read, written, { bytesSent, bytesReceived }] = [tcp.bytesRead, tcp.bytesWritten, client.stats()]
    const parameters = items(2_000)
    const size = Buffer.byteLength(JSON.stringify(parameters))
    assert.deepEqual(await client.useTool('echo', parameters), parameters)
    const stats = client.stats()
    assert.ok(stats.bytesSent - bytesSent > size && stats.bytesReceived - bytesReceived > size)
    assert.ok(tcp.bytesRead - read < size / 4, `${tcp.bytesRead - read} bytes for ${size}`)
    assert.ok(tcp.bytesWritten - written < size / 4, `${tcp.bytesWritten - written} bytes for ${size}`)
  })

  test('but keys are sent as they are', async (t) => {
    const key = 'k'.repeat(8_000)
    const { url, sockets } = await echoing(t, true)
    const client = await ready(t, url, { apiKey: key })
    const [{ tcp }] = sockets
    assert.ok(tcp.bytesRead > key.length, `${tcp.bytesRead} bytes`)
    const read = tcp.bytesRead
    const answered = next(client, 'message')
    client.sendMessage({ id: 'auth', token: key })
    await answered
    assert.ok(tcp.bytesRead - read > key.length, `${tcp.bytesRead - read} bytes`)
  })
})

test('with compression: false it is not offered', async (t) => {
  const server = await listen(t, { compression: true })
  const client = await ready(t, server, { compression: false })
  assert.equal(server.connections[0].headers['sec-websocket-extensions'], undefined)
  assert.deepEqual(await client.useTool('echo', items(100)), items(100))
})

test('an answer that inflates to more than maxMessageSize closes with 1009, and is not asked for again', async (t) => {
  const server = await listen(t, { compression: true, tools: { big: () => 'x'.repeat(1_000_001), fits: () => 'fits' } })
  const client = await ready(t, server, { maxMessageSize: 1_000_000 })
  const closed = next(client, 'close')
  const error = await rejection(client.useTool('big', {}, { idempotent: true }))
  assert.equal(error.code, 'MESSAGE_TOO_LARGE')
  const [{ code, reason, willReconnect }] = await closed
  assert.deepEqual([code, willReconnect], [1009, true])
  assert.match(reason, /maxMessageSize \(1000000 bytes\)/)
  assert.equal(await client.useTool('fits'), 'fits')
})

test('a message that does not inflate closes with 1007', async (t) => {
  const { url, sockets } = await echoing(t, true)
  const client = await ready(t, url)
  const told = record(client, ['close', 'error'])
  const closed = next(client, 'close')
  // A final text frame with RSV1, of four bytes that are no block.
  sockets[0].tcp.write(Buffer.from([0xc1, 4, 0xff, 0xff, 0xff, 0xff]))
  await closed
  assert.equal(told[0][1].code, 1007)
  assert.match(told[0][1].reason, /compressed message was corrupt/)
})

test('a connection that is lost in the middle of a compressed answer loses nothing else', async (t) => {
  let answers = 0
  const { url } = await listenRaw(
    t,
    (socket, tcp) =>
      socket.on('message', (data) => {
        const { id, parameters } = JSON.parse(data)
        if (id === 'auth') return socket.send(WELCOME)
        if (++answers > 1) return socket.send(JSON.stringify({ id, results: parameters }))
        // The head of a compressed text of 200 bytes, and a few of these.
        tcp.write(Buffer.from([0xc1, 126, 0, 200, 0xf2, 0x48, 0xcd]))
        setImmediate(() => tcp.destroy())
      }),
    { perMessageDeflate: true },
  )
  const client = await ready(t, url)
  assert.deepEqual(await client.useTool('echo', items(300), { idempotent: true }), items(300))
  assert.equal(answers, 2)
})

describe('MCPTestServer', () => {
  for (const dialect of ['guide', 'event']) {
    test(`agrees to compression with the option, in the ${dialect} dialect`, async (t) => {
      const server = await listen(t, { compression: true, dialect, tools: { items: () => items(5_000) } })
      const { url, count } = await counting(t, server)
      const client = await ready(t, url)
      const before = count()
      const results = await client.useTool('items')
      assert.equal(JSON.stringify(results).length, JSON.stringify(items(5_000)).length)
      assert.ok(count() - before < JSON.stringify(results).length / 4, `${count() - before} bytes`)
    })
  }

  test('does not agree without it, and refuses a value that is no boolean', async (t) => {
    assert.equal(await extensionsOf((await listen(t)).url), '')
    for (const compression of ['yes', 1, {}])
      await assert.rejects(listen(t, { compression }), { name: 'TypeError', message: /option "compression" must be/ })
  })
})

test('mcp-client serve agrees with --compression', async (t) => {
  const [plain, compressing] = [await serve(t, ['--port', '0']), await serve(t, ['--port', '0', '--compression'])]
  assert.equal(await extensionsOf(plain.url), '')
  assert.equal(await extensionsOf(compressing.url), 'permessage-deflate')
})

/** What a server of ours agrees to with a client of `ws`. */
async function extensionsOf(url) {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const { extensions } = socket
  socket.terminate()
  return extensions
}

/** A way to the server that counts the bytes it sends. */
async function counting(t, { port }) {
  let bytes = 0
  const sockets = []
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => {})
    far.on('data', (data) => (bytes += data.length))
    near.pipe(far).pipe(near)
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return { url: `ws://127.0.0.1:${proxy.address().port}/mcp-ws`, count: () => bytes }
}
