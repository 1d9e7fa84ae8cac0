/** The sockets of one client, by the numbers of their connections: what the core asks of them, and what they report. */
import { WebSocket, type PageSocket } from './globals.js'
import { nextTurn } from './turns.js'

/** What is told of a socket. Nothing is told of one that was dropped. */
export interface SocketListener {
  opened(connection: number): void
  textCame(connection: number, text: string): void
  bytesCame(connection: number, bytes: ArrayBuffer): void
  closed(connection: number, code: number, reason: string, wasClean: boolean): void
  dialFailed(connection: number, kind: number, words: string): void
}

export class Sockets {
  readonly #sockets = new Map<number, PageSocket>()
  readonly #protocols: readonly string[]
  readonly #listener: SocketListener

  constructor(protocols: readonly string[], listener: SocketListener) {
    this.#protocols = protocols
    this.#listener = listener
  }

  /** Opens a socket. The listener is told whether that succeeds, later. */
  dial(connection: number, url: string): void {
    let socket: PageSocket
    try {
      if (WebSocket === undefined) return this.#fail(connection, NO_WEBSOCKET)
      socket = new WebSocket(url, [...this.#protocols])
    } catch (error) {
      return this.#refused(connection, url, error as Error)
    }
    // Chromium never tells that such a socket closes.
    if (socket.readyState === CLOSED) return this.#fail(connection, POLICY)
    socket.binaryType = 'arraybuffer'
    this.#sockets.set(connection, socket)
    this.#listen(connection, socket)
  }

  /** Returns whether the socket takes the text. One that is closing would ignore it. */
  send(connection: number, text: string): boolean {
    const socket = this.#sockets.get(connection)
    if (socket?.readyState !== OPEN) return false
    socket.send(text)
    return true
  }

  /** Begins the closing handshake. The listener is told when the socket has closed. */
  close(connection: number, code: number, reason: string): void {
    this.#sockets.get(connection)?.close(code, reason)
  }

  /** Forgets the socket. What it sends or receives from now on is nobody's. */
  drop(connection: number, code: number): void {
    const socket = this.#forget(connection)
    if (socket === undefined) return
    detach(socket)
    // A browser takes no code while a socket is being opened.
    if (socket.readyState === OPEN) socket.close(code)
    else socket.close()
  }

  dropAll(): void {
    for (const connection of [...this.#sockets.keys()]) this.drop(connection, NORMAL)
  }

  get areSome(): boolean {
    return this.#sockets.size > 0
  }

  /** Bytes that were given to sockets and have not left. */
  get bufferedAmount(): number {
    let bytes = 0
    for (const socket of this.#sockets.values()) bytes += socket.bufferedAmount
    return bytes
  }

  #listen(connection: number, socket: PageSocket): void {
    let isOpened = false
    let words = ''
    socket.onopen = () => {
      isOpened = true
      this.#listener.opened(connection)
    }
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#listener.textCame(connection, data)
      else this.#listener.bytesCame(connection, data as ArrayBuffer)
    }
    // A browser says nothing here, other runtimes do.
    socket.onerror = ({ message, error }) => {
      const said = message ?? (error as Error | undefined)?.message
      if (typeof said === 'string') words = said.slice(0, LONGEST_WORDS)
    }
    socket.onclose = ({ code, reason, wasClean }) => {
      this.#forget(connection)
      detach(socket)
      if (isOpened) this.#listener.closed(connection, code, reason, wasClean)
      else this.#listener.dialFailed(connection, isOffline() ? OFFLINE : UNEXPLAINED, words)
    }
  }

  #forget(connection: number): PageSocket | undefined {
    const socket = this.#sockets.get(connection)
    this.#sockets.delete(connection)
    return socket
  }

  #refused(connection: number, url: string, { name, message }: Error): void {
    const isMixed = name === 'SecurityError' && url.startsWith('ws:') && isSecurePage()
    if (isMixed) return this.#fail(connection, MIXED_CONTENT)
    // The browser's words may repeat the url, whose query may be a secret.
    const words = message.replaceAll(url, url.split('?')[0] ?? '').slice(0, LONGEST_WORDS)
    return this.#fail(connection, REFUSED, words)
  }

  /** Later, as of any other socket: who has asked for the dial may be in the middle of a command. */
  #fail(connection: number, kind: number, words = ''): void {
    nextTurn(() => this.#listener.dialFailed(connection, kind, words))
  }
}

function detach(socket: PageSocket): void {
  socket.onopen = socket.onmessage = socket.onclose = null
  // Some implementations throw what nobody listens to.
  socket.onerror = () => {}
}

function isOffline(): boolean {
  return (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false
}

function isSecurePage(): boolean {
  return (globalThis as { location?: { protocol?: string } }).location?.protocol === 'https:'
}

const OPEN = 1
/** Of a new socket: the browser has refused it because of the policy of the page. */
const CLOSED = 3
const NORMAL = 1000
/** Units of what a runtime says of a failure. */
const LONGEST_WORDS = 200

/** Why there is no socket, as the core knows it (crates/page/src/border.rs). */
const UNEXPLAINED = 0
const OFFLINE = 1
const MIXED_CONTENT = 2
const POLICY = 3
const REFUSED = 4
const NO_WEBSOCKET = 5
