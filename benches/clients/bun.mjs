/** Bun's own WebSocket with plain user code. */
import { Session, openWebSocket } from './session.mjs'

/** Nothing to load: it is part of Bun. */
export function load() {}

export async function connect(url, options) {
  const session = new Session((handlers) => openWebSocket(WebSocket, url, handlers), options)
  await session.connect()
  return session
}
