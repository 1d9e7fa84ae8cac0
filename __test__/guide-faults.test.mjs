/**
 * What the guide's own code does wrong, run as it stands over the WebSocket of `ws`, and that the client does not do
 * it. Each is a row of docs/differences.md.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { open, ready, reached, rejection } from './helpers/client.mjs'
import { mountGuide, openGuidePage, runWholeGuide } from './helpers/guide.mjs'
import { listenRaw, WELCOME } from './helpers/raw-server.mjs'
import { isReady, stage } from './helpers/react.mjs'
import { listen } from './helpers/test-server.mjs'

describe('the attempt counter, at a server that accepts and then closes', () => {
  /** `dials` are counted by their auth messages. */
  async function closingServer(t) {
    const server = await listen(t)
    const seen = { url: server.url, dials: 0 }
    server.intercept((text, connection) => {
      seen.dials++
      void connection.close(1013, 'overloaded')
      return true
    })
    return seen
  }

  test('of the guide never comes to its cap of 10', async (t) => {
    const page = openGuidePage(t, { server: await closingServer(t), WebSocket, speed: 1000 })
    runWholeGuide(page)
    await page.until(() => page.sockets.length === 25)
    assert.equal(
      page.lines.some((line) => line.startsWith('Maximum reconnection attempts')),
      false,
    )
    assert.equal(
      page.lines.some((line) => line.includes('(attempt 2/10)')),
      false,
    )
  })

  test('of the client ends after the first dial and 10 more', async (t) => {
    const server = await closingServer(t)
    const client = open(t, server)
    const { error } = await reached(client, 'failed')
    assert.deepEqual([error.code, server.dials], ['RECONNECT_EXHAUSTED', 11])
  })
})

describe('a call in flight when the connection is lost', () => {
  /** The server lets go of the connection as soon as it has the request. */
  async function droppingServer(t) {
    const server = await listen(t)
    server.intercept((text, connection) => {
      const isRequest = JSON.parse(text).name !== undefined
      if (isRequest) void connection.terminate()
      return isRequest
    })
    return server
  }

  test('of the guide’s hook hangs until its timeout', async (t) => {
    const { page, until } = mountGuide(t, { server: await droppingServer(t), WebSocket })
    const { useTool } = await until((hook) => hook.authenticated)
    const error = await rejection(useTool('echo', { a: 1 }))
    assert.equal(error.message, 'Tool request timed out')
    assert.equal(
      page.lines.some((line) => line.startsWith('WebSocket closed: 1006')),
      true,
    )
  })

  test('of the client is rejected because of it, and says that it may have run', async (t) => {
    const client = await ready(t, await droppingServer(t), { requestTimeout: 2 ** 31 - 1 })
    const { code, sent } = await rejection(client.useTool('echo', { a: 1 }))
    assert.deepEqual({ code, sent }, { code: 'CONNECTION_LOST', sent: true })
  })
})

describe('a component that is unmounted', () => {
  test('reconnects with the guide’s hook', async (t) => {
    const server = await listen(t)
    const { page, root, flushSync, until } = mountGuide(t, { server, WebSocket })
    await until((hook) => hook.authenticated)
    flushSync(() => root.unmount())
    await page.until(() => page.sockets.length === 2)
    await page.printed(/^Connected/)
  })

  test('closes its connection for good with the client’s', async (t) => {
    const server = await listen(t)
    const { root, probe, until } = stage(t, 19)
    const shown = root()
    shown.render(probe({ url: server.url }))
    await until(isReady)
    const [connection] = server.connections
    shown.unmount()
    await connection.closed
    // The client by itself, as its end can be seen.
    const client = await ready(t, server)
    let attempts = 0
    client.on('reconnecting', () => attempts++)
    await client.close()
    assert.deepEqual([client.state, attempts], ['closed', 0])
  })
})

describe('a reconnection that the component asks for', () => {
  test('drops one connection after the other with the guide’s hook', async (t) => {
    const server = await listen(t)
    const { page, until } = mountGuide(t, { server, WebSocket })
    const { reconnect } = await until((hook) => hook.authenticated)
    reconnect()
    // Each of them was open.
    for (let connection = 0; connection < 5; connection++) await page.printed(/^Connected/)
  })

  test('is one with the client’s', async (t) => {
    const server = await listen(t)
    const { root, probe, until } = stage(t, 19)
    root().render(probe({ url: server.url }))
    const { reconnect } = await until(isReady)
    await reconnect()
    await until(isReady)
    await ready(t, server)
    assert.deepEqual([(await server.nextConnection()).id, server.connections.map(({ id }) => id)], [1, [2, 3]])
  })
})

describe('a server that is busy sending something else answers no ping', () => {
  /** `pings` are counted for each connection. */
  async function busyServer(t) {
    const pings = []
    let enough
    const { url } = await listenRaw(t, (socket) => {
      const index = pings.push(0) - 1
      socket.on('message', (data) => {
        const { id, messageType } = JSON.parse(data)
        if (id === 'auth') socket.send(WELCOME)
        if (messageType !== 'ping') return
        socket.send('{"progress":1}')
        if (++pings[index] === 2) enough()
      })
    })
    return { url, pings, secondPing: new Promise((resolve) => (enough = resolve)) }
  }

  test('and the guide gives up a connection that works', async (t) => {
    const page = openGuidePage(t, { server: await busyServer(t), WebSocket, isHurried: true })
    runWholeGuide(page)
    await page.printed(/^Heartbeat timeout, reconnecting/)
    await page.until(() => page.sockets.length === 2)
  })

  test('and the client takes any bytes for a sign of life', async (t) => {
    const server = await busyServer(t)
    // The first ping is never answered: the second leaves when the time for its pong is over, if the connection lives
    // on.
    const client = await ready(t, server, { heartbeatInterval: 10, heartbeatTimeout: 1000 })
    await server.secondPing
    assert.deepEqual([client.state, server.pings.length], ['ready', 1])
  })
})
