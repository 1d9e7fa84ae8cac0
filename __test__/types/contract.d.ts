// The contract that users write against, kept here as it was agreed. The package may add to it, never take away or rename:
// assignable.ts holds it to that.
// Every duration is in milliseconds. Defaults are the integration guide's own constants.

import type { EventEmitter } from 'node:events'

/** Lifecycle of one client. There is exactly one enum, and it lives in the Rust core. */
export type ConnectionState =
  | 'idle'            // constructed, connect() not called yet
  | 'connecting'      // DNS, TCP, proxy, TLS, HTTP upgrade
  | 'authenticating'  // socket open, auth message sent, answer outstanding
  | 'ready'           // authenticated: tools can be used
  | 'unauthorized'    // socket open, the server refused the token: authenticate(newToken) may still succeed
  | 'reconnecting'    // waiting for the next attempt
  | 'closing'         // close() called: draining or waiting for the closing handshake
  | 'closed'          // terminal until connect(): closed by us, or by the server with a code that forbids reconnecting
  | 'failed'          // terminal until connect(): attempts exhausted, or an error that no retry can mend

/** One immutable picture of the connection, delivered with every change. */
export interface ConnectionSnapshot {
  readonly state: ConnectionState
  readonly connected: boolean          // the socket is open
  readonly authenticated: boolean
  readonly url: string                 // endpoint in use, without its query (it may hold a secret); client.url keeps it
  readonly attempt: number             // 0 when not retrying, else 1..maxReconnectAttempts
  readonly retryDelay: number | null   // of the wait now running, jitter included
  readonly retryAt: number | null      // when it ends, epoch ms
  readonly error: MCPError | null      // why the state is what it is
}

export interface TlsOptions {
  ca?: string | Buffer | readonly (string | Buffer)[]  // PEM; added to the system's store (NODE_EXTRA_CA_CERTS is honoured too)
  cert?: string | Buffer                               // PEM client certificate chain (mutual TLS)
  key?: string | Buffer                                // PEM private key
  servername?: string                                  // SNI and the name to verify
  rejectUnauthorized?: boolean                         // default true; false logs a warning on every connect
  minVersion?: 'TLSv1.2' | 'TLSv1.3'                   // default TLSv1.2
}

/** What a key function may return: a key, or a key and when it ends. It is then renewed on the living connection before that. */
export type MCPKey = string | { token: string; expiresAt: number | Date }

export interface MCPClientOptions {
  /** Endpoint, or several to rotate through. http(s) means ws(s); 'host' and 'host:port' mean wss, or ws when the host is loopback;
   *  '/mcp-ws' is added when there is no path. Credentials in the URL are a TypeError.
   *  Default: $MCP_WS_URL, else derived from globalThis.location (http or https) as the guide does; else a TypeError that says so. */
  url?: string | URL | readonly (string | URL)[] | (() => string | URL | readonly (string | URL)[] | Promise<string | URL | readonly (string | URL)[]>)
  /** Several urls: dial them 250 ms apart, the first to become ready wins. Default false: one after the other. */
  race?: boolean
  /** API key, or a function asked before every authentication (token refresh). Default: $MCP_API_KEY, else 'anonymous'. */
  apiKey?: string | (() => MCPKey | Promise<MCPKey>)
  autoConnect?: boolean            // default true, as in the guide
  onMessage?: ((message: unknown) => void) | null  // every parsed message, auth and pong included

  connectTimeout?: number          // 10_000: DNS through HTTP upgrade
  authTimeout?: number             // 10_000
  requestTimeout?: number          // 30_000; 0 = none
  heartbeatInterval?: number       // 15_000; 0 = off
  heartbeatTimeout?: number        // 10_000

  maxReconnectAttempts?: number    // 10; 0 = never reconnect, Infinity = for ever
  baseReconnectDelay?: number      // 1_000
  maxReconnectDelay?: number       // 30_000
  reconnectFactor?: number         // 1.5
  reconnectJitter?: number         // 0.2 = ±20 % as in the guide; 'full' spreads over [0, delay]
    | 'full'
  minUptime?: number               // 5_000: 'ready' for so long before the attempt counter returns to 0
  maxRetryAfter?: number           // 60_000: the longest wait that a server's Retry-After may ask for
  slowReconnectDelay?: number      // 5_000: added before backing off after a slowReconnectCodes close
  slowReconnectCodes?: readonly number[]  // [1008, 1011]
  noReconnectCodes?: readonly number[]    // [1000]

  maxPending?: number              // 65_536 requests in flight; one more is rejected with QUEUE_FULL
  offlineQueueLimit?: number       // 1_024 requests wait for 'ready' (each within its own timeout); 0 = reject at once as the guide's hook does
  maxMessageSize?: number          // 64 MiB inbound
  maxBufferedAmount?: number       // 16 MiB outbound, queued requests included; beyond it QUEUE_FULL / sendMessage() false; one frame larger than it: MESSAGE_TOO_LARGE
  headers?: Record<string, string> // on the upgrade request
  protocols?: string | readonly string[]
  tls?: TlsOptions
  /** http://, https://, socks5:// or socks5h:// with optional user:password; false for none; or a function that is asked for each dial (session.resolveProxy() in Electron: 'PROXY host:port', 'SOCKS5 host:port', 'DIRECT' are understood too).
   *  Default: HTTPS_PROXY / HTTP_PROXY / ALL_PROXY and NO_PROXY, lower case too. */
  proxy?: string | URL | false | ((url: string) => string | false | Promise<string | false>)
  compression?: boolean            // permessage-deflate; default true: offered, used if the server agrees
  allowPlaintextKey?: boolean      // default false: a real key over ws:// to a host that is not loopback logs one warning; true silences it
  dialect?: 'auto' | 'guide' | 'event'   // which wire dialect to speak; see the protocol notes
}

/** Users may declare their tools by merging into this interface, each as { parameters: …; results: … }; useTool is then typed by name. */
export interface MCPTools {}
export type ParametersOf<T> = T extends { parameters: infer P } ? P : unknown
export type ResultsOf<T> = T extends { results: infer R } ? R : unknown
/** Declared tools that may be called by their name alone. */
export type ToolsWithoutRequiredParameters = { [K in keyof MCPTools & string]: {} extends ParametersOf<MCPTools[K]> ? K : never }[keyof MCPTools & string]
/** Any name that MCPTools does not declare: a declared tool with wrong parameters does not compile. A name that is only known as `string` is taken. With an explicit result type (`useTool<number>('x', …)`) the parameters are not checked; generic wrappers take `Undeclared<N>`, `string`, or K with ParametersOf. */
export type Undeclared<N extends string> = N extends keyof MCPTools ? never : N

/** One tool as the platform describes it. */
export interface ToolDescription {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: object    // JSON Schema of its parameters
}

export interface UseToolOptions {
  timeout?: number                 // overrides requestTimeout
  signal?: AbortSignal             // rejects with signal.reason
  /** The tool may run twice: sent again after a reconnect if the connection was lost before its answer. Default false. */
  idempotent?: boolean
  /** 'json' (default) parses; 'buffer' hands over the UTF-8 bytes of `results` unparsed. */
  responseType?: 'json' | 'buffer'
}

export interface CloseInfo {
  readonly code: number            // RFC 6455 code; 1006 when no close frame came
  readonly reason: string
  readonly wasClean: boolean
  readonly explanation: string     // WS_ERROR_CODES[code] or 'Unknown code'
  readonly willReconnect: boolean
}

export interface LogEntry {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly message: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

export interface ClientStats {
  readonly state: ConnectionState
  readonly pending: number         // in flight
  readonly queued: number          // waiting for 'ready'
  readonly requests: number        // ever started
  readonly succeeded: number
  readonly failed: number          // tool errors, timeouts, aborts, losses
  readonly timedOut: number
  readonly lateResponses: number   // answers that nobody waited for any more
  readonly reconnects: number      // successful ones
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly heartbeatRtt: { readonly last: number | null; readonly min: number | null; readonly mean: number | null; readonly max: number | null }
  readonly requestLatency: { readonly count: number; readonly p50: number | null; readonly p90: number | null; readonly p99: number | null; readonly max: number | null }
  readonly connectedSince: number | null  // epoch ms
  readonly eventLoopWait: { readonly count: number; readonly p50: number | null; readonly p90: number | null; readonly p99: number | null; readonly max: number | null }  // ms that results lay ready until JavaScript took them
}

export interface MCPClientEvents {
  state: [snapshot: ConnectionSnapshot, previous: ConnectionState]
  open: []
  authenticated: []
  message: [message: unknown]
  close: [info: CloseInfo]
  reconnecting: [info: { attempt: number; maxAttempts: number; delay: number }]
  heartbeat: [info: { rtt: number }]
  failed: [error: MCPError]
  error: [error: MCPError]         // emitted only where someone listens: it never crashes the process
  log: [entry: LogEntry]
}

/** What the React hook, the bridge and the class have in common. It needs nothing of Node.js, so it also exists in a renderer or page. */
export interface MCPClientLike {
  on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  readonly snapshot: ConnectionSnapshot
  readonly state: ConnectionState
  readonly connected: boolean
  readonly authenticated: boolean
  readonly error: MCPError | null
  // The promises of connect, reconnect and authenticate may be ignored: they never become unhandled rejections. close() never rejects. useTool never throws synchronously.
  /** Resolves when 'ready', rejects on 'failed', 'closed' or a refused token. One attempt however often it is called; in 'reconnecting' it dials at once; in 'unauthorized' it authenticates again. */
  connect(): Promise<void>
  /** Drops the connection, resets the attempt counter, connects at once. */
  reconnect(): Promise<void>
  /** Sends the auth message again, with a new token if given; that token replaces the key for later connections. Without an open socket: keeps the token and connects. In 'ready', calls in flight live on. */
  authenticate(token?: string): Promise<void>
  /** Fire and forget, a string as it is, anything else as JSON. False if the socket is not open or the buffer is full. */
  sendMessage(message: unknown): boolean
  /** The guide's call: sends and returns the request id (null if not connected); the answer arrives as a 'message'. */
  sendToolRequest(toolName: string, parameters?: unknown): string | null
  useTool<K extends keyof MCPTools & string>(toolName: K, parameters: ParametersOf<MCPTools[K]>, options?: UseToolOptions & { responseType?: 'json' }): Promise<ResultsOf<MCPTools[K]>>
  useTool<K extends ToolsWithoutRequiredParameters>(toolName: K): Promise<ResultsOf<MCPTools[K]>>
  useTool<T = unknown, N extends string = string>(toolName: Undeclared<N>, parameters?: unknown, options?: UseToolOptions & { responseType?: 'json' }): Promise<T>
  useTool<K extends keyof MCPTools & string>(toolName: K, parameters: ParametersOf<MCPTools[K]>, options: UseToolOptions & { responseType: 'buffer' }): Promise<Uint8Array>
  useTool<N extends string>(toolName: Undeclared<N>, parameters: unknown, options: UseToolOptions & { responseType: 'buffer' }): Promise<Uint8Array>
  /** Sends a close frame and settles everything: requests in flight are awaited up to `drain` ms (default 0), then rejected with CLOSED. */
  close(options?: { code?: number; reason?: string; drain?: number }): Promise<void>
  stats(): ClientStats
}

export declare class MCPClient extends EventEmitter implements MCPClientLike, AsyncDisposable {
  constructor(options?: MCPClientOptions)
  constructor(url: Exclude<MCPClientOptions['url'], undefined>, options?: MCPClientOptions)
  /** Counts up in the process; log lines, dumps and channels carry it. */
  readonly id: number
  on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  readonly snapshot: ConnectionSnapshot
  readonly state: ConnectionState
  readonly connected: boolean
  readonly authenticated: boolean
  readonly error: MCPError | null
  connect(): Promise<void>
  reconnect(): Promise<void>
  authenticate(token?: string): Promise<void>
  sendMessage(message: unknown): boolean
  sendToolRequest(toolName: string, parameters?: unknown): string | null
  useTool<K extends keyof MCPTools & string>(toolName: K, parameters: ParametersOf<MCPTools[K]>, options?: UseToolOptions & { responseType?: 'json' }): Promise<ResultsOf<MCPTools[K]>>
  useTool<K extends ToolsWithoutRequiredParameters>(toolName: K): Promise<ResultsOf<MCPTools[K]>>
  useTool<T = unknown, N extends string = string>(toolName: Undeclared<N>, parameters?: unknown, options?: UseToolOptions & { responseType?: 'json' }): Promise<T>
  useTool<K extends keyof MCPTools & string>(toolName: K, parameters: ParametersOf<MCPTools[K]>, options: UseToolOptions & { responseType: 'buffer' }): Promise<Buffer>
  useTool<N extends string>(toolName: Undeclared<N>, parameters: unknown, options: UseToolOptions & { responseType: 'buffer' }): Promise<Buffer>
  close(options?: { code?: number; reason?: string; drain?: number }): Promise<void>
  close(code?: number, reason?: string): Promise<void>
  stats(): ClientStats
  /** What the platform says of its tools (`schemas` of the event dialect; entries without a name are left out, at most 1 MiB is kept). Waits for 'ready', then up to 1 s for `schemas`; [] in the guide's dialect. Not over the bridge. */
  tools(options?: { timeout?: number; signal?: AbortSignal }): Promise<readonly ToolDescription[]>
  /** The flight recorder: the newest 256 events of this client, oldest first. Sizes and kinds, never contents or keys. */
  dump(): FlightRecord
  /** From connect() to 'closed' or 'failed' a client keeps the process alive, as a socket does; after unref() nothing of it does, calls in flight included. */
  ref(): this
  unref(): this
  [Symbol.asyncDispose](): Promise<void>

  // The face of a WHATWG WebSocket, so that code written against `socket` runs when the class is imported under that name:
  // new WebSocket(url), listeners or on… properties, message events with the raw text in `data`, send, close(code, reason), the constants.
  static readonly CONNECTING: 0
  static readonly OPEN: 1
  static readonly CLOSING: 2
  static readonly CLOSED: 3
  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3
  /** idle, closed, failed: 3; connecting, reconnecting: 0; authenticating, ready, unauthorized: 1; closing: 2 */
  readonly readyState: 0 | 1 | 2 | 3
  readonly bufferedAmount: number
  readonly url: string
  onopen: ((event: any) => void) | null
  onmessage: ((event: any) => void) | null
  onclose: ((event: any) => void) | null
  onerror: ((event: any) => void) | null
  send(data: string): void
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: any) => void, options?: { once?: boolean }): void
  removeEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: any) => void): void
}

// Order: the snapshot changes, then 'state' is emitted, then the event with its own name, then promises settle. A command's own change is visible when it returns;
// no event fires inside the constructor. The 'message' of an answer comes before the code behind its await.

// r = retryable: the same call, unchanged, may succeed later
export type MCPErrorCode =
  | 'NOT_CONNECTED'        // r  'WebSocket not connected or not authenticated'
  | 'CONNECT_FAILED'       // r  DNS, refused, TLS, proxy, HTTP status: the message and `cause` say which (certificates and 4xx: not r)
  | 'AUTH_FAILED'          //    the server refused the token; its own message
  | 'AUTH_TIMEOUT'         // r
  | 'CONNECTION_LOST'      // r  the answer can no longer come; look at `sent` before you repeat what must not run twice
  | 'RECONNECT_EXHAUSTED'  //    'Maximum reconnection attempts reached'; `cause` is the last failure
  | 'REQUEST_TIMEOUT'      // r  'Tool request timed out'
  | 'TOOL_ERROR'           //    the server's error object; see MCPToolError
  | 'CLOSED'               //    close() was called
  | 'QUEUE_FULL'           // r
  | 'MESSAGE_TOO_LARGE'
  | 'BAD_MESSAGE'          //    what came is not JSON
  | (string & {})          // codes may be added

export declare class MCPError extends Error {
  readonly name: string
  readonly code: MCPErrorCode
  /** A retry of the same call may succeed. */
  readonly retryable: boolean
  readonly toolName?: string
  readonly requestId?: string
  /** CONNECT_FAILED: how far the dial came. */
  readonly phase?: 'name' | 'tcp' | 'proxy' | 'tls' | 'upgrade'
  /** CONNECT_FAILED at the upgrade or a proxy: the HTTP status. */
  readonly status?: number
  /** `cause` of CONNECT_FAILED is an Error whose `code` is Node.js' own word: ECONNREFUSED, ENOTFOUND, ETIMEDOUT, CERT_HAS_EXPIRED, DEPTH_ZERO_SELF_SIGNED_CERT, UNABLE_TO_VERIFY_LEAF_SIGNATURE, ERR_TLS_CERT_ALTNAME_INVALID, …
   *  and, where there is one, `address` and `port`. */
  /** false: the request certainly never left. true: it was handed to the socket, so the tool may have run. (CONNECTION_LOST, CLOSED, REQUEST_TIMEOUT) */
  readonly sent?: boolean
}

export declare class MCPToolError extends MCPError {
  readonly code: 'TOOL_ERROR'
  readonly toolCode: string | null  // the server's error.code
  readonly data: unknown            // the server's error value, whole
}

export interface FlightRecord {
  readonly version: string         // of the package; another one's record is refused by replay
  readonly client: number          // client.id
  readonly url: string             // without its query
  readonly options: Readonly<Record<string, number | boolean>>
  readonly start: { readonly [field: string]: string | number | boolean | null }   // the session before the oldest event
  // Inputs are recorded as they were classified, drawn delays as values; never a key, a content, or the random seed.
  readonly events: readonly { readonly at: number /* epoch ms */; readonly kind: string; readonly [field: string]: string | number | boolean | null }[]
}

/** RFC 6455 close codes in words, the guide's table. */
export declare const WS_ERROR_CODES: Readonly<Record<number, string>>
