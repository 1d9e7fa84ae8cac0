/** The WebSocket of undici, which is also Node.js's own, with plain user code. */
import { createRequire } from 'node:module'
import { Session, openWebSocket } from './session.mjs'

let WebSocket

export function load() {
  ;({ WebSocket } = createRequire(import.meta.url)('undici'))
}

export async function connect(url, options) {
  const session = new Session((handlers) => openWebSocket(WebSocket, url, handlers), options)
  await session.connect()
  return session
}
