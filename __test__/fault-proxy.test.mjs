/** `FaultProxy`, over plain TCP; and what the client makes of some of its faults. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { constants } from 'node:os'
import { describe, test } from 'node:test'
import { FaultProxy } from '@mcp-integration/client/testing'
import { next, ready, rejection } from './helpers/client.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { DEAF_URL, listenTcp } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

/** Two ends of a connection through a proxy, each with what it has heard. */
async function pair(t, options) {
  let accept
  const accepted = new Promise((resolve) => (accept = resolve))
  const { url } = await listenTcp(t, (socket) => accept(new End(socket)), { allowHalfOpen: true })
  const proxy = await listenProxy(t, url, options)
  const client = new End(dial(t, proxy))
  const connection = await proxy.nextConnection()
  return { proxy, connection, client, server: await accepted }
}

function dial(t, { port }) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  return socket
}

class End {
  chunks = []

  constructor(socket) {
    this.socket = socket
    this.errors = []
    socket.on('data', (bytes) => this.chunks.push(bytes))
    socket.on('error', ({ code }) => this.errors.push(code))
    this.ended = once(socket, 'end').catch(() => {})
    this.closed = next(socket, 'close')
  }

  get heard() {
    return Buffer.concat(this.chunks)
  }

  write(text) {
    this.socket.write(text)
  }

  /** Waits until so many bytes have come. */
  async hears(count) {
    while (this.heard.length < count) await next(this.socket, 'data')
    return this.heard
  }
}

describe('without faults', () => {
  test('bytes pass unchanged in both directions, and are counted', async (t) => {
    const { client, server, connection } = await pair(t)
    const [there, back] = [randomBytes(3_000_000), randomBytes(2_000_000)]
    client.write(there)
    server.write(back)
    assert.ok((await server.hears(there.length)).equals(there))
    assert.ok((await client.hears(back.length)).equals(back))
    assert.deepEqual(
      [connection.id, connection.bytesToServer, connection.bytesToClient],
      [1, there.length, back.length],
    )
  })

  test('a side that ends its half can still be spoken to, and both ends are passed on', async (t) => {
    const { client, server, connection, proxy } = await pair(t)
    const closed = next(proxy, 'close')
    client.socket.end('bye')
    await server.ended
    assert.equal(String(server.heard), 'bye')
    server.socket.end('good-bye')
    await client.ended
    assert.equal(String(client.heard), 'good-bye')
    await connection.closed
    assert.deepEqual(await closed, [connection])
    assert.deepEqual([proxy.connections, client.errors, server.errors], [[], [], []])
  })

  test('a reset of one side becomes a reset of the other', async (t) => {
    const { client, server } = await pair(t)
    server.socket.resetAndDestroy()
    await client.closed
    assert.deepEqual(client.errors, ['ECONNRESET'])
  })

  test('the URL is that of the server, with the port of the proxy', async (t) => {
    const server = await listen(t, { path: '/tools' })
    const proxy = await listenProxy(t, `${server.url}?key=value`)
    assert.equal(proxy.url, `ws://127.0.0.1:${proxy.port}/tools?key=value`)
    assert.equal(proxy.target, `${server.url}?key=value`)
    assert.notEqual(proxy.port, server.port)
  })

  test('a server that is not there resets the client', async (t) => {
    const proxy = await listenProxy(t, DEAF_URL)
    const client = new End(dial(t, proxy))
    await client.closed
    assert.deepEqual(client.errors, ['ECONNRESET'])
  })
})

describe('an end of the connection', () => {
  const TEXT = '0123456789'

  for (const direction of ['toClient', 'toServer']) {
    test(`may come after any byte ${direction}, as a FIN or as an RST`, async (t) => {
      for (let count = 1; count < TEXT.length; count++) {
        for (const fault of ['endAfter', 'resetAfter']) {
          const { client, server, connection } = await pair(t, { faults: { [direction]: { [fault]: count } } })
          const [from, to] = direction === 'toClient' ? [server, client] : [client, server]
          from.write(TEXT)
          await Promise.race([to.ended, to.closed])
          // The system of the receiver may throw away with an RST what was not read yet.
          if (fault === 'endAfter') assert.equal(String(to.heard), TEXT.slice(0, count))
          else assert.ok(TEXT.slice(0, count).startsWith(String(to.heard)))
          await Promise.race([from.ended, from.closed])
          assert.deepEqual(from.errors, fault === 'endAfter' ? [] : ['ECONNRESET'])
          assert.equal(direction === 'toClient' ? connection.bytesToClient : connection.bytesToServer, count)
          for (const { socket } of [client, server]) socket.destroy()
          await connection.closed
        }
      }
    })
  }

  test('by command is a FIN or an RST to both sides', async (t) => {
    const ended = await pair(t)
    ended.connection.end()
    await Promise.all([ended.client.ended, ended.server.ended])
    assert.deepEqual([ended.client.errors, ended.server.errors], [[], []])
    const reset = await pair(t)
    reset.proxy.resetAll()
    await Promise.all([reset.client.closed, reset.server.closed])
    assert.deepEqual([reset.client.errors, reset.server.errors], [['ECONNRESET'], ['ECONNRESET']])
  })

  test('which a side does not answer to becomes a reset', async (t) => {
    const { client, server, proxy, connection } = await pair(t)
    proxy.endAll()
    server.socket.end()
    await connection.closed
    await client.ended
    client.write('are you there?')
    await client.closed
  })
})

describe('a frozen connection', () => {
  test('passes nothing, not even an end; thawed it passes all that has come since', async (t) => {
    const { client, server, connection, proxy } = await pair(t)
    proxy.freezeAll()
    client.write('one')
    server.socket.end('two')
    // What another connection does meanwhile has taken longer than this one would have.
    const other = new End(dial(t, proxy))
    ;(await proxy.nextConnection()).reset()
    await other.closed
    assert.deepEqual([client.chunks, server.chunks, connection.bytesToServer, connection.bytesToClient], [[], [], 0, 0])
    proxy.thawAll()
    await Promise.all([client.ended, server.hears(3)])
    assert.deepEqual([String(client.heard), String(server.heard)], ['two', 'one'])
  })

  test('may be so in one direction only, after a number of bytes', async (t) => {
    const { client, server, connection } = await pair(t, { faults: { toClient: { freezeAfter: 2 } } })
    server.write('abc')
    await client.hears(2)
    client.write('still heard')
    assert.equal(String(await server.hears(11)), 'still heard')
    assert.equal(String(client.heard), 'ab')
    connection.thaw()
    assert.equal(String(await client.hears(3)), 'abc')
  })

  test('lets the sender fill the buffers of the system, and no more than 1 MiB of the proxy', async (t) => {
    const { client, server, connection } = await pair(t, { faults: { toServer: { latency: 3_600_000 } } })
    const bytes = Buffer.alloc(64 << 20)
    client.write(bytes)
    // A round trip of the other direction, several times over: the proxy has had its turns to read.
    for (let i = 1; i <= 200; i++) {
      server.write('.')
      await client.hears(i)
    }
    assert.ok(client.socket.writableLength > 0, 'all was read')
    connection.setFaults({})
    connection.reset()
  })
})

describe('time', () => {
  test('latency delays all, the end too, and jitter keeps the order', async (t) => {
    const { client, server } = await pair(t, { faults: { toClient: { latency: 40, jitter: 40 } } })
    const began = performance.now()
    for (let i = 0; i < 20; i++) {
      server.write(String.fromCharCode(97 + i))
      await new Promise(setImmediate)
    }
    server.socket.end()
    await client.hears(1)
    assert.ok(performance.now() - began >= 40)
    await client.ended
    assert.equal(String(client.heard), 'abcdefghijklmnopqrst')
  })

  test('bandwidth holds bytes up', async (t) => {
    const { client, server } = await pair(t, { faults: { toClient: { bandwidth: 100_000 } } })
    const began = performance.now()
    server.write(Buffer.alloc(20_000))
    await client.hears(20_000)
    // The last write leaves when there is room for it, 20 ms before it would be over.
    assert.ok(performance.now() - began >= 175, `${performance.now() - began} ms`)
  })
})

describe('the form of the writes', () => {
  const BYTES = randomBytes(1_000)

  test('split, they are many, and hold the same', async (t) => {
    const { client, server } = await pair(t, { faults: { toClient: { split: 3 } } })
    server.write(BYTES)
    assert.ok((await client.hears(1_000)).equals(BYTES))
    assert.ok(client.chunks.length > 10, `${client.chunks.length} chunks`)
  })

  test('merged, they are few, and hold the same', async (t) => {
    const { client, server } = await pair(t, { faults: { toClient: { merge: 100 } } })
    for (let i = 0; i < 100; i++) {
      server.write(BYTES.subarray(i * 10, i * 10 + 10))
      await new Promise(setImmediate)
    }
    assert.ok((await client.hears(1_000)).equals(BYTES))
    assert.ok(client.chunks.length < 50, `${client.chunks.length} chunks`)
  })
})

describe('corruption', () => {
  const BYTES = Buffer.alloc(100_000)

  async function damaged(t, options) {
    const { client, server } = await pair(t, options)
    server.write(BYTES)
    return Buffer.from(await client.hears(BYTES.length))
  }

  test('turns one bit over of as many bytes as it says', async (t) => {
    const ones = (byte) => byte.toString(2).replaceAll('0', '').length
    assert.ok((await damaged(t, { faults: { toClient: { corruption: 1 } } })).every((byte) => ones(byte) === 1))
    const some = await damaged(t, { faults: { toClient: { corruption: 0.01 } } })
    const hit = some.filter((byte) => byte !== 0)
    assert.ok(hit.length > 800 && hit.length < 1_200, `${hit.length} of 1,000`)
    assert.ok(hit.every((byte) => ones(byte) === 1))
  })

  test('is the same for the same seed, however the bytes come, and another for another', async (t) => {
    const faults = { toClient: { corruption: 0.001 } }
    const first = await damaged(t, { faults, seed: 7 })
    assert.ok(first.equals(await damaged(t, { faults: { toClient: { ...faults.toClient, latency: 1 } }, seed: 7 })))
    assert.ok(!first.equals(await damaged(t, { faults, seed: 8 })))
  })
})

describe('a plan', () => {
  test('is asked for each connection, with the same random numbers for the same seed', async (t) => {
    const asked = []
    const plan = (connection, random) => {
      asked.push([connection, random(), random()])
      return { toServer: { resetAfter: connection - 1 } }
    }
    for (let round = 0; round < 2; round++) {
      const { url } = await listenTcp(t)
      const proxy = await listenProxy(t, url, { faults: plan, seed: 5 })
      for (let count = 0; count < 3; count++) {
        const client = new End(dial(t, proxy))
        client.write('abc')
        const connection = await proxy.nextConnection()
        await connection.closed
        assert.equal(connection.bytesToServer, count)
      }
    }
    assert.deepEqual(asked.slice(0, 3), asked.slice(3))
    assert.equal(new Set(asked.map(([, number]) => number)).size, 3)
    assert.ok(asked.flat().every((number) => number >= 0 && number <= 3))
  })

  test('that makes a mistake resets the client and surfaces as uncaughtException', async (t) => {
    const [told] = await run(t, async ({ tell }) => {
      const { FaultProxy } = await import('@mcp-integration/client/testing')
      const { connect } = await import('node:net')
      const caught = new Promise((resolve) => process.once('uncaughtException', ({ message }) => resolve(message)))
      const proxy = await FaultProxy.listen({
        target: 'ws://127.0.0.1:1',
        faults: () => ({ toClient: { latency: -1 } }),
      })
      const socket = connect(proxy.port, '127.0.0.1')
      const code = new Promise((resolve) => socket.on('error', ({ code }) => resolve(code)))
      tell([await caught, await code])
      await proxy.close()
    })
    assert.deepEqual(told, ['fault "latency" of "toClient" must be from 0 to 2147483647, not -1', 'ECONNRESET'])
  })

  test('may be replaced for connections to come; live ones are changed by themselves', async (t) => {
    const { url } = await listenTcp(t, (socket) => socket.pipe(socket))
    const proxy = await listenProxy(t, url)
    const first = new End(dial(t, proxy))
    const connection = await proxy.nextConnection()
    first.write('abc')
    await first.hears(3)
    proxy.setFaults({ toClient: { endAfter: 2 } })
    first.write('def')
    await first.hears(6)
    const second = new End(dial(t, proxy))
    second.write('abc')
    await second.ended
    assert.equal(String(second.heard), 'ab')
    // Counted from here.
    connection.setFaults({ toClient: { endAfter: 1 } })
    first.write('ghi')
    await first.ended
    assert.equal(String(first.heard), 'abcdefg')
  })
})

describe('what makes no sense is refused by name:', () => {
  const target = 'ws://127.0.0.1:1'
  const misfits = [
    [undefined, TypeError, /takes an object of options, not undefined/],
    [{}, TypeError, /"target".*not undefined/],
    [{ target: 'example.com' }, TypeError, /"target".*'example\.com'/],
    [{ target: 'ftp://example.com' }, TypeError, /"target".*ftp:/],
    [{ target, prot: 1 }, TypeError, /unknown option "prot" of FaultProxy\.listen, did you mean "port"\?/],
    [{ target, port: 70_000 }, RangeError, /"port"/],
    [{ target, host: '' }, TypeError, /"host"/],
    [{ target, seed: 0.5 }, TypeError, /"seed".*0\.5/],
    [{ target, faults: 'all' }, TypeError, /faults must be an object, not 'all'/],
    [{ target, faults: { toServr: {} } }, TypeError, /unknown direction "toServr"/],
    [{ target, faults: { toServer: 1 } }, TypeError, /"toServer" must be an object, not 1/],
    [{ target, faults: { toServer: { delay: 1 } } }, TypeError, /unknown fault "delay" of "toServer": use latency/],
    [
      { target, faults: { toClient: { latency: '1' } } },
      TypeError,
      /"latency" of "toClient" must be a number, not '1'/,
    ],
    [
      { target, faults: { toClient: { corruption: 2 } } },
      RangeError,
      /"corruption" of "toClient" must be from 0 to 1, not 2/,
    ],
    [
      { target, faults: { toClient: { bandwidth: 0 } } },
      RangeError,
      /"bandwidth" of "toClient" must be from 1 to Infinity, not 0/,
    ],
    [{ target, faults: { toClient: { resetAfter: NaN } } }, RangeError, /"resetAfter"/],
  ]
  for (const [options, type, message] of misfits) {
    test(JSON.stringify(options) ?? 'nothing', async () => {
      const error = await rejection(FaultProxy.listen(options))
      assert.ok(error instanceof type, `${error}`)
      assert.match(error.message, message)
    })
  }

  test('a port in use', async (t) => {
    const { port } = await listen(t)
    await assert.rejects(FaultProxy.listen({ target, port }), { code: 'EADDRINUSE' })
  })

  test('faults by command', async (t) => {
    const { proxy, connection } = await pair(t)
    for (const set of [() => proxy.setFaults({ up: {} }), () => connection.setFaults({ up: {} })])
      assert.throws(set, /unknown direction "up"/)
  })
})

describe('every stop settles', () => {
  /** A side that has heard the end of the other one learns of a reset when it writes. */
  async function areReset(...ends) {
    for (const end of ends) {
      await end.ended
      end.write('are you there?')
      await end.closed
      assert.match(String(end.errors), /^(ECONNRESET|EPIPE)$/)
    }
  }

  test('close() resets all connections, frees the port, and nobody waits for connections any more', async (t) => {
    const { proxy, client, server } = await pair(t)
    client.write('.')
    await server.hears(1)
    const awaited = proxy.nextConnection()
    const closed = proxy.close()
    assert.equal(proxy.close(), closed)
    await Promise.all([closed, client.closed, server.closed])
    await assert.rejects(awaited, /the proxy was closed before the next connection came/)
    const { port } = proxy
    await (await FaultProxy.listen({ target: 'ws://127.0.0.1:1', port })).close()
  })

  test('close() right after an end() does not wait for the shutdown that is under way', async (t) => {
    const { proxy, connection, client, server } = await pair(t)
    client.write('.')
    await server.hears(1)
    connection.end()
    await Promise.all([proxy.close(), connection.closed])
    await areReset(client, server)
  })

  test('reset() right after one side has ended its half still resets both', async (t) => {
    const { connection, client, server } = await pair(t, { faults: { toServer: { freezeAfter: 1 } } })
    client.socket.end('..')
    await server.hears(1)
    // What the client has ended is passed on in the turn in which the reset comes.
    connection.thaw()
    connection.reset()
    await connection.closed
    await areReset(client, server)
  })

  test('a side that reads nothing is reset although it was to be ended first', async (t) => {
    const { proxy, connection, client, server } = await pair(t)
    client.socket.pause()
    server.write(Buffer.alloc(64 << 20))
    // Round trips of the other direction: meanwhile the way to the client has filled up.
    for (let i = 1; i <= 200; i++) {
      client.write('.')
      await server.hears(i)
    }
    connection.end()
    await Promise.all([proxy.close(), connection.closed])
    await areReset(server)
  })

  test('a connection that is still being made to the server is reset when it is there, or given up by close()', async (t) => {
    for (const stop of ['reset', 'close']) {
      const { url } = await listenTcp(t)
      const proxy = await listenProxy(t, url)
      proxy.once('connection', (connection) => (stop === 'reset' ? connection : proxy)[stop]())
      const client = new End(dial(t, proxy))
      const [connection] = await next(proxy, 'close')
      await Promise.all([client.closed, connection.closed])
      assert.deepEqual(client.errors, ['ECONNRESET'])
      await proxy.close()
    }
  })

  test('a reset that the system refuses is an end too', async (t) => {
    const { proxy, connection, client } = await pair(t)
    // Of all TCP sockets: there is no other way to the proxy's own.
    t.mock.method(Object.getPrototypeOf(client.socket._handle), 'reset', function () {
      this.close()
      return -constants.errno.EINVAL
    })
    await Promise.all([proxy.close(), connection.closed])
  })
})

describe('before the client', () => {
  test('a connection that freezes is given up after the heartbeat, and calls go on over the next one', async (t) => {
    const server = await listen(t)
    const proxy = await listenProxy(t, server)
    const client = await ready(t, proxy, { heartbeatInterval: 20, heartbeatTimeout: 100 })
    const lost = next(client, 'close')
    proxy.freezeAll()
    const call = client.useTool('echo', 1, { idempotent: true })
    assert.equal((await lost)[0].reason, 'heartbeat timeout')
    assert.equal(await call, 1)
    assert.equal(client.stats().reconnects, 1)
  })

  test('calls work when each byte comes by itself, from the handshake on, and when many come in one', async (t) => {
    const server = await listen(t)
    for (const form of [{ split: 1 }, { merge: 5 }]) {
      const proxy = await listenProxy(t, server, { faults: { toServer: form, toClient: form } })
      const client = await ready(t, proxy)
      const calls = Array.from({ length: 20 }, (_, i) => client.useTool('echo', { i, text: `漢 ${i}` }))
      assert.deepEqual(
        await Promise.all(calls),
        calls.map((_, i) => ({ i, text: `漢 ${i}` })),
      )
    }
  })
})
