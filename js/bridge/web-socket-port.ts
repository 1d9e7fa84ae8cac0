/** A WebSocket as a port of the bridge: each message is one text frame of JSON. */
import type { BridgePort } from './port.js'

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
  socket.addEventListener('message', ({ data }) => listeners.get('message')?.(read(data)))
  socket.addEventListener('close', () => listeners.get('close')?.(undefined))
  return {
    postMessage(message: { bytes?: Uint8Array }) {
      const text = write(message)
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

/** JSON has no bytes; those of a result are the UTF-8 of a text. */
function write({ bytes, ...message }: { bytes?: Uint8Array }): string {
  return JSON.stringify(bytes === undefined ? message : { ...message, utf8: DECODER.decode(bytes) })
}

/** What is not JSON is handed on as it is: it is malformed, and the bridge says so. */
function read(data: unknown): unknown {
  try {
    const message = JSON.parse(String(data)) as { utf8?: unknown }
    if (typeof message?.utf8 !== 'string') return message
    const { utf8, ...rest } = message
    return { ...rest, bytes: ENCODER.encode(utf8 as string) }
  } catch {
    return String(data)
  }
}

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })
const ENCODER = new TextEncoder()

/** States of every WebSocket. */
const CONNECTING = 0
const OPEN = 1
const CLOSED = 3
