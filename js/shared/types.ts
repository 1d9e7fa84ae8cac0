/**
 * The public types. What crosses from the native core is generated (native-types.ts); this is what users write against.
 */
import type { ConnectionState, RttSummary, LatencySummary } from './native-types.js'
import type { MCPError } from './errors.js'

export type { ConnectionState } from './native-types.js'

/** One immutable picture of the connection, delivered with every change. */
export interface ConnectionSnapshot {
  readonly state: ConnectionState
  /** The socket is open. */
  readonly connected: boolean
  /** Tools can be used. */
  readonly authenticated: boolean
  /** Endpoint in use; never holds credentials. */
  readonly url: string
  /** 0 when not retrying, else 1 to `maxReconnectAttempts`. */
  readonly attempt: number
  /** ms of the wait now running, jitter included. */
  readonly retryDelay: number | null
  /** When the wait now running ends, in ms since 1970 by the clock of the client's machine. */
  readonly retryAt: number | null
  /** Why the state is what it is; `null` when all is well. */
  readonly error: MCPError | null
  /** Rises with every change of the state. */
  readonly revision: number
}

/**
 * Reserved: TLS options are refused by this version. The system's certificates and `NODE_EXTRA_CA_CERTS` are trusted.
 */
export interface TlsOptions {
  /** PEM; added to the system's store. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** PEM client certificate chain. */
  cert?: string | Uint8Array
  /** PEM private key. */
  key?: string | Uint8Array
  /** SNI, and the name to verify. */
  servername?: string
  rejectUnauthorized?: boolean
}

/**
 * Options of {@link MCPClient}. Every duration is in ms. One out of its range throws at construction, and names itself.
 */
export interface MCPClientOptions {
  /**
   * Endpoint. `http(s)` means `ws(s)`; `host` and `host:port` mean `wss`, or `ws` when the host is loopback; `/mcp-ws`
   * is added when there is no path. Credentials in the URL are a TypeError. Several endpoints are refused by this
   * version.
   * @default `$MCP_WS_URL`, else derived from `globalThis.location`, else a TypeError that says so
   */
  url?: string | URL | readonly (string | URL)[]
  /**
   * API key, or a function that is asked before every authentication.
   * @default `$MCP_API_KEY`, else 'anonymous'
   */
  apiKey?: string | (() => string | Promise<string>)
  /** Connect at once. @default true */
  autoConnect?: boolean
  /** Called with every parsed message, auth and pong included. @default null */
  onMessage?: ((message: unknown) => void) | null

  /** From DNS through the HTTP upgrade. @default 10000 */
  connectTimeout?: number
  /** From the auth message to its answer; also the time a token function gets. @default 10000 */
  authTimeout?: number
  /** From the call to its answer; 0 for none. @default 30000 */
  requestTimeout?: number
  /** Between pings; 0 for none. @default 15000 */
  heartbeatInterval?: number
  /** Silence after a ping that means the connection is dead. @default 10000 */
  heartbeatTimeout?: number

  /** 0 never reconnects, Infinity does for ever. @default 10 */
  maxReconnectAttempts?: number
  /** The first delay. @default 1000 */
  baseReconnectDelay?: number
  /** The cap of the delay, before jitter. @default 30000 */
  maxReconnectDelay?: number
  /** Growth from one delay to the next, at least 1. @default 1.5 */
  reconnectFactor?: number
  /** 0.2 is ±20 %; 'full' spreads over [0, delay]. @default 0.2 */
  reconnectJitter?: number | 'full'
  /** Added to the delay after a close with one of `slowReconnectCodes`. @default 5000 */
  slowReconnectDelay?: number
  /** Close codes that wait longer. @default [1008, 1011] */
  slowReconnectCodes?: readonly number[]
  /** Close codes after which the client stays closed. @default [1000] */
  noReconnectCodes?: readonly number[]

  /** Requests in flight or queued; one more is rejected with QUEUE_FULL. @default 65536 */
  maxPending?: number
  /** Requests that wait for 'ready', each within its own timeout; 0 rejects them at once. @default 1024 */
  offlineQueueLimit?: number
  /** Bytes of one inbound message; a larger one closes the connection with 1009. @default 67108864 */
  maxMessageSize?: number
  /** Bytes outbound, queued requests included; beyond it QUEUE_FULL, or `sendMessage()` false. @default 16777216 */
  maxBufferedAmount?: number
  /** Extra headers of the upgrade request. */
  headers?: Record<string, string>
  /** Subprotocols to offer. */
  protocols?: string | readonly string[]
  /** Refused by this version. */
  tls?: TlsOptions
  /** Refused by this version. A proxy in the environment is passed over, with a warning in the log. */
  proxy?: string | false
  /** Which wire dialect to speak; 'auto' finds out on each connection. @default 'auto' */
  dialect?: 'auto' | 'guide' | 'event'
}

/**
 * Declare your tools by merging into this interface, each as `{ parameters: …; results: … }`; `useTool` is then typed
 * by name.
 */
export interface MCPTools {}
export type ParametersOf<T> = T extends { parameters: infer P } ? P : unknown
export type ResultsOf<T> = T extends { results: infer R } ? R : unknown

/** Options of one call. */
export interface UseToolOptions {
  /** ms; overrides `requestTimeout`; 0 for none. */
  timeout?: number
  /** Its abort rejects the call with `signal.reason`. */
  signal?: AbortSignal
  /**
   * The tool may run twice: sent again after a reconnect if the connection was lost before its answer. @default false
   */
  idempotent?: boolean
  /** 'buffer' hands over the UTF-8 bytes of `results` unparsed. @default 'json' */
  responseType?: 'json' | 'buffer'
}

/** How a socket ended. */
export interface CloseInfo {
  /** RFC 6455 code; 1006 when no close frame came. */
  readonly code: number
  readonly reason: string
  /** Both sides said goodbye. */
  readonly wasClean: boolean
  /** `WS_ERROR_CODES[code]`, or 'Unknown code'. */
  readonly explanation: string
  /** The client will dial again by itself. */
  readonly willReconnect: boolean
}

/** One line for a log. It never holds a key. */
export interface LogEntry {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly message: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

/** Counters since the client was made; times in ms. */
export interface ClientStats {
  readonly state: ConnectionState
  /** Requests in flight. */
  readonly pending: number
  /** Requests that wait for 'ready'. */
  readonly queued: number
  /** Requests ever started. */
  readonly requests: number
  readonly succeeded: number
  /** Tool errors, timeouts, aborts, losses. */
  readonly failed: number
  readonly timedOut: number
  /** Answers that nobody waited for any more. */
  readonly lateResponses: number
  /** Successful ones. */
  readonly reconnects: number
  readonly messagesSent: number
  readonly messagesReceived: number
  /** Of messages, without framing. */
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly heartbeatRtt: Readonly<RttSummary>
  readonly requestLatency: Readonly<LatencySummary>
  /** Epoch ms. */
  readonly connectedSince: number | null
}

/** Events and what their listeners get. */
export interface MCPClientEvents {
  state: [snapshot: ConnectionSnapshot, previous: ConnectionState]
  open: []
  authenticated: []
  message: [message: unknown]
  close: [info: CloseInfo]
  reconnecting: [info: { attempt: number; maxAttempts: number; delay: number }]
  heartbeat: [info: { rtt: number }]
  failed: [error: MCPError]
  /** Emitted only where someone listens: it never crashes the process. */
  error: [error: MCPError]
  log: [entry: LogEntry]
}

/** Options of {@link MCPClientLike.close}. */
export interface CloseOptions {
  /** RFC 6455 close code. @default 1000 */
  code?: number
  /** At most 123 bytes. @default '' */
  reason?: string
  /** ms that calls in flight are waited for. @default 0 */
  drain?: number
}

/** What the class has in common with its stand-ins elsewhere. It needs nothing of Node.js. */
export interface MCPClientLike {
  on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  readonly snapshot: ConnectionSnapshot
  readonly state: ConnectionState
  readonly connected: boolean
  readonly authenticated: boolean
  readonly error: MCPError | null
  /** ms that a call waits for its answer unless its options say otherwise; 0 for ever. Missing where it is unknown. */
  readonly requestTimeout?: number | undefined
  connect(): Promise<void>
  reconnect(): Promise<void>
  authenticate(token?: string): Promise<void>
  sendMessage(message: unknown): boolean
  sendToolRequest(toolName: string, parameters?: unknown): string | null
  useTool<K extends keyof MCPTools & string>(
    toolName: K,
    parameters: ParametersOf<MCPTools[K]>,
    options?: UseToolOptions & { responseType?: 'json' },
  ): Promise<ResultsOf<MCPTools[K]>>
  useTool<T = unknown>(
    toolName: string,
    parameters?: unknown,
    options?: UseToolOptions & { responseType?: 'json' },
  ): Promise<T>
  useTool(
    toolName: string,
    parameters: unknown,
    options: UseToolOptions & { responseType: 'buffer' },
  ): Promise<Uint8Array>
  close(options?: CloseOptions): Promise<void>
  stats(): ClientStats
}
