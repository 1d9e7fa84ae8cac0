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
  /** Of a port that holds its messages back until it is started. Such a port is closed when the bridge is. */
  start?(): void
  close?(): void
}

/** What a channel tells. */
export interface ChannelEvents {
  message(message: unknown): void
  /** Something came that could not be read at all. */
  unreadable(): void
  /** The port is gone. Not told of a port that was closed from here. */
  closed(): void
}

/** A port in use. */
export interface Channel {
  /** @throws what the port throws: for what cannot be cloned, say */
  post(message: object): void
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
    close: () => events.closed(),
    // Workers and utility processes do not close, they exit.
    exit: () => events.closed(),
  }
  for (const [event, listener] of Object.entries(listeners)) {
    if (port.on) port.on(event, listener)
    else port.addEventListener?.(event, listener)
  }
  port.start?.()
  return {
    post: (message) => port.postMessage({ mcpBridge: VERSION, ...message }),
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
