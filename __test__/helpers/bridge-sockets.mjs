/** The bridge over WebSockets of `ws`. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { connectBridge, serveClient, webSocketPort } from '@mcp-integration/client/bridge'
import { WebSocket, WebSocketServer } from 'ws'

/** Attempts that come at once. */
const QUICK = { baseReconnectDelay: 1, maxReconnectDelay: 1 }

/**
 * Serves `client` to whoever opens a socket. `served` has what `serveClient` has returned for each, `log` what was
 * logged; `port` is that of an earlier one.
 */
export async function bridgeServer(t, client, { options = {}, pings = {}, port = 0, ...ofServer } = {}) {
  const sockets = new WebSocketServer({ host: '127.0.0.1', port, ...ofServer })
  const log = []
  const served = []
  sockets.on('connection', (socket) =>
    served.push(serveClient(client, webSocketPort(socket, pings), { onLog: (entry) => log.push(entry), ...options })),
  )
  await once(sockets, 'listening')
  const stop = async () => {
    for (const socket of sockets.clients) socket.terminate()
    await new Promise((resolve) => sockets.close(resolve))
  }
  t.after(stop)
  const actual = sockets.address().port
  return { url: `ws://127.0.0.1:${actual}/`, port: actual, sockets, served, log, stop }
}

/** A far end that dials this URL, closed when the test is over. */
export function dialled(t, url, options = {}) {
  const far = connectBridge(url, { WebSocket, ...QUICK, ...options })
  t.after(() => far.close())
  return far
}

/** A socket that a test says whatever it likes through. */
export async function rawSocket(t, url) {
  const socket = new WebSocket(url)
  t.after(() => socket.terminate())
  const hear = listenerOf(socket)
  await once(socket, 'open')
  return { socket, hear, say: (message) => socket.send(JSON.stringify({ mcpBridge: 1, ...message })) }
}

/** A connection after the upgrade, on which a test writes bytes that no WebSocket would. */
export async function rawBytes(t, url) {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
}

/** Hands out what comes through a socket, in order. */
function listenerOf(socket) {
  const arrived = []
  const waiting = []
  socket.on('message', (data) => {
    const message = JSON.parse(data)
    if (waiting.length > 0) waiting.shift()(message)
    else arrived.push(message)
  })
  return () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)))
}
