/**
 * The official SDK of the Model Context Protocol with its WebSocket transport. It speaks JSON-RPC, which the
 * benchmark's server answers with the same results, as `structuredContent`. It does not reconnect by itself, so user
 * code does, as in session.mjs.
 */
import { createRequire } from 'node:module'

let Client, WebSocketClientTransport

export function load() {
  const require = createRequire(import.meta.url)
  // The transport uses the global WebSocket, which Node.js 20 does not have; `ws` is faster than undici's.
  globalThis.WebSocket = require('ws')
  ;({ Client } = require('@modelcontextprotocol/sdk/client/index.js'))
  ;({ WebSocketClientTransport } = require('@modelcontextprotocol/sdk/client/websocket.js'))
}

export async function connect(url, { heartbeat, backoff, onReady, onLost } = {}) {
  let client, beat
  let isClosed = false

  async function dial() {
    client = new Client({ name: 'bench', version: '1.0.0' })
    await client.connect(new WebSocketClientTransport(new URL(url)))
    client.onclose = lose
    if (heartbeat) beat = setInterval(() => client.ping().catch(() => {}), heartbeat)
    onReady?.()
  }

  async function lose() {
    clearInterval(beat)
    if (isClosed || backoff === undefined) return
    onLost?.()
    for (let attempt = 0; ; attempt++) {
      const delay = Math.min(backoff.base * backoff.factor ** attempt, backoff.max)
      await new Promise((resolve) => setTimeout(resolve, delay * (0.8 + Math.random() * 0.4)))
      try {
        return await dial()
      } catch {
        // The server is still unreachable.
      }
    }
  }

  await dial()
  return {
    call: async (parameters) => (await client.callTool({ name: 'bench', arguments: parameters })).structuredContent,
    close() {
      isClosed = true
      clearInterval(beat)
      return client.close()
    },
  }
}
