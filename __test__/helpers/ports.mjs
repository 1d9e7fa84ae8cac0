import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A URL where nothing listens: the system never assigns this port. */
export const DEAF_URL = 'ws://127.0.0.1:1/mcp-ws'

/** A TCP port on loopback where nothing listens, until the test does. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A TCP server on loopback that calls `onSocket` with each connection; it is closed after the test. */
export async function listenTcp(t, onSocket = () => {}, options = {}) {
  const sockets = new Set()
  const server = createServer(options, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, url: `ws://127.0.0.1:${server.address().port}/mcp-ws` }
}

/** The URL of a server that accepts connections and never sends anything. */
export async function silentUrl(t) {
  return (await listenTcp(t)).url
}

/** The URL of a server that upgrades connections, sends `texts`, and from then on neither reads nor closes. */
export async function stuckUrl(t, texts = []) {
  const { url } = await listenTcp(t, (socket) => {
    socket.once('data', (request) => {
      const [, key] = /^sec-websocket-key: (.+)\r$/im.exec(request)
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      )
      for (const text of texts) socket.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]))
      socket.pause()
    })
  })
  return url
}
