/** A WebSocket as a port of the bridge: each message is one text frame of JSON. */
import { soon } from '../shared/globals.js'
import type { BridgePort } from './port.js'
import { fromText, toText } from './text.js'

/** What the WebSockets of pages, of Node.js and of `ws` have in common. */
export interface SocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  /** Sends a text frame. */
  send(data: string): void
  /** Closes the socket. */
  close(): void
  /** Adds a listener. */
  addEventListener(type: any, listener: (event: any) => void): void
  /** Removes a listener. */
  removeEventListener(type: any, listener: (event: any) => void): void
}

/** A port over a WebSocket. Messages wait until the socket is open. Closing the bridge closes the socket. */
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
      // A closed socket of a page would print a warning for each message.
      else if (socket.readyState === OPEN) socket.send(text)
    },
    on(event: string, listener) {
      listeners.set(event, listener)
      // The event itself is over.
      if (event === 'close' && socket.readyState === CLOSED) soon(() => listeners.get('close')?.(undefined))
    },
    off: (event: string) => void listeners.delete(event),
    // It holds nothing back; `start` marks it as a port that is closed with the bridge.
    start() {},
    close: () => socket.close(),
  }
}

/** Values of `readyState`. */
const CONNECTING = 0
const OPEN = 1
const CLOSED = 3
