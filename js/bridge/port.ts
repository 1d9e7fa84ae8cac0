/** One face for all kinds of ports: those of Node.js, of pages, of Electron, workers, and adaptors. */
import { VERSION } from './messages.js'

/**
 * Anything that takes messages and gives messages: a `MessagePort` of Node.js or a page, Electron's `MessagePortMain`,
 * a `Worker` or what a worker talks to its parent with, a `utilityProcess`, `webSocketPort()`. It hears through `on` if
 * it has one, else `addEventListener`.
 */
export interface BridgePort {
  postMessage(message: any): void
  on?(event: any, listener: (...args: any[]) => void): unknown
  off?(event: any, listener: (...args: any[]) => void): unknown
  addEventListener?(type: any, listener: (event: any) => void): unknown
  removeEventListener?(type: any, listener: (event: any) => void): unknown
  /** Bytes that were posted and have not left yet, where the port knows it: a WebSocket does. */
  readonly bufferedAmount?: number
  /** Of a port that holds its messages back until it is started. Such a port is closed when the bridge is. */
  start?(): void
  close?(): void
}

/** What a channel tells. */
export interface ChannelEvents {
  message(message: unknown): void
  /** Something came that could not be read at all. */
  unreadable(): void
  /** The port says that something went wrong; whether it is gone, it says as well. */
  failed(words: string): void
  /** The port is gone. Not told of a port that was closed from here. */
  closed(info: PortClosing): void
}

/** How a port ended, where it says so: a WebSocket does. */
export interface PortClosing {
  readonly code: number | null
  readonly reason: string
}

/** A port in use. */
export interface Channel {
  /** @throws what the port throws: for what cannot be cloned, say */
  post(message: object): void
  /** Bytes that were posted and have not left yet; 0 where the port does not know. */
  readonly bufferedAmount: number
  /** Lets go of the port, and closes it where that ends nothing but the port. */
  close(): void
}

/**
 * Starts to listen.
 * @throws TypeError for what is no port
 */
export function openChannel(port: BridgePort, events: ChannelEvents): Channel {
  checkPort(port)
  const listeners: Record<string, (event?: unknown) => void> = {
    message: (event) => events.message(contentOf(event)),
    messageerror: () => events.unreadable(),
    // Without a listener this one would end the process that a worker, a utility process or a socket fails in.
    error: (event) => events.failed(wordsOf(event)),
    close: (event) => events.closed(closingOf(event)),
    // Workers and utility processes do not close, they exit.
    exit: () => events.closed(closingOf(null)),
  }
  for (const [event, listener] of Object.entries(listeners)) {
    if (port.on) port.on(event, listener)
    else port.addEventListener?.(event, listener)
  }
  port.start?.()
  return {
    post: (message) => port.postMessage({ mcpBridge: VERSION, ...message }),
    get bufferedAmount() {
      return port.bufferedAmount ?? 0
    },
    close() {
      for (const [event, listener] of Object.entries(listeners)) {
        if (port.on) port.off?.(event, listener)
        else port.removeEventListener?.(event, listener)
      }
      // `close()` of a worker's own global scope would end the worker: only what can be started is a port and no more.
      if (port.start) port.close?.()
    },
  }
}

function checkPort(port: BridgePort): void {
  const hears = typeof port?.on === 'function' || typeof port?.addEventListener === 'function'
  if (hears && typeof port.postMessage === 'function') return
  throw new TypeError('a port must have postMessage(), and on() or addEventListener()')
}

/** Node.js hands out the message itself, pages and Electron an event that has it as `data`. */
function contentOf(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || 'mcpBridge' in event) return event
  return 'data' in event ? event.data : event
}

function closingOf(event: unknown): PortClosing {
  const { code, reason } = Object(event) as { code?: unknown; reason?: unknown }
  return { code: typeof code === 'number' ? code : null, reason: typeof reason === 'string' ? reason : '' }
}

/** Of an error, or of an event that may hold one. */
function wordsOf(event: unknown): string {
  if (event instanceof Error) return event.message
  const { message } = Object(event) as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : 'an error'
}
