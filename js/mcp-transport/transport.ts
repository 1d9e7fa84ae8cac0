/**
 * JSON-RPC over a native WebSocket, one message in each text frame. One connection is one session of the protocol,
 * whose state the server forgets with it: so nothing is dialed again, and who uses the transport begins anew.
 */
import { MCPClient } from '../index.js'
import { checkNames } from '../shared/option-names.js'
import type { MCPClientOptions } from '../shared/types.js'

/** A message of JSON-RPC 2.0; the SDK knows what is in it. */
export interface JsonRpcMessage {
  /** The version of JSON-RPC. */
  readonly jsonrpc: '2.0'
}

/**
 * Options of {@link WebSocketClientTransport}. They are those of `MCPClient`, with the same defaults, but for
 * `protocols`. A key belongs into `headers`, as your server wants it.
 */
export interface WebSocketClientTransportOptions
  extends Pick<
    MCPClientOptions,
    | 'compression'
    | 'connectTimeout'
    | 'headers'
    | 'heartbeatInterval'
    | 'heartbeatTimeout'
    | 'maxBufferedAmount'
    | 'maxMessageSize'
    | 'proxy'
    | 'tls'
  > {
  /** The subprotocols to offer. @default ['mcp'] */
  protocols?: string | readonly string[]
}

/**
 * A `Transport` of the MCP SDK over a WebSocket of this package: with its heartbeat, its TLS and proxy options, and its
 * own thread. `new Client(…).connect(transport)` starts it. When the connection is lost, `onclose` is called, and calls
 * in flight reject; connect again with a new transport.
 */
export class WebSocketClientTransport {
  /** Called once the connection is closed, by whomever. The SDK sets it. */
  onclose?: (() => void) | undefined
  /** Called when something went wrong, before `onclose` if the connection was lost. The SDK sets it. */
  onerror?: ((error: Error) => void) | undefined
  /** Called with each message of the server. The SDK sets it. */
  onmessage?: ((message: any) => void) | undefined
  /** Always undefined: the connection itself is the session. */
  readonly sessionId: string | undefined = undefined
  readonly #client: MCPClient
  #isStarted = false
  #isOver = false

  /**
   * @param url of the server: `ws(s)` or `http(s)`
   * @throws TypeError or RangeError that names the option at fault; Error if the native binary cannot be loaded
   */
  constructor(url: string | URL, options: WebSocketClientTransportOptions = {}) {
    if (typeof options !== 'object' || options === null)
      throw new TypeError(
        `the options of the transport must be an object, got ${options === null ? 'null' : typeof options}`,
      )
    checkNames(options, OPTIONS, 'the transport')
    this.#client = new MCPClient({
      protocols: 'mcp',
      ...options,
      url,
      // It is not sent: that of the environment is not for this server.
      apiKey: 'anonymous',
      autoConnect: false,
      maxReconnectAttempts: 0,
      // The core knows it, although it is no option of users.
      dialect: 'none' as 'auto',
    })
  }

  /** Connects. The SDK calls it. Rejects with an `MCPError` if there is no connection, or if it is called twice. */
  async start(): Promise<void> {
    if (this.#isStarted) throw new Error('the transport was started already: Client.connect() starts it')
    this.#isStarted = true
    const client = this.#client
    client.on('message', (message) => this.#receive(message))
    client.on('error', (error) => this.#report(error))
    client.on('close', ({ code }) => {
      if (code !== NORMAL && client.error !== null) this.#report(client.error)
      this.#end()
    })
    await client.connect()
  }

  /**
   * Sends a message. Rejects with an error if there is no connection, or if so much waits to be sent that
   * `maxBufferedAmount` is reached.
   */
  async send(message: JsonRpcMessage | readonly JsonRpcMessage[]): Promise<void> {
    const client = this.#client
    if (client.sendMessage(JSON.stringify(message))) return
    if (client.connected) throw new Error('too much waits to be sent (maxBufferedAmount): wait for answers')
    throw client.error ?? new Error(this.#isStarted ? 'the connection is closed' : 'the transport was not started')
  }

  /** Closes the connection. Resolves when it is closed, and never rejects. */
  async close(): Promise<void> {
    await this.#client.close()
    // Without a socket there was no event.
    if (this.#isStarted) this.#end()
  }

  #receive(message: unknown): void {
    for (const one of Array.isArray(message) ? message : [message]) {
      if (isJsonRpc(one)) this.onmessage?.(one)
      else this.#report(new Error('the server sent a message that is not JSON-RPC 2.0'))
    }
  }

  #report(error: Error): void {
    // Of a lost connection there is an event too, after it has closed.
    if (!this.#isOver) this.onerror?.(error)
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.onclose?.()
  }
}

function isJsonRpc(value: unknown): value is JsonRpcMessage {
  return typeof value === 'object' && value !== null && (value as Partial<JsonRpcMessage>).jsonrpc === '2.0'
}

/** RFC 6455 § 7.4.1. */
const NORMAL = 1000

const OPTIONS = [
  'compression',
  'connectTimeout',
  'headers',
  'heartbeatInterval',
  'heartbeatTimeout',
  'maxBufferedAmount',
  'maxMessageSize',
  'protocols',
  'proxy',
  'tls',
] satisfies (keyof WebSocketClientTransportOptions)[]
