/** A WebSocket as a port of the bridge: each message is one text frame of JSON. */
import { Heartbeat, checkHeartbeatOptions, type HeartbeatOptions } from './heartbeat.js'
import { VERSION } from './messages.js'
import type { BridgePort } from './port.js'
import { fromText, toText } from './text.js'

/** What a WebSocket of a page, of Node.js or of `ws` has in common. */
export interface SocketLike {
  readonly readyState: number
  /** Bytes that were given to `send` and not yet to the network. */
  readonly bufferedAmount?: number
  send(data: string): void
  close(): void
  /** Of `ws`: ends it without waiting for the other end. */
  terminate?(): void
  addEventListener(type: any, listener: (event: any) => void): void
  removeEventListener(type: any, listener: (event: any) => void): void
}

/** Options of {@link webSocketPort}. */
export interface WebSocketPortOptions extends HeartbeatOptions {}

/**
 * What is posted before the socket is open waits until it is. Closing the bridge closes the socket. When the socket
 * has been silent for `pingInterval`, the other end is sent a ping, which it answers; if nothing comes within
 * `pingTimeout`, the port is closed. Both ends must be such a port.
 *
 * An `error` event of the socket ends the bridge on it, and never the process.
 * @throws TypeError or RangeError for an option that is wrong
 */
export function webSocketPort(socket: SocketLike, options: WebSocketPortOptions = {}): BridgePort {
  checkHeartbeatOptions(options)
  return new WebSocketPort(socket, options)
}

/** What a WebSocket says at its end. */
interface Closing {
  readonly code?: number
  readonly reason?: string
}

class WebSocketPort implements BridgePort {
  readonly #socket: SocketLike
  readonly #options: HeartbeatOptions
  readonly #listeners = new Map<string, (event: unknown) => void>()
  readonly #waiting: string[] = []
  #heartbeat: Heartbeat | null = null
  #isClosed: boolean

  constructor(socket: SocketLike, options: HeartbeatOptions) {
    this.#socket = socket
    this.#options = options
    this.#isClosed = socket.readyState === CLOSED
    socket.addEventListener('open', () => this.#open())
    socket.addEventListener('message', ({ data }) => this.#receive(data))
    // One that nobody listens for would end a process of Node.js: bytes that are no UTF-8 are enough. 'close' follows.
    socket.addEventListener('error', (event) => this.#tell('error', event))
    socket.addEventListener('close', (event) => this.#close(event))
    if (socket.readyState === OPEN) this.#open()
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount ?? 0
  }

  postMessage(message: { bytes?: Uint8Array }): void {
    const text = toText(message)
    if (this.#socket.readyState === CONNECTING) this.#waiting.push(text)
    // A page's socket that is closed takes it, and says in the console that it was for nothing.
    else if (this.#socket.readyState === OPEN) this.#socket.send(text)
  }

  on(event: string, listener: (event: unknown) => void): void {
    this.#listeners.set(event, listener)
    // It is too late for the event itself.
    if (event === 'close' && this.#isClosed) queueMicrotask(() => this.#tell('close', {}))
  }

  off(event: string): void {
    this.#listeners.delete(event)
  }

  /** It does not hold anything back, but may be closed. */
  start(): void {}

  close(): void {
    this.#heartbeat?.stop()
    this.#socket.close()
  }

  #open(): void {
    for (const text of this.#waiting.splice(0)) this.#socket.send(text)
    this.#heartbeat = new Heartbeat(this.#options, {
      ping: () => this.#say('ping'),
      lost: (silence) => this.#lose(silence),
    })
  }

  #receive(data: unknown): void {
    this.#heartbeat?.heard()
    const message = fromText(data)
    const type = heartbeatOf(message)
    if (type === null) this.#tell('message', message)
    // One who sends pings and reads no answers gets none.
    else if (type === 'ping' && this.bufferedAmount < MAX_WAITING) this.#say('pong')
  }

  #say(type: 'ping' | 'pong'): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify({ mcpBridge: VERSION, type }))
  }

  /** The other end would not hear of a closing handshake. */
  #lose(silence: number): void {
    this.#close({ code: 1006, reason: `nothing came within ${silence} ms of a ping` })
    if (this.#socket.terminate) this.#socket.terminate()
    else this.#socket.close()
  }

  #close({ code, reason }: Closing): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#heartbeat?.stop()
    this.#tell('close', { code, reason })
  }

  #tell(event: string, detail: unknown): void {
    this.#listeners.get(event)?.(detail)
  }
}

function heartbeatOf(message: unknown): 'ping' | 'pong' | null {
  if (typeof message !== 'object' || message === null || !('mcpBridge' in message)) return null
  const { type } = message as { type?: unknown }
  return type === 'ping' || type === 'pong' ? type : null
}

/** Bytes that wait to be sent; more than any pong is worth. */
const MAX_WAITING = 1 << 20

/** States of every WebSocket. */
const CONNECTING = 0
const OPEN = 1
const CLOSED = 3
