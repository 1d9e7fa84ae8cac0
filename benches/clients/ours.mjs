/** This package, as users install it. */
import { createRequire } from 'node:module'

let MCPClient

export function load() {
  ;({ MCPClient } = createRequire(import.meta.url)('@mcp-integration/client'))
}

export async function connect(url, { heartbeat = 0, backoff, onReady, onLost, compression = true } = {}) {
  const client = new MCPClient(url, {
    compression,
    heartbeatInterval: heartbeat,
    // The growth curves exceed the default limits.
    maxPending: 1_000_000,
    maxBufferedAmount: 1 << 30,
    maxMessageSize: 256 << 20,
    ...(backoff && {
      baseReconnectDelay: backoff.base,
      maxReconnectDelay: backoff.max,
      reconnectFactor: backoff.factor,
      maxReconnectAttempts: Infinity,
    }),
  })
  if (onLost) client.on('close', onLost)
  if (onReady) client.on('authenticated', onReady)
  await client.connect()
  return {
    call: (parameters) => client.useTool('bench', parameters),
    close: () => client.close(),
  }
}
