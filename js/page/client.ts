/**
 * `MCPClient` of pages, workers and whatever else has no binary: the core as WebAssembly, over the page's WebSocket.
 */

// The types of a page may lack `AsyncDisposable`; those of Node.js have it.
/// <reference lib="esnext.disposable" preserve="true" />
import { Client, type ClientArguments } from '../shared/client/client.js'
import type { UrlOption } from '../shared/client/urls.js'
import { Emitter } from '../shared/emitter.js'
import type { MCPError } from '../shared/errors.js'
import type { SocketEventType, SocketListener } from '../shared/socket-events.js'
import type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  FlightRecord,
  LogEntry,
  MCPClientEvents,
  MCPClientLike,
  MCPClientOptions,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolDescription,
  ToolsOptions,
  ToolsWithoutRequiredParameters,
  Undeclared,
  UseToolOptions,
} from '../shared/types.js'

/**
 * A client of an MCP Integration Platform over its WebSocket, for pages. It connects, authenticates, sends heartbeats
 * and reconnects by itself; `useTool` calls a tool.
 *
 * It is no EventEmitter of Node.js, but has `on`, `once` and `off`. Its events, with the arguments of their listeners,
 * are those of {@link MCPClientEvents}. On a change, the snapshot changes first, then 'state' is emitted, then the
 * event with its own name, then promises settle. When a command returns, its own change is visible already. The
 * constructor emits nothing.
 */
export class MCPClient implements MCPClientLike, AsyncDisposable {
  /** `readyState` before the socket is open, and while it waits to reconnect. */
  static readonly CONNECTING = 0
  /** `readyState` while the socket is open. */
  static readonly OPEN = 1
  /** `readyState` after `close()`, until the socket has closed. */
  static readonly CLOSING = 2
  /** `readyState` while there is no socket and none is going to be opened. */
  static readonly CLOSED = 3
  /** `readyState` before the socket is open, and while it waits to reconnect. */
  readonly CONNECTING = 0
  /** `readyState` while the socket is open. */
  readonly OPEN = 1
  /** `readyState` after `close()`, until the socket has closed. */
  readonly CLOSING = 2
  /** `readyState` while there is no socket and none is going to be opened. */
  readonly CLOSED = 3

  /** The number of the client in the page or worker, from 1 upwards. Log entries have it as `client`. */
  readonly id: number

  readonly #client: Client
  readonly #emitter = new Emitter<MCPClientEvents>(() => this.#client.listenersChanged())

  /**
   * Connects at once, unless `autoConnect` is false. The first client loads the WebAssembly module; if that fails, the
   * client is 'failed', and `error` names cause and remedy.
   * @throws TypeError or RangeError that names the option at fault; `headers`, `tls`, `proxy`, `maxRetryAfter` and
   * `compression: false` are none of a page
   */
  constructor(options?: MCPClientOptions)
  /**
   * Connects at once, unless `autoConnect` is false. The first client loads the WebAssembly module; if that fails, the
   * client is 'failed', and `error` names cause and remedy.
   * @param url the endpoint, as the option `url`
   * @param options the other options, or subprotocols as a WebSocket takes them
   * @throws TypeError or RangeError that names the option at fault; `headers`, `tls`, `proxy`, `maxRetryAfter` and
   * `compression: false` are none of a page
   */
  constructor(url: UrlOption, options?: MCPClientOptions | string | readonly string[])
  constructor(...args: ClientArguments) {
    this.#client = new Client(this, this.#emitter, args)
    this.id = this.#client.id
  }

  // ── State ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The connection as it is now. The same object until the state changes. */
  get snapshot(): ConnectionSnapshot {
    return this.#client.snapshot
  }

  /** What the client is doing. */
  get state(): ConnectionState {
    return this.#client.snapshot.state
  }

  /** Whether the socket is open. */
  get connected(): boolean {
    return this.#client.snapshot.connected
  }

  /** Whether the server has accepted the key, or asks for none: tools can be called. */
  get authenticated(): boolean {
    return this.#client.snapshot.authenticated
  }

  /** Why the client is in this state; `null` when all is well. */
  get error(): MCPError | null {
    return this.#client.snapshot.error
  }

  /** Timeout of calls that have no `timeout` of their own, in ms; 0 means no limit. */
  get requestTimeout(): number {
    return this.#client.requestTimeout
  }

  /** Counters since the client was made; times in ms. */
  stats(): ClientStats {
    return this.#client.stats()
  }

  /** The newest 256 events of the flight recorder, oldest first: sizes and kinds, never a key or a content. */
  dump(): FlightRecord {
    return this.#client.dump()
  }

  // ── Commands. Their promises may be ignored: they never become unhandled rejections. ───────────────────────

  /**
   * Connects, if it is not connected. Resolves when the client is 'ready'; rejects with an {@link MCPError} when it is
   * 'failed' or 'closed', or when the server refuses the key. Further calls share the attempt. In 'reconnecting' it
   * dials at once; in 'unauthorized' it authenticates again.
   */
  connect(): Promise<void> {
    return this.#client.connect()
  }

  /**
   * Drops the connection, counts attempts from 0 again and connects at once. Resolves and rejects as {@link connect}
   * does.
   */
  reconnect(): Promise<void> {
    return this.#client.reconnect()
  }

  /**
   * Sends the auth message again. A token that is given replaces the key, for later connections too. If the socket is
   * not open, it connects. In 'ready', calls in flight go on. Resolves and rejects as {@link connect} does.
   * @throws TypeError if the token is not a string
   */
  authenticate(token?: string): Promise<void> {
    return this.#client.authenticate(token)
  }

  /**
   * Closes the connection. Calls in flight get up to `drain` ms to finish; those that are left reject with CLOSED.
   * The server gets 2 s to answer the close frame. The promise resolves when the client is 'closed', and never rejects.
   * @throws RangeError or TypeError if the code, the reason or `drain` cannot be used
   */
  close(options?: CloseOptions): Promise<void>
  /**
   * Closes the connection, as a WebSocket does. Calls in flight reject with CLOSED. The promise resolves when the
   * client is 'closed', and never rejects.
   * @param code 1000 to 1014 without 1004 to 1006, or 3000 to 4999. Default 1000
   * @param reason at most 123 bytes in UTF-8. Default ''
   * @throws RangeError or TypeError if the code or the reason cannot be used
   */
  close(code?: number, reason?: string): Promise<void>
  close(first?: CloseOptions | number, second?: string): Promise<void> {
    return this.#client.close(first, second)
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ── Calls and messages ─────────────────────────────────────────────────────────────────────────────────────

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
  useTool(toolName: string, parameters?: unknown, options?: UseToolOptions): Promise<any> {
    return this.#client.useTool(toolName, parameters, options)
  }

  /**
   * What the platform says of its tools. Waits for 'ready', and then up to 1 s for the platform to speak. Empty if it
   * says nothing: servers of the guide's dialect do not describe their tools. Tools without a name are left out, and of
   * more than 1 MiB only the first are kept.
   * @returns a promise of the descriptions, in the platform's order. It rejects as {@link useTool} does
   */
  tools(options?: ToolsOptions): Promise<readonly ToolDescription[]> {
    return this.#client.tools(options)
  }

  /**
   * Sends a message and expects no answer: a string unchanged, any other value as JSON.
   * @returns false if the socket is not open or the buffer is full (`maxBufferedAmount`)
   * @throws TypeError if the value cannot be written as JSON
   */
  sendMessage(message: unknown): boolean {
    return this.#client.sendMessage(message)
  }

  /**
   * The guide's call: sends the request, and the answer arrives as a 'message' event.
   * @returns the id of the request; `null` if not connected
   * @throws TypeError if the name or the parameters cannot be sent
   */
  sendToolRequest(toolName: string, parameters?: unknown): string | null {
    return this.#client.sendToolRequest(toolName, parameters)
  }

  // ── The process ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lets the client keep a process of Node.js, Bun or Deno alive from `connect()` until 'closed' or 'failed'. This is
   * the default.
   */
  ref(): this {
    this.#client.reference(true)
    return this
  }

  /** Lets such a process end although the client is open, as far as its WebSocket lets it. */
  unref(): this {
    this.#client.reference(false)
    return this
  }

  // ── Events ───────────────────────────────────────────────────────────────────────────────────────────

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
  on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this {
    this.#emitter.add(event, listener)
    return this
  }

  /** Adds a listener that is called once. The events and their arguments: {@link MCPClientEvents}. */
  once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this {
    this.#emitter.add(event, listener, true)
    return this
  }

  /** Removes a listener. The events and their arguments: {@link MCPClientEvents}. */
  off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this {
    this.#emitter.remove(event, listener)
    return this
  }

  // ── Used like a WHATWG WebSocket ───────────────────────────────────────────────────────────────────────────

  /** 0 CONNECTING, 1 OPEN, 2 CLOSING or 3 CLOSED, as a WebSocket in this state of the client has it. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#client.readyState
  }

  /** Bytes that were accepted and not yet passed to the operating system, queued requests included. */
  get bufferedAmount(): number {
    return this.#client.native.bufferedAmount()
  }

  /** The endpoint in use, with its query; '' until a `url` function has answered. */
  get url(): string {
    return this.#client.url
  }

  /** Called when the socket is open. */
  get onopen(): ((event: any) => void) | null {
    return this.#client.face.handler('open')
  }

  set onopen(handler: ((event: any) => void) | null) {
    this.#client.face.setHandler('open', handler)
  }

  /** Called with every message of the server; `event.data` is its text, not parsed. */
  get onmessage(): ((event: any) => void) | null {
    return this.#client.face.handler('message')
  }

  set onmessage(handler: ((event: any) => void) | null) {
    this.#client.face.setHandler('message', handler)
  }

  /** Called when the socket has closed; `event` has `code`, `reason`, `wasClean` and `willReconnect`. */
  get onclose(): ((event: any) => void) | null {
    return this.#client.face.handler('close')
  }

  set onclose(handler: ((event: any) => void) | null) {
    this.#client.face.setHandler('close', handler)
  }

  /** Called when something went wrong; `event` has `error` and its `message`. */
  get onerror(): ((event: any) => void) | null {
    return this.#client.face.handler('error')
  }

  set onerror(handler: ((event: any) => void) | null) {
    this.#client.face.setHandler('error', handler)
  }

  /**
   * Sends a text unchanged. As with a WebSocket, nothing is sent after the socket has closed.
   * @throws DOMException InvalidStateError while connecting; TypeError for anything but a string; MCPError QUEUE_FULL
   * if the buffer is full
   */
  send(data: string): void {
    this.#client.send(data)
  }

  /** Adds a listener for an event of a WebSocket, a function or an object with `handleEvent`. */
  addEventListener(type: SocketEventType, listener: SocketListener, options: { once?: boolean } | boolean = {}): void {
    this.#client.face.add(type, listener, options)
  }

  /** Removes a listener that `addEventListener` has added. */
  removeEventListener(type: SocketEventType, listener: SocketListener): void {
    this.#client.face.remove(type, listener)
  }
}
