/** A WebSocket as a port of the bridge: each message is one text frame of JSON. */
import type { BridgePort } from './port.js'
import { fromText, toText } from './text.js'

/** What a WebSocket of a page, of Node.js or of `ws` has in common. */
export interface SocketLike {
  readonly readyState: number
  send(data: string): void
  close(): void
  addEventListener(type: any, listener: (event: any) => void): void
  removeEventListener(type: any, listener: (event: any) => void): void
}

/** What is posted before the socket is open waits until it is. Closing the bridge closes the socket. */
export function webSocketPort(socket: SocketLike): BridgePort {
  const listeners = new Map<string, (event: unknown) => void>()
  const waiting: string[] = []
  const flush = () => {
    for (const text of waiting.splice(0)) socket.send(text)
  }
  socket.addEventListener('open', flush)
  socket.addEventListener('message', ({ data }) => listeners.get('message')?.(fromText(data)))
  socket.addEventListener('close', () => listeners.get('close')?.(undefined))
  return {
    postMessage(message: { bytes?: Uint8Array }) {
      const text = toText(message)
      if (socket.readyState === CONNECTING) waiting.push(text)
      // A page's socket that is closed takes it, and says in the console that it was for nothing.
      else if (socket.readyState === OPEN) socket.send(text)
    },
    on(event: string, listener) {
      listeners.set(event, listener)
      // It is too late for the event itself.
      if (event === 'close' && socket.readyState === CLOSED) queueMicrotask(() => listeners.get('close')?.(undefined))
    },
    off: (event: string) => void listeners.delete(event),
    // It does not hold anything back, but may be closed.
    start() {},
    close: () => socket.close(),
  }
}

/** States of every WebSocket. */
const CONNECTING = 0
const OPEN = 1
const CLOSED = 3
