/** The page over a client in this process, whose key no page sees: it uses the client over the bridge. */
import { serveClient, webSocketPort } from '@mcp-integration/client/bridge'
import { WebSocketServer } from 'ws'
import { serve } from './serve.mjs'

/**
 * Serves the page on loopback, at this port or the next one that is free.
 * @returns its `url`, and `close()`
 */
export async function serveBridgedPage(client, { port = 4273 } = {}) {
  const page = await serve({ preview: { port } })
  const { port: actual } = new URL(page.url)
  const bridge = serveBridge(page.server.httpServer, client, [
    `http://127.0.0.1:${actual}`,
    `http://localhost:${actual}`,
  ])
  return {
    url: `${page.url}bridged.html`,
    async close() {
      for (const socket of bridge.clients) socket.terminate()
      bridge.close()
      await page.server.close()
    },
  }
}

/**
 * A browser lets any site open a WebSocket to this process. So only pages of these origins get through, and only to
 * what the page needs: one tool, and `connect()` for its button.
 */
function serveBridge(server, client, origins) {
  const sockets = new WebSocketServer({
    server,
    path: '/bridge',
    maxPayload: 1 << 20,
    verifyClient: ({ origin }) => origins.includes(origin),
  })
  return sockets.on('connection', (socket) =>
    serveClient(client, webSocketPort(socket), { allowTools: ['web_search'], allowControl: true }),
  )
}
