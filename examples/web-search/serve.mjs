/** The Node.js side of the page: builds and serves it, and lets it use the client. */
import { fileURLToPath } from 'node:url'
import { serveClient, webSocketPort } from '@mcp-integration/client/bridge'
import { build, preview } from 'vite'
import { WebSocketServer } from 'ws'

const root = fileURLToPath(new URL('.', import.meta.url))

/**
 * Serves the page on loopback, at this port or the next one that is free.
 * @returns its `url`, and `close()`
 */
export async function servePage(client, { port = 4173 } = {}) {
  await build({ root, logLevel: 'warn' })
  const page = await preview({ root, preview: { host: '127.0.0.1', port } })
  const { port: actual } = page.httpServer.address()
  const bridge = serveBridge(page.httpServer, client, [`http://127.0.0.1:${actual}`, `http://localhost:${actual}`])
  return {
    url: `http://127.0.0.1:${actual}/`,
    async close() {
      for (const socket of bridge.clients) socket.terminate()
      bridge.close()
      await page.close()
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
