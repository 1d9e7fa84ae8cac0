/** One interface for all kinds of ports: those of Node.js, of pages and of Electron, workers, and adapters. */
import { isError } from '../shared/foreign.js'
import { VERSION } from './messages.js'

/**
 * Anything that sends and receives messages: a `MessagePort` of Node.js or a page, Electron's `MessagePortMain`, a
 * `Worker` or the `parentPort` in one, a `utilityProcess`, a `webSocketPort()`. Listeners are added by `on` if it has
 * that, else by `addEventListener`.
 */
export interface BridgePort {
  /** Sends a message to the other end. */
  postMessage(message: any): void
  /** Adds a listener, as in Node.js. */
  on?(event: any, listener: (...args: any[]) => void): unknown
  /** Removes a listener, as in Node.js. */
  off?(event: any, listener: (...args: any[]) => void): unknown
  /** Adds a listener, as in a page. */
  addEventListener?(type: any, listener: (event: any) => void): unknown
  /** Removes a listener, as in a page. */
  removeEventListener?(type: any, listener: (event: any) => void): unknown
  /** Bytes that were posted and are not sent yet, if the port knows; a WebSocket does. */
  readonly bufferedAmount?: number
  /** Lets messages through, if the port holds them back until then. A port with `start` is closed with the bridge. */
  start?(): void
  /** Closes the port. */
  close?(): void
}

/** What a channel reports. */
export interface ChannelEvents {
  /** A message came. */
  message(message: unknown): void
  /** A message came that could not be deserialised. */
  unreadable(): void
  /** The port emitted an `error`. If it is closed, `closed` follows. */
  failed(words: string): void
  /** The port was closed by the other end. */
  closed(info: PortClosing): void
}

/** How a port was closed. Only a WebSocket has a code and a reason. */
export interface PortClosing {
  readonly code: number | null
  readonly reason: string
}

/** A port in use. */
export interface Channel {
  /** @throws what the port throws, for a message that cannot be cloned for example */
  post(message: object): void
  /** Bytes that were posted and are not sent yet; 0 if the port does not know. */
  readonly bufferedAmount: number
  /** Removes the listeners, and closes the port if that closes nothing else. */
  close(): void
}

/**
 * Starts to listen.
 * @throws TypeError if the port cannot be used
 */
export function openChannel(port: BridgePort, events: ChannelEvents): Channel {
  checkPort(port)
  const listeners: Record<string, (event?: unknown) => void> = {
    message: (event) => events.message(contentOf(event)),
    messageerror: () => events.unreadable(),
    // Without a listener, an `error` of a worker, a utility process or a socket would end this process.
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
      // `close()` of a worker's global scope would end the worker. What has `start` is only a port.
      if (port.start) port.close?.()
    },
  }
}

function checkPort(port: BridgePort): void {
  const hasListeners = typeof port?.on === 'function' || typeof port?.addEventListener === 'function'
  if (hasListeners && typeof port.postMessage === 'function') return
  throw new TypeError('a port must have postMessage(), and on() or addEventListener()')
}

/** In Node.js listeners get the message itself, in pages and Electron an event with the message as `data`. */
function contentOf(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || 'mcpBridge' in event) return event
  return 'data' in event ? event.data : event
}

function closingOf(event: unknown): PortClosing {
  const { code, reason } = Object(event) as { code?: unknown; reason?: unknown }
  return { code: typeof code === 'number' ? code : null, reason: typeof reason === 'string' ? reason : '' }
}

/** The message of an error, or of an event that has one. */
function wordsOf(event: unknown): string {
  if (isError(event)) return event.message
  const { message } = Object(event) as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : 'an error'
}
