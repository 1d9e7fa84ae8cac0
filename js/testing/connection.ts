/** One WebSocket of the server: sends, closes, and reports its end. It never looks at the contents of frames. */
import { setMaxListeners } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { WebSocket } from 'ws'
import { checkCloseFrame } from './close-frame.js'
import { clearTimeout, newAbortController, setTimeout } from './node.js'
import type { CloseFrame, MCPTestConnection, ServerDialect } from './types.js'

export class Connection implements MCPTestConnection {
  readonly id: number
  readonly dialect: ServerDialect
  readonly headers: Readonly<IncomingHttpHeaders>
  readonly closed: Promise<CloseFrame>
  authenticated = false
  requestCount = 0
  readonly #socket: WebSocket
  readonly #gone = newAbortController()

  constructor(id: number, dialect: ServerDialect, socket: WebSocket, headers: IncomingHttpHeaders) {
    this.id = id
    this.dialect = dialect
    this.headers = headers
    this.#socket = socket
    // Each tool that waits adds a listener, and there may be many: that is not a leak.
    setMaxListeners(0, this.#gone.signal)
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#gone.abort()
        resolve({ code, reason: reason.toString() })
      })
    })
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  /** Aborted when the connection has ended. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  send(message: unknown): boolean {
    const data = encode(message)
    if (this.#socket.readyState !== this.#socket.OPEN) return false
    this.#socket.send(data)
    return true
  }

  async close(code: number = 1000, reason: string = ''): Promise<void> {
    checkCloseFrame(code, reason)
    this.#socket.close(code, reason)
    const overdue = setTimeout(() => this.#socket.terminate(), CLOSING_HANDSHAKE_MS)
    await this.closed
    clearTimeout(overdue)
  }

  async terminate(): Promise<void> {
    this.#socket.terminate()
    await this.closed
  }
}

function encode(message: unknown): string | Uint8Array {
  if (typeof message === 'string') return message
  // Bytes may be of another realm: under Jest, those of Node.js are.
  if (ArrayBuffer.isView(message)) return message as Uint8Array
  const text = JSON.stringify(message) as string | undefined
  if (text === undefined) throw new TypeError(`a ${typeof message} has no JSON form and cannot be sent`)
  return text
}

/** How long a client may take to answer the close frame, in ms, so that no test waits for ever. */
const CLOSING_HANDSHAKE_MS = 2_000
