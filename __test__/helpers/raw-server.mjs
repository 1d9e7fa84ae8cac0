import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/** The answer that accepts a client, in the guide's dialect. */
export const WELCOME = '{"id":"auth","success":true}'

/**
 * A WebSocket server that follows no rule of the protocol: `onSocket` gets each socket, and its TCP connection. It is
 * closed after the test. `perMessageDeflate` is the option of `ws`.
 */
export async function listenRaw(t, onSocket, { perMessageDeflate = false } = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 0, perMessageDeflate })
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
