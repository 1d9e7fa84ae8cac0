import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/** What lets a client in, in the guide's dialect. */
export const WELCOME = '{"id":"auth","success":true}'

/**
 * A WebSocket server that keeps no rule of the protocol: `onSocket` gets each socket, and the TCP connection under it.
 * Gone when the test is over.
 */
export async function listenRaw(t, onSocket) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 0 })
  server.on('connection', (socket, request) => {
    socket.on('error', () => {})
    onSocket(socket, request.socket)
  })
  await once(server, 'listening')
  t.after(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return { server, url: `ws://127.0.0.1:${server.address().port}/mcp-ws` }
}
