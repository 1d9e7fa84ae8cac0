/** Pings, pongs, and the death of a silent connection. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { inbox, next, open, reached, ready, record } from './helpers/client.mjs'
import { stuckUrl } from './helpers/ports.mjs'
import { start } from './helpers/program.mjs'
import { WELCOME, listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

const WINDOWS = process.platform === 'win32' && 'Windows stops no process'
/** ms; of a ping. */
const TIMEOUT = 2_000
/** ms; a deadline that is met so late is judged as after a sleep. */
const LATE = 2_500

const isPing = (text) => JSON.parse(text).messageType === 'ping'

/** The pings that come, by connection number. */
function pingsOf(server) {
  const pings = inbox(server, 'message')
  return async () => {
    for (;;) {
      const [text, connection] = await pings()
      if (isPing(text)) return { ...JSON.parse(text), from: connection.id }
    }
  }
}

describe('a ping', () => {
  test('goes out every heartbeatInterval, with the time; its round trip is told and counted', async (t) => {
    const server = await listen(t)
    const pings = pingsOf(server)
    const client = await ready(t, server, { heartbeatInterval: 10 })
    const beats = inbox(client, 'heartbeat')
    const rtts = []
    for (let i = 0; i < 3; i++) {
      const { timestamp } = await pings()
      assert.ok(Math.abs(timestamp - Date.now()) < 10_000)
      rtts.push((await beats())[0].rtt)
    }
    const { last, min, mean, max } = client.stats().heartbeatRtt
    assert.ok(last > 0 && min <= mean && mean <= max)
    assert.ok(rtts.every((rtt) => rtt >= min && rtt <= max))
  })

  test('does not go out with a heartbeatInterval of 0', async (t) => {
    const server = await listen(t)
    const pings = pingsOf(server)
    const quiet = await ready(t, server, { heartbeatInterval: 0 })
    await ready(t, server, { heartbeatInterval: 10 })
    for (let i = 0; i < 5; i++) assert.equal((await pings()).from, 2)
    assert.equal(quiet.stats().messagesSent, 1)
  })

  test('goes out while the client is unauthorized, too', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const pings = pingsOf(server)
    const client = open(t, server, { heartbeatInterval: 10 })
    await reached(client, 'unauthorized')
    await pings()
    await pings()
    assert.equal(client.state, 'unauthorized')
  })

  test("of the user's own does no harm and does not touch the round trip", async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { heartbeatInterval: 0 })
    const messages = inbox(client, 'message')
    const told = record(client, ['heartbeat'])
    client.sendMessage({ messageType: 'ping', timestamp: Date.now() })
    assert.equal((await messages())[0].messageType, 'pong')
    assert.deepEqual(told, [])
    assert.equal(client.stats().heartbeatRtt.last, null)
  })
})

test('pings of WebSocket itself, which a server sends, are answered', async (t) => {
  const pong = new Promise((resolve) => {
    void listenRaw(t, (socket) => {
      socket.once('message', () => {
        socket.send(WELCOME)
        socket.ping('are you there?')
        socket.once('pong', (data) => resolve(String(data)))
      })
    }).then(({ url }) => open(t, url, { heartbeatInterval: 0 }))
  })
  assert.equal(await pong, 'are you there?')
})

describe('silence after a ping', () => {
  test('for heartbeatTimeout drops the connection without a closing handshake', async (t) => {
    const client = await ready(t, await stuckUrl(t, [WELCOME]), { heartbeatInterval: 10, heartbeatTimeout: 20 })
    const [closed, failed] = [next(client, 'close'), next(client, 'error')]
    const [info] = await closed
    assert.deepEqual(info, {
      code: 1006,
      reason: 'heartbeat timeout',
      wasClean: false,
      explanation: 'Abnormal closure',
      willReconnect: true,
    })
    const [{ code, message }] = await failed
    assert.equal(code, 'CONNECTION_LOST')
    assert.match(message, /heartbeat timeout/)
  })

  test('is got over by reconnecting', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { heartbeatInterval: 20, heartbeatTimeout: 200 })
    const closed = next(client, 'close')
    server.pausePongs()
    assert.equal((await closed)[0].reason, 'heartbeat timeout')
    server.resumePongs()
    await client.connect()
    assert.equal(await client.useTool('echo', 1, { idempotent: true }), 1)
  })

  test('is asked once more by a process that was stopped for so long', { skip: WINDOWS }, async (t) => {
    const server = await listen(t)
    const pings = pingsOf(server)
    server.pausePongs()
    const { child, told } = start(
      t,
      async ({ MCPClient, tell, input: { url, timeout } }) => {
        const client = new MCPClient(url, { heartbeatInterval: 10, heartbeatTimeout: timeout })
        client.on('close', ({ reason }) => tell(reason))
        await client.connect()
      },
      { url: server.url, timeout: TIMEOUT },
    )
    await pings()
    child.kill('SIGSTOP')
    await setTimeout(TIMEOUT + LATE)
    child.kill('SIGCONT')
    assert.equal((await pings()).from, 1)
    assert.equal(await told(0), 'heartbeat timeout')
  })

  test('is none as long as any bytes come', async (t) => {
    const server = await listen(t)
    server.pausePongs()
    const client = await ready(t, server, { heartbeatInterval: 10, heartbeatTimeout: 400 })
    const told = record(client, ['close', 'heartbeat'])
    const pings = pingsOf(server)
    const chatter = setInterval(() => server.broadcast({ news: 1 }), 5)
    t.after(() => clearInterval(chatter))
    for (let i = 0; i < 3; i++) await pings()
    assert.deepEqual(told, [])
    assert.equal(client.state, 'ready')
  })

  test('is none while a big message comes slowly, with the pong behind it', async (t) => {
    let pings = 0
    const { url } = await listenRaw(t, (socket) => {
      socket.once('message', () => {
        socket.send(WELCOME)
        socket.send('"', { fin: false })
        const drip = setInterval(() => socket.send('x', { fin: false }), 5)
        t.after(() => clearInterval(drip))
        socket.on('message', (text) => {
          assert.ok(isPing(text))
          if (++pings < 3) return
          clearInterval(drip)
          socket.send('"', { fin: true })
        })
      })
    })
    const client = await ready(t, url, { heartbeatInterval: 10, heartbeatTimeout: 400 })
    const told = record(client, ['close'])
    assert.match((await next(client, 'message'))[0], /^x+$/)
    assert.deepEqual(told, [])
  })
})
