/**
 * The public types: what users write against. What crosses from the native core is generated (native-types.ts).
 */
import type { MCPError } from './errors.js'
import type { ConnectionState, FlightEvent, LatencySummary, PhaseTrace, RttSummary } from './native-types.js'

export type { ConnectionState, FlightEvent } from './native-types.js'

/** The connection at one moment. It never changes: every change of the state makes a new snapshot. */
export interface ConnectionSnapshot {
  /** What the client is doing. */
  readonly state: ConnectionState
  /** Whether the socket is open. */
  readonly connected: boolean
  /** Whether the server has accepted the key, or asks for none: tools can be called. */
  readonly authenticated: boolean
  /** The endpoint in use, without its query, which may contain a key; `client.url` has it. */
  readonly url: string
  /** The number of the attempt, 1 to `maxReconnectAttempts`; 0 when not retrying. */
  readonly attempt: number
  /** The whole length of the current wait before an attempt, in ms, jitter included; `null` when not waiting. */
  readonly retryDelay: number | null
  /** When the current wait ends, in ms since 1970 by the clock of the client's machine; `null` when not waiting. */
  readonly retryAt: number | null
  /** Why the client is in this state; `null` when all is well. */
  readonly error: MCPError | null
  /** Increases with every change of the state. */
  readonly revision: number
}

/** TLS for `wss:`. PEM that cannot be read, and a key that does not match, are a TypeError that names the option. */
export interface TlsOptions {
  /**
   * Certificates in PEM to trust besides those of the system and of `NODE_EXTRA_CA_CERTS`: authorities, or the very
   * certificate of a server.
   * @default none
   */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The client's certificate and its chain, in PEM, for servers that ask for one. Needs `key`. @default none */
  cert?: string | Uint8Array
  /** The private key of `cert`, in PEM: PKCS#8, PKCS#1 or SEC1, not encrypted. @default none */
  key?: string | Uint8Array
  /** The server name to send (SNI) and to verify. @default the host of the URL */
  servername?: string
  /**
   * Whether to refuse a server whose certificate cannot be verified. With `false` anyone on the network path can read
   * and change everything; each connection logs a warning.
   * @default true
   */
  rejectUnauthorized?: boolean
  /** The oldest version of TLS to accept. @default 'TLSv1.2' */
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/**
 * What a key function may return: a key, or a key and when it ends, as a Date or in ms since 1970. Such a key is
 * renewed on the living connection before that.
 */
export type MCPKey = string | { token: string; expiresAt: number | Date }

/**
 * Options of {@link MCPClient}. Durations are in ms, sizes in bytes. The constructor throws a TypeError or RangeError
 * that names the option if a name is unknown or a value is of the wrong kind or out of range.
 */
export interface MCPClientOptions {
  /**
   * The endpoint. `http(s)` means `ws(s)`; `host` and `host:port` mean `wss`, or `ws` on loopback; `/mcp-ws` is added
   * if there is no path. A URL with credentials is a TypeError.
   *
   * Of a list, each is dialed until one is 'ready', the last good one first: see `race`. A function is called before
   * each such round, and may return a promise.
   * @default `$MCP_WS_URL`, else derived from `globalThis.location`, else a TypeError
   */
  url?:
    | string
    | URL
    | readonly (string | URL)[]
    | (() => string | URL | readonly (string | URL)[] | Promise<string | URL | readonly (string | URL)[]>)
  /**
   * Whether to dial several endpoints 250 ms apart; the first to become 'ready' wins. Otherwise they are dialed one
   * after the other. @default false
   */
  race?: boolean
  /**
   * The API key, or a function that returns one or a promise of one and is called before every authentication. If it
   * also says when the key ends, it is called again before that, and the connection goes on with the new key.
   * @default `$MCP_API_KEY`, else 'anonymous'
   */
  apiKey?: string | (() => MCPKey | Promise<MCPKey>)
  /** Whether to connect at once. @default true */
  autoConnect?: boolean
  /** Called with every parsed message of the server, auth answers and pongs included. @default null */
  onMessage?: ((message: unknown) => void) | null

  /** The time to connect, from the name look-up to the end of the HTTP upgrade, in ms. @default 10000 */
  connectTimeout?: number
  /**
   * The time for the server to answer the auth message, and for an `apiKey` function to return, in ms. @default 10000
   */
  authTimeout?: number
  /** The time from a call to its answer, waiting in the queue included, in ms; 0 for no limit. @default 30000 */
  requestTimeout?: number
  /** The time between pings in ms; 0 turns the heartbeat off. @default 15000 */
  heartbeatInterval?: number
  /** How long to wait for any bytes after a ping before giving the connection up, in ms. @default 10000 */
  heartbeatTimeout?: number

  /**
   * How many attempts may follow a failed first dial or a lost connection; 0 never reconnects, Infinity never stops.
   * @default 10
   */
  maxReconnectAttempts?: number
  /** The delay before the first attempt, in ms. @default 1000 */
  baseReconnectDelay?: number
  /** The longest delay in ms, before jitter. @default 30000 */
  maxReconnectDelay?: number
  /** Each delay is this many times as long as the one before; 1 to 1000. @default 1.5 */
  reconnectFactor?: number
  /**
   * The random part of a delay: 0.2 makes it up to 20 % shorter or longer; 'full' draws it between 0 and its whole
   * length. @default 0.2
   */
  reconnectJitter?: number | 'full'
  /**
   * How long a connection must have been 'ready', in ms, before attempts are counted from 0 again; with 0 it need only
   * become 'ready'. @default 5000
   */
  minUptime?: number
  /**
   * The longest wait, in ms, that a server may ask for with `Retry-After` when it refuses the upgrade; 0 ignores the
   * header. @default 60000
   */
  maxRetryAfter?: number
  /** Added to the delay after a close with one of `slowReconnectCodes`, in ms. @default 5000 */
  slowReconnectDelay?: number
  /** The close codes of the server after which the client waits longer. @default [1008, 1011] */
  slowReconnectCodes?: readonly number[]
  /** The close codes of the server after which the client stays closed. @default [1000] */
  noReconnectCodes?: readonly number[]

  /** How many requests may be in flight or queued; further calls reject with QUEUE_FULL. @default 65536 */
  maxPending?: number
  /**
   * How many requests may wait for 'ready', each within its own timeout; further calls reject with QUEUE_FULL. With 0
   * none may wait, and calls reject with NOT_CONNECTED. @default 1024
   */
  offlineQueueLimit?: number
  /** The largest message of the server in bytes; a larger one closes the connection with 1009. @default 67108864 */
  maxMessageSize?: number
  /**
   * How many bytes may wait to be sent, queued requests included. Beyond that calls reject with QUEUE_FULL, and
   * `sendMessage()` returns false. @default 16777216
   */
  maxBufferedAmount?: number
  /** Extra headers of the upgrade request. Headers of the WebSocket handshake itself are a TypeError. @default none */
  headers?: Record<string, string>
  /** One or several subprotocols to offer to the server. @default none */
  protocols?: string | readonly string[]
  /**
   * How to verify a `wss:` server, and a certificate of the client's own.
   * @default the system's certificates, TLS 1.2
   */
  tls?: TlsOptions
  /**
   * The URL of a proxy: `http://`, `https://`, `socks5://` or `socks5h://`, with an optional `user:password@`; `false`
   * for none; or a function that is asked before each dial, with the server as `https://host` or `http://host`, within
   * `connectTimeout`. It may also return what `session.resolveProxy()` of Electron does, such as
   * `'PROXY host:port; DIRECT'`: the entries are tried in order.
   * @default `HTTPS_PROXY` for `wss:`, `HTTP_PROXY` for `ws:`, else `ALL_PROXY`; not for `NO_PROXY` and on loopback
   */
  proxy?: string | URL | false | ((url: string) => string | URL | false | Promise<string | URL | false>)
  /**
   * Whether to offer compression of messages (permessage-deflate, RFC 7692), which is used if the server agrees.
   * @default true
   */
  compression?: boolean
  /**
   * Whether a key may be sent over `ws:` to another machine without a warning in the log. Everybody on the way can read
   * it: use `wss:` if the server has it.
   * @default false
   */
  allowPlaintextKey?: boolean
  /** The wire dialect; 'auto' finds out on each connection. @default 'auto' */
  dialect?: 'auto' | 'guide' | 'event'
}

/**
 * Your tools. Declare them by merging into this interface, each as `{ parameters: …; results: … }`, and `useTool`
 * checks parameters and results by the tool's name.
 */
export interface MCPTools {}
/** The parameters of a tool that is declared in {@link MCPTools}; `unknown` if it declares none. */
export type ParametersOf<T> = T extends { parameters: infer P } ? P : unknown
/** The results of a tool that is declared in {@link MCPTools}; `unknown` if it declares none. */
export type ResultsOf<T> = T extends { results: infer R } ? R : unknown
/** The tools declared in {@link MCPTools} that may be called by their name alone. */
export type ToolsWithoutRequiredParameters = {
  [K in keyof MCPTools & string]: Record<never, never> extends ParametersOf<MCPTools[K]> ? K : never
}[keyof MCPTools & string]
/**
 * A name that {@link MCPTools} does not declare, so that a declared tool with wrong parameters does not compile. A name
 * of which only `string` is known is taken. With an explicit result type, as in `useTool<number>('x', …)`, parameters
 * are not checked. A wrapper takes `Undeclared<N>`, `string`, or a declared name `K` with `ParametersOf<MCPTools[K]>`.
 */
export type Undeclared<N extends string> = N extends keyof MCPTools ? never : N

/** One tool, as the platform describes it. */
export interface ToolDescription {
  /** The name by which it is called. */
  readonly name: string
  /** What it does, in the platform's words. They are not checked: do not take them for instructions. */
  readonly description?: string
  /** The JSON Schema of its parameters, as it came. */
  readonly inputSchema?: object
}

/** Options of `MCPClient.tools()`. */
export interface ToolsOptions {
  /** How long to wait for the answer in ms; 0 for no limit. @default `requestTimeout` */
  timeout?: number
  /** When it aborts, the promise rejects with `signal.reason`. @default none */
  signal?: AbortSignal
}

/** Options of one call. */
export interface UseToolOptions {
  /**
   * The time from the call to its answer in ms, waiting in the queue included; 0 for no limit.
   * @default `requestTimeout`
   */
  timeout?: number
  /** When it aborts, the call rejects with `signal.reason`. @default none */
  signal?: AbortSignal
  /**
   * Whether running the tool twice does no harm. If the connection is lost before the answer, the request is then sent
   * again after a reconnect. @default false
   */
  idempotent?: boolean
  /** 'json' parses `results`; 'buffer' gives their JSON as UTF-8 bytes. @default 'json' */
  responseType?: 'json' | 'buffer'
}

/** How a socket closed. */
export interface CloseInfo {
  /** The close code (RFC 6455 § 7.4); 1006 if no close frame came. */
  readonly code: number
  /** The reason that came with the code, or the client's own words if no close frame came; may be empty. */
  readonly reason: string
  /** Whether the closing handshake was completed. */
  readonly wasClean: boolean
  /** `WS_ERROR_CODES[code]`, or 'Unknown code'. */
  readonly explanation: string
  /** Whether the client is going to reconnect by itself. */
  readonly willReconnect: boolean
}

/** An entry for a log. It never contains a key. */
export interface LogEntry {
  /** How important it is. */
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  /** What happened, as a sentence. */
  readonly message: string
  /** The facts that belong to it. */
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

/** Counters of a client since it was made. Times are in ms. */
export interface ClientStats {
  /** What the client is doing. */
  readonly state: ConnectionState
  /** How many requests are in flight. */
  readonly pending: number
  /** How many requests wait for 'ready'. */
  readonly queued: number
  /** How many requests were ever started. */
  readonly requests: number
  /** How many requests were answered with results. */
  readonly succeeded: number
  /** How many requests failed: tool errors, timeouts, aborts and lost connections. */
  readonly failed: number
  /** How many of those timed out. */
  readonly timedOut: number
  /** How many answers came after their call was settled. */
  readonly lateResponses: number
  /** How many reconnects succeeded. */
  readonly reconnects: number
  /** How many messages were sent. */
  readonly messagesSent: number
  /** How many messages were received. */
  readonly messagesReceived: number
  /** The bytes of the messages sent, without framing. */
  readonly bytesSent: number
  /** The bytes of the messages received, without framing. */
  readonly bytesReceived: number
  /** Round trips of the heartbeat in ms. */
  readonly heartbeatRtt: Readonly<RttSummary>
  /** Times from call to answer in ms. An answer counts from when it was read, whatever JavaScript was doing then. */
  readonly requestLatency: Readonly<LatencySummary>
  /** When the open socket was opened, in ms since 1970; `null` if none is open. */
  readonly connectedSince: number | null
  /**
   * How long results lay ready until JavaScript took them, in ms, over every result. It is no part of `requestLatency`:
   * long waits mean that the event loop was busy, not that server or network were slow.
   */
  readonly eventLoopWait: Readonly<LatencySummary>
}

/**
 * What the flight recorder of a client has kept: its newest events, and what is needed to decide by the same rules
 * again. It has neither a key, nor a content, nor the query of a URL.
 */
export interface FlightRecord {
  /** The version of the package. Only the same version can replay it. */
  readonly version: string
  /** `client.id`. */
  readonly client: number
  /** The endpoint in use, without its query. */
  readonly url: string
  /**
   * The options that the rules go by; durations in ms. A value that is neither a number nor a boolean is part of the
   * name, as in `dialect.auto`, and so is each element of a list.
   */
  readonly options: Readonly<Record<string, number | boolean>>
  /** The session before the first event; times in ms. `complete` is false if there was too much of it. */
  readonly start: Readonly<Record<string, string | number | boolean | null>>
  /** At most 256, oldest first. */
  readonly events: readonly FlightEvent[]
}

/**
 * The events of a client, with the arguments of their listeners. If a listener throws, its error becomes an
 * `uncaughtException`; the other listeners still run.
 */
export interface MCPClientEvents {
  /** The state changed. It is the first event of a change. */
  state: [snapshot: ConnectionSnapshot, previous: ConnectionState]
  /** The socket is open. */
  open: []
  /** The server accepted the key, or asks for none: tools can be called. */
  authenticated: []
  /** The server sent a message, here parsed: pushes, answers, pongs, everything. */
  message: [message: unknown]
  /** The socket closed. */
  close: [info: CloseInfo]
  /** The wait before the next attempt begins; `delay` in ms. `maxAttempts` is Infinity if there is no limit. */
  reconnecting: [info: { attempt: number; maxAttempts: number; delay: number }]
  /** A pong arrived; `rtt` is the round trip time in ms. */
  heartbeat: [info: { rtt: number }]
  /** The client has given up; `connect()` starts again. */
  failed: [error: MCPError]
  /** Something went wrong, lost connections included. Without a listener nothing happens: it never ends the process. */
  error: [error: MCPError]
  /** An entry for a log; never contains a key. */
  log: [entry: LogEntry]
}

/**
 * What the channels of `node:diagnostics_channel` tell subscribers, of all clients of the process. `mcp-client:call`
 * and `mcp-client:connect` are each a `TracingChannel`, whose `start`, `end`, `asyncStart`, `asyncEnd` and `error` all
 * get the same object; it is filled in meanwhile. Keys, parameters and results are in none of them.
 */
export interface MCPClientChannels {
  /** The state of a client changed. */
  'mcp-client:state': {
    /** `client.id`. */
    readonly client: number
    /** The connection after the change. */
    readonly snapshot: ConnectionSnapshot
    /** The state before it. */
    readonly previous: ConnectionState
  }
  /** A client has an entry for a log. */
  'mcp-client:log': {
    /** `client.id`. */
    readonly client: number
    /** The entry. */
    readonly entry: LogEntry
  }
  /** A call of `useTool`: `asyncStart` and `asyncEnd` when it is settled, `error` before them if it rejects. */
  'mcp-client:call': {
    /** `client.id`. */
    readonly client: number
    /** The name of the tool. */
    readonly toolName: string
    /** The endpoint in use when the call was made, without its query; '' if there was none. */
    readonly url: string
    /** The id of the request; missing if none was made. */
    requestId?: string
    /** At the end: false if the request was certainly not sent. Missing if that is unknown. */
    sent?: boolean
    /** What the call rejects with. */
    error?: unknown
    /** The size of the results as JSON, in bytes. */
    resultSize?: number
  }
  /** A dial: `asyncStart` and `asyncEnd` when the socket is open, or after `error` if it has failed or is given up. */
  'mcp-client:connect': {
    /** `client.id`. */
    readonly client: number
    /** The number of the connection, as in log entries. */
    readonly connection: number
    /** The endpoint, without its query. */
    readonly url: string
    /** At the end: the proxy that it went through, as `scheme://host:port`. */
    proxy?: string | null
    /** At the end: the address of the server, or of the proxy, that took the connection, as `ip:port`. */
    address?: string | null
    /** At the end: how long it took, in ms. */
    duration?: number
    /** At the end: what it did, one after the other, with times in ms. */
    phases?: readonly PhaseTrace[]
    /** Why it failed; with the code CLOSED if it was given up. */
    error?: unknown
  }
}

/** Options of {@link MCPClientLike.close}. */
export interface CloseOptions {
  /** The close code to send: 1000 to 1014 without 1004 to 1006, or 3000 to 4999. @default 1000 */
  code?: number
  /** The reason to send, at most 123 bytes in UTF-8. @default '' */
  reason?: string
  /** How long to wait for the calls in flight first, in ms. @default 0 */
  drain?: number
}

/**
 * What `MCPClient` has in common with its stand-ins elsewhere, such as the far end of a bridge. It needs nothing of
 * Node.js.
 *
 * The promises of commands may be ignored: they never become unhandled rejections.
 */
export interface MCPClientLike {
  /** The state changed. It is the first event of a change. */
  on(event: 'state', listener: (snapshot: ConnectionSnapshot, previous: ConnectionState) => void): this
  /** The socket is open. */
  on(event: 'open', listener: () => void): this
  /** The server accepted the key, or asks for none: tools can be called. */
  on(event: 'authenticated', listener: () => void): this
  /** The server sent a message, here parsed: pushes, answers, pongs, everything. */
  on(event: 'message', listener: (message: unknown) => void): this
  /** The socket closed. */
  on(event: 'close', listener: (info: CloseInfo) => void): this
  /** The wait before the next attempt begins; `delay` in ms. `maxAttempts` is Infinity if there is no limit. */
  on(event: 'reconnecting', listener: (info: { attempt: number; maxAttempts: number; delay: number }) => void): this
  /** A pong arrived; `rtt` is the round trip time in ms. */
  on(event: 'heartbeat', listener: (info: { rtt: number }) => void): this
  /** The client has given up; `connect()` starts again. */
  on(event: 'failed', listener: (error: MCPError) => void): this
  /** Something went wrong, lost connections included. Without a listener nothing happens: it never ends the process. */
  on(event: 'error', listener: (error: MCPError) => void): this
  /** An entry for a log; never contains a key. */
  on(event: 'log', listener: (entry: LogEntry) => void): this
  /** Adds a listener. The events and their arguments: {@link MCPClientEvents}. */
  on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  /** Adds a listener that is called once. */
  once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  /** Removes a listener. */
  off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  /** The connection as it is now. The same object until the state changes. */
  readonly snapshot: ConnectionSnapshot
  /** What the client is doing. */
  readonly state: ConnectionState
  /** Whether the socket is open. */
  readonly connected: boolean
  /** Whether the server has accepted the key, or asks for none: tools can be called. */
  readonly authenticated: boolean
  /** Why the client is in this state; `null` when all is well. */
  readonly error: MCPError | null
  /** Timeout of calls that have no `timeout` of their own, in ms; 0 means no limit. Missing if it is unknown. */
  readonly requestTimeout?: number | undefined
  /**
   * Connects, if it is not connected. Resolves when the client is 'ready'; rejects with an {@link MCPError} when it is
   * 'failed' or 'closed', or when the server refuses the key. Further calls share the attempt. In 'reconnecting' it
   * dials at once; in 'unauthorized' it authenticates again.
   */
  connect(): Promise<void>
  /**
   * Drops the connection, counts attempts from 0 again and connects at once. Resolves and rejects as {@link connect}
   * does.
   */
  reconnect(): Promise<void>
  /**
   * Sends the auth message again. A token that is given replaces the key, for later connections too. If the socket is
   * not open, it connects. In 'ready', calls in flight go on. Resolves and rejects as {@link connect} does.
   * @throws TypeError if the token is not a string
   */
  authenticate(token?: string): Promise<void>
  /**
   * Sends a message and expects no answer: a string unchanged, any other value as JSON.
   * @returns false if the socket is not open or the buffer is full (`maxBufferedAmount`)
   * @throws TypeError if the value cannot be written as JSON
   */
  sendMessage(message: unknown): boolean
  /**
   * The guide's call: sends the request, and the answer arrives as a 'message' event.
   * @returns the id of the request; `null` if not connected
   * @throws TypeError if the name or the parameters cannot be sent
   */
  sendToolRequest(toolName: string, parameters?: unknown): string | null
  /**
   * Calls a tool. Never throws synchronously. Before 'ready' the call waits, within its timeout.
   * @returns a promise of the tool's `results`. It rejects with an `MCPToolError` if the server answers with an error,
   * with another {@link MCPError} if there is no answer, with the signal's reason if the signal aborts, and with a
   * TypeError or RangeError if an argument cannot be used
   */
  useTool<K extends keyof MCPTools & string>(
    toolName: K,
    parameters: ParametersOf<MCPTools[K]>,
    options?: UseToolOptions & { responseType?: 'json' },
  ): Promise<ResultsOf<MCPTools[K]>>
  /** Calls a declared tool that needs no parameters. Resolves and rejects as with parameters. */
  useTool<K extends ToolsWithoutRequiredParameters>(toolName: K): Promise<ResultsOf<MCPTools[K]>>
  /**
   * Calls a tool that is not declared in {@link MCPTools}. Never throws synchronously. Before 'ready' the call waits,
   * within its timeout.
   * @returns a promise of the tool's `results`. It rejects with an `MCPToolError` if the server answers with an error,
   * with another {@link MCPError} if there is no answer, with the signal's reason if the signal aborts, and with a
   * TypeError or RangeError if an argument cannot be used
   */
  useTool<T = unknown, N extends string = string>(
    toolName: Undeclared<N>,
    parameters?: unknown,
    options?: UseToolOptions & { responseType?: 'json' },
  ): Promise<T>
  /** Calls a declared tool and gives its `results` as the JSON that came, in UTF-8. Rejects as with parsed results. */
  useTool<K extends keyof MCPTools & string>(
    toolName: K,
    parameters: ParametersOf<MCPTools[K]>,
    options: UseToolOptions & { responseType: 'buffer' },
  ): Promise<Uint8Array>
  /** Calls a tool and gives its `results` as the JSON that came, in UTF-8. Rejects as with parsed results. */
  useTool<N extends string>(
    toolName: Undeclared<N>,
    parameters: unknown,
    options: UseToolOptions & { responseType: 'buffer' },
  ): Promise<Uint8Array>
  /**
   * Closes the connection. Calls in flight get up to `drain` ms to finish; those that are left reject with CLOSED.
   * The promise resolves when the client is 'closed', and never rejects.
   * @throws RangeError or TypeError if the code, the reason or `drain` cannot be used
   */
  close(options?: CloseOptions): Promise<void>
  /** Counters since the client was made. */
  stats(): ClientStats
}
