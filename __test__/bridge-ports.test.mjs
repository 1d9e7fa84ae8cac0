/** The bridge over other ports than those of Node.js. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { describe, test } from 'node:test'
import { MCPToolError } from '@mcp-integration/client'
import { connectClient, serveClient, webSocketPort } from '@mcp-integration/client/bridge'
import { WebSocket, WebSocketServer } from 'ws'
import { fakeClient } from './helpers/bridge.mjs'
import { next, reached, ready, rejection } from './helpers/client.mjs'
import { listen } from './helpers/test-server.mjs'

describe('ports of other kinds', () => {
  test('a WebSocket, with all that it cannot carry as it is', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { maxReconnectAttempts: Infinity })
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    t.after(() => sockets.close())
    await once(sockets, 'listening')
    const served = new Promise((resolve) =>
      sockets.once('connection', (socket) => resolve(serveClient(client, webSocketPort(socket)))),
    )
    const socket = new WebSocket(`ws://127.0.0.1:${sockets.address().port}`)
    const far = connectClient(webSocketPort(socket))
    // Before the socket is open.
    assert.deepEqual(await far.useTool('echo', { ä: [1] }), { ä: [1] })
    assert.equal(Buffer.from(await far.useTool('echo', '\ufeffä', { responseType: 'buffer' })).toString(), '"\ufeffä"')
    assert.ok((await rejection(far.useTool('fail', {}))) instanceof MCPToolError)
    const reconnecting = next(far, 'reconnecting')
    await server.terminateAll()
    assert.equal((await reconnecting)[0].maxAttempts, Infinity)
    await far.connect()
    const log = next(far, 'log')
    for (const peer of sockets.clients) peer.send('not json')
    assert.match((await log)[0].message, /not a message of the bridge/)
    await far.close()
    await (await served).closed
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
    // A page would say in the console that something was sent on a socket that is closed.
    socket.send = () => assert.fail('nothing can be sent any more')
    const late = connectClient(webSocketPort(socket))
    await reached(late, 'failed')
    await late.close()
  })

  test('one of a page, with addEventListener', async (t) => {
    const client = await ready(t, await listen(t))
    const { port1, port2 } = new MessageChannel()
    const ofPage = (port) => ({
      postMessage: (message) => port.postMessage(message),
      addEventListener: (type, listener) => port.addEventListener(type, listener),
      removeEventListener: (type, listener) => port.removeEventListener(type, listener),
      start: () => port.start(),
      close: () => port.close(),
    })
    const served = serveClient(client, ofPage(port1))
    const far = connectClient(ofPage(port2))
    assert.equal(await far.useTool('echo', 1), 1)
    await far.close()
    await served.closed
  })

  test('one that hands out events through on(), as Electron’s do, and takes nothing before it is started', async (t) => {
    const client = await ready(t, await listen(t))
    const { port1, port2 } = new MessageChannel()
    const main = Object.assign(new EventEmitter(), {
      postMessage: (message) => port1.postMessage(message),
      start: () =>
        port1
          .on('message', (data) => main.emit('message', { data, ports: [] }))
          .once('close', () => main.emit('close')),
      close: () => port1.close(),
    })
    const served = serveClient(client, main)
    const far = connectClient(port2)
    assert.equal(await far.useTool('echo', 1), 1)
    port2.close()
    await served.closed
    assert.deepEqual(main.eventNames(), [])
  })

  test('the scope of a worker is not closed, because that would end the worker', async (t) => {
    const client = await ready(t, await listen(t))
    const { port1, port2 } = new MessageChannel()
    serveClient(client, port1)
    t.after(() => port1.close())
    let closed = false
    const scope = {
      postMessage: (message) => port2.postMessage(message),
      addEventListener: (type, listener) => port2.addEventListener(type, listener),
      removeEventListener: (type, listener) => port2.removeEventListener(type, listener),
      close: () => (closed = true),
    }
    const far = connectClient(scope)
    await far.connect()
    await far.close()
    assert.equal(closed, false)
  })

  test('one that throws when it is posted to', async (t) => {
    const port = Object.assign(new EventEmitter(), {
      postMessage() {
        throw new Error('no more')
      },
    })
    const far = connectClient(port)
    assert.match((await next(far, 'failed'))[0].message, /no more/)
    const log = []
    serveClient(fakeClient(), port, { onLog: ({ message }) => log.push(message) })
    assert.match(log[0], /no more/)
  })
})
