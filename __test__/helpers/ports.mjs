import { once } from 'node:events'
import { createServer } from 'node:net'

/** A TCP server on loopback that does with each connection what it is told; gone when the test is over. */
export async function listenTcp(t, onSocket = () => {}) {
  const sockets = new Set()
  const server = createServer((socket) => {
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
  const { port } = server.address()
  return { server, port, url: `ws://127.0.0.1:${port}/mcp-ws` }
}

/** The URL of a server that accepts connections and never says a word. */
export async function silentUrl(t) {
  return (await listenTcp(t)).url
}

/** The URL of a port where nobody listens. */
export async function deafUrl(t) {
  const { server, url } = await listenTcp(t)
  server.close()
  await once(server, 'close')
  return url
}
