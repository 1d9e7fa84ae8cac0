/** A WebSocket as a port of the bridge: each message is one text frame of JSON. */
import { soon } from '../shared/globals.js'
import { checkNames } from '../shared/option-names.js'
import { Heartbeat, checkHeartbeatOptions, type HeartbeatOptions } from './heartbeat.js'
import { VERSION } from './messages.js'
import type { BridgePort } from './port.js'
import { fromText, toText } from './text.js'

/** What the WebSockets of pages, of Node.js and of `ws` have in common. */
export interface SocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  /** Bytes that were passed to `send` and are not sent yet. */
  readonly bufferedAmount?: number
  /** Sends a text frame. */
  send(data: string): void
  /** Closes the socket. */
  close(): void
  /** Closes the socket without a closing handshake; `ws` has it. */
  terminate?(): void
  /** Adds a listener. */
  addEventListener(type: any, listener: (event: any) => void): void
  /** Removes a listener. */
  removeEventListener(type: any, listener: (event: any) => void): void
}

/** Options of {@link webSocketPort}. */
export interface WebSocketPortOptions extends HeartbeatOptions {}

/**
 * A port over a WebSocket, for both ends. Messages wait until the socket is open. Closing the bridge closes the socket.
 * After `pingInterval` without a message it sends a ping, which the other end answers; if nothing comes within
 * `pingTimeout`, the port closes.
 *
 * An `error` event of the socket closes the port; it never becomes an uncaught exception.
 * @throws TypeError or RangeError if an option is wrong
 */
export function webSocketPort(socket: SocketLike, options: WebSocketPortOptions = {}): BridgePort {
  checkNames(options, ['pingInterval', 'pingTimeout'], 'webSocketPort')
  checkHeartbeatOptions(options)
  return new WebSocketPort(socket, options)
}

/** A message between two ports, which the ends of the bridge do not see. */
interface OwnMessage {
  readonly type: 'ping' | 'pong' | 'large'
  /** Of the message that follows one of type 'large'. */
  readonly bytes?: number
}

/** The part of a `close` event that is used. */
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
    // Without a listener it would end a Node.js process, and any invalid frame causes one. 'close' follows.
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
    // A closed socket of a page would print a warning for each message.
    else if (this.#socket.readyState === OPEN) this.#send(text)
  }

  on(event: string, listener: (event: unknown) => void): void {
    this.#listeners.set(event, listener)
    // The event itself is over.
    if (event === 'close' && this.#isClosed) soon(() => this.#tell('close', {}))
  }

  off(event: string): void {
    this.#listeners.delete(event)
  }

  /** It holds nothing back; `start` marks it as a port that is closed with the bridge. */
  start(): void {}

  close(): void {
    this.#heartbeat?.stop()
    this.#socket.close()
  }

  #open(): void {
    this.#heartbeat = new Heartbeat(this.#options, {
      ping: () => this.#sendOwn({ type: 'ping' }),
      lost: (silence) => this.#lose(silence),
    })
    for (const text of this.#waiting.splice(0)) this.#send(text)
  }

  #receive(data: unknown): void {
    this.#heartbeat?.heard()
    const message = fromText(data)
    const own = ownMessage(message)
    if (own === null) this.#tell('message', message)
    else if (own.type === 'large') this.#heartbeat?.announced(own.bytes ?? 0)
    // An end that sends pings and does not read the answers gets none.
    else if (own.type === 'ping' && this.bufferedAmount < MAX_WAITING) this.#sendOwn({ type: 'pong' })
  }

  /** A large message is announced, because neither end hears anything while it is on its way. */
  #send(text: string): void {
    if (text.length > LARGE) {
      this.#sendOwn({ type: 'large', bytes: text.length })
      this.#heartbeat?.sends(text.length)
    }
    this.#socket.send(text)
  }

  #sendOwn(message: OwnMessage): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify({ mcpBridge: VERSION, ...message }))
  }

  /** The other end would not answer a closing handshake. */
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

function ownMessage(message: unknown): OwnMessage | null {
  if (typeof message !== 'object' || message === null || !('mcpBridge' in message)) return null
  const { type, bytes } = message as { type?: unknown; bytes?: unknown }
  if (type === 'ping' || type === 'pong') return { type }
  return type === 'large' && typeof bytes === 'number' ? { type, bytes } : null
}

/** Beyond this many bytes waiting to be sent, pings are not answered. */
const MAX_WAITING = 1 << 20

/** Characters of a message that is announced: on a slow connection it takes longer than a ping may. */
const LARGE = 1 << 16

/** Values of `readyState`. */
const CONNECTING = 0
const OPEN = 1
const CLOSED = 3
