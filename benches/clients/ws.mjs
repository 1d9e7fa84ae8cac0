/** `ws` with plain user code. */
import { createRequire } from 'node:module'
import { Session } from './session.mjs'

let WebSocket

export function load() {
  WebSocket = createRequire(import.meta.url)('ws')
}

export async function connect(url, options) {
  const session = new Session(({ onOpen, onText, onClose }) => {
    const socket = new WebSocket(url, { maxPayload: 256 << 20 })
    socket.on('open', onOpen)
    socket.on('message', onText)
    socket.on('close', onClose)
    socket.on('error', () => {})
    return socket
  }, options)
  await session.connect()
  return session
}
