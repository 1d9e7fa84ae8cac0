/** `MCPClient`: the native client as an EventEmitter that can also be used like a WebSocket. */
import type { AsyncResource } from 'node:async_hooks'
import type { Buffer } from 'node:buffer'
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { FLAG } from '../native/binding-constants.js'
import { checkNetwork } from '../native/permissions.js'
import {
  checkCallOptions,
  checkKey,
  checkName,
  closeOptionsOf,
  PARAMETERS_ARE_JSON,
  serialise,
} from '../shared/arguments.js'
import { explain } from '../shared/close-codes.js'
import { isUrl } from '../shared/foreign.js'
import type { MCPError } from '../shared/errors.js'
import { soon } from '../shared/globals.js'
import { INTEREST, type ErrorData, type Notice, type Snapshot } from '../shared/native-types.js'
import { runSafely, type SocketEventType, type SocketListener } from '../shared/socket-events.js'
import {
  bufferFull,
  checkSend,
  isMadeLikeASocket,
  readyStateOf,
  SocketFace,
  type SocketFaceOwner,
} from '../shared/socket-face.js'
import type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  LogEntry,
  MCPClientEvents,
  MCPClientLike,
  MCPClientOptions,
  MCPKey,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolsWithoutRequiredParameters,
  Undeclared,
  UseToolOptions,
} from '../shared/types.js'
import { Call, Command, type Caller, type CallTrace } from './call.js'
import { scheduleApart } from './contexts.js'
import { ClientErrors, classOf } from './errors.js'
import {
  createNative,
  drainSoon,
  flush,
  hold,
  keepsFailure,
  occupy,
  request,
  restSoon,
  setActive,
  vacate,
  type Recipient,
} from './hub.js'
import { keyOf } from './key.js'
import { observeLog, observeState, traceCall, tracesCalls } from './observers.js'
import { mergeArguments, optionErrorOf, sortOptions, type ProxyFunction, type UrlFunction } from './options.js'
import { answerRoots, resumeAfter } from './stand-in.js'
import { endpointsReturned, wholeUrl, type UrlOption } from './urls.js'
import { closedBefore, contextOfClient, replaceClosed, runAfterClose, type Replaceable } from './succession.js'

let clients = 0

const NO_OPTIONS: UseToolOptions = Object.freeze({})

/** From these a dial is the user's wish, and a WebSocket whose dial fails owes a 'close'. Others follow a 'close'. */
const BEFORE_THE_FIRST_DIAL: ReadonlySet<ConnectionState> = new Set(['idle', 'unauthorized', 'closed', 'failed'])

/** A call made in one of these states fails with the client's error if the client has failed in the meantime. */
const ACCEPTING_CALLS: ReadonlySet<ConnectionState> = new Set(['connecting', 'authenticating', 'ready', 'reconnecting'])

/**
 * A client of an MCP Integration Platform over its WebSocket. It connects, authenticates, sends heartbeats and
 * reconnects by itself, on a thread of its own; `useTool` calls a tool.
 *
 * Its events, with the arguments of their listeners, are those of {@link MCPClientEvents}. On a change, the snapshot
 * changes first, then 'state' is emitted, then the event with its own name, then promises settle. When a command
 * returns, its own change is visible already. The constructor emits nothing.
 */
export class MCPClient extends EventEmitter implements MCPClientLike, AsyncDisposable {
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

  /** The number of the client, from 1 and upwards in the process. */
  readonly id: number = ++clients

  readonly #native: ReturnType<typeof createNative>
  /** The number by which the functions that every call uses know the native client. */
  readonly #number: number
  readonly #internals: Recipient & SocketFaceOwner & Replaceable & Caller
  readonly #face: SocketFace
  readonly #onMessage: ((message: unknown) => void) | null
  readonly #askToken: (() => MCPKey | Promise<MCPKey>) | null
  readonly #askProxy: ProxyFunction | null
  readonly #askUrls: UrlFunction | null
  /** Whole, in the order of the core's list. */
  #urls: readonly string[]
  readonly #requestTimeout: number
  /** As given, to tell whether another client has the same. */
  #key: unknown
  /** What the user's code runs in; `null` after the end, until the client is used again. */
  #context: AsyncResource | null = contextOfClient()
  #snapshot: ConnectionSnapshot
  /** The snapshot of the last 'state' event. After a command, `#snapshot` may be newer. */
  #emitted: ConnectionSnapshot
  readonly #errors = new ClientErrors()
  /** Flags of every call: what its caller can see of the client. */
  #flags = 0
  #isReferenced = true
  #isHolding = false
  #flushIsQueued = false
  /** The events that the core was asked for; all of them at first. */
  #interest: number = INTEREST.messages | INTEREST.heartbeats | INTEREST.logs
  #isFirstTurn = true

  /**
   * Connects at once, unless `autoConnect` is false. The first client loads the native binary.
   * @throws TypeError or RangeError that names the option at fault; Error with cause and remedy if the native binary
   * cannot be loaded, or a permission model (of Node.js or Deno) denies the network
   */
  constructor(options?: MCPClientOptions)
  /**
   * Connects at once, unless `autoConnect` is false. The first client loads the native binary.
   * @param url the endpoint, as the option `url`
   * @param options the other options, or subprotocols as a WebSocket takes them
   * @throws TypeError or RangeError that names the option at fault; Error with cause and remedy if the native binary
   * cannot be loaded, or a permission model (of Node.js or Deno) denies the network
   */
  constructor(url: UrlOption, options?: MCPClientOptions | string | readonly string[])
  constructor(first: UrlOption | MCPClientOptions = {}, second: MCPClientOptions | string | readonly string[] = {}) {
    super()
    const sorted = sortOptions(mergeArguments(first, second))
    sorted.urls.forEach(checkNetwork)
    this.#urls = sorted.urls
    this.#askUrls = sorted.askUrls
    this.#onMessage = sorted.onMessage
    this.#askToken = sorted.askToken
    this.#askProxy = sorted.askProxy
    this.#key = sorted.key
    this.#internals = new MCPClient.#Internals(this)
    this.#face = new SocketFace(this, this.#internals)
    try {
      this.#native = createNative(this.#internals, sorted.native)
    } catch (error) {
      throw optionErrorOf(error)
    }
    this.#number = this.#native.number()
    this.#requestTimeout = this.#native.requestTimeout()
    this.#snapshot = this.#emitted = this.#snapshotOf(JSON.parse(this.#native.snapshot()) as Snapshot)
    // Code that makes it like a WebSocket is about to add listeners.
    if (isMadeLikeASocket(first, second)) this.#holdOpenings()
    // Listeners added in the same turn miss nothing; after it, the core is asked only for what is listened to.
    soon(() => {
      this.#isFirstTurn = false
      this.#updateInterest()
    })
    if (!sorted.autoConnect) return
    if (replaceClosed(this.url, this.#key)) this.#native.warn(HAS_REPLACED)
    void this.connect()
  }

  // ── State ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The connection as it is now. The same object until the state changes. */
  get snapshot(): ConnectionSnapshot {
    return this.#snapshot
  }

  /** What the client is doing. */
  get state(): ConnectionState {
    return this.#snapshot.state
  }

  /** Whether the socket is open. */
  get connected(): boolean {
    return this.#snapshot.connected
  }

  /** Whether the server has accepted the key, or asks for none: tools can be called. */
  get authenticated(): boolean {
    return this.#snapshot.authenticated
  }

  /** Why the client is in this state; `null` when all is well. */
  get error(): MCPError | null {
    return this.#snapshot.error
  }

  /** Timeout of calls that have no `timeout` of their own, in ms; 0 means no limit. */
  get requestTimeout(): number {
    return this.#requestTimeout
  }

  /** Counters since the client was made; times in ms. */
  stats(): ClientStats {
    return JSON.parse(this.#native.stats()) as ClientStats
  }

  // ── Commands. Their promises may be ignored: they never become unhandled rejections. ───────────────────────

  /**
   * Connects, if it is not connected. Resolves when the client is 'ready'; rejects with an {@link MCPError} when it is
   * 'failed' or 'closed', or when the server refuses the key. Further calls share the attempt. In 'reconnecting' it
   * dials at once; in 'unauthorized' it authenticates again.
   */
  connect(): Promise<void> {
    this.#revive()
    return this.#command((slot) => this.#native.connect(slot))
  }

  /**
   * Drops the connection, counts attempts from 0 again and connects at once. Resolves and rejects as {@link connect}
   * does.
   */
  reconnect(): Promise<void> {
    this.#revive()
    return this.#command((slot) => this.#native.reconnect(slot))
  }

  /**
   * Sends the auth message again. A token that is given replaces the key, for later connections too. If the socket is
   * not open, it connects. In 'ready', calls in flight go on. Resolves and rejects as {@link connect} does.
   * @throws TypeError if the token is not a string
   */
  authenticate(token?: string): Promise<void> {
    if (token !== undefined && typeof token !== 'string')
      throw new TypeError(`the token must be a string, got ${typeof token}`)
    if (token !== undefined) checkKey('the token', token)
    this.#revive()
    this.#key = token ?? this.#key
    return this.#command((slot) => this.#native.authenticate(token ?? null, slot))
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
  close(first: CloseOptions | number = {}, second?: string): Promise<void> {
    const { code, reason, drain } = closeOptionsOf(first, second)
    // A WebSocket that closes while its 'close' is handled has no second 'close'.
    if (closedBefore() === this.#internals) this.#face.replace()
    return this.#command((slot) => this.#native.close(code, reason, drain, slot))
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
  ): Promise<Buffer>
  /** Calls a tool and gives its `results` as the JSON that came, in UTF-8. Rejects as with parsed results. */
  useTool<N extends string>(
    toolName: Undeclared<N>,
    parameters: unknown,
    options: UseToolOptions & { responseType: 'buffer' },
  ): Promise<Buffer>
  useTool(toolName: string, parameters?: unknown, options: UseToolOptions = NO_OPTIONS): Promise<unknown> {
    if (!tracesCalls()) return this.#call(toolName, parameters, options, undefined)
    const context = { client: this.id, toolName, url: this.#snapshot.url }
    return traceCall(context, (trace) => this.#call(toolName, parameters, options, trace))
  }

  /**
   * Sends a message and expects no answer: a string unchanged, any other value as JSON.
   * @returns false if the socket is not open or the buffer is full (`maxBufferedAmount`)
   * @throws TypeError if the value cannot be written as JSON
   */
  sendMessage(message: unknown): boolean {
    const text = typeof message === 'string' ? message : serialise('message', message)
    if (text === '' && typeof message !== 'string')
      throw new TypeError(`a message must be a string or a JSON value, got ${typeof message}`)
    const isAccepted = this.#native.send(text)
    if (isAccepted) this.#flushSoon()
    return isAccepted
  }

  /**
   * The guide's call: sends the request, and the answer arrives as a 'message' event.
   * @returns the id of the request; `null` if not connected
   * @throws TypeError if the name or the parameters cannot be sent
   */
  sendToolRequest(toolName: string, parameters?: unknown): string | null {
    checkName(toolName)
    const id = this.#native.sendToolRequest(toolName, serialise(toolName, parameters))
    if (id !== null) this.#flushSoon()
    return id
  }

  // ── The process ────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets the client keep the process alive from `connect()` until 'closed' or 'failed'. This is the default. */
  ref(): this {
    this.#isReferenced = true
    this.#updateHold()
    return this
  }

  /**
   * Lets the process end although the client is open, even with calls in flight. If your code no longer holds the
   * client, and it has no listener and no call in flight, it may be garbage-collected; its connection then ends.
   */
  unref(): this {
    this.#isReferenced = false
    this.#updateHold()
    return this
  }

  // ── EventEmitter: the core only sends events that have listeners ───────────────────────────────────────────

  /** The state changed. It is the first event of a change. */
  override on(event: 'state', listener: (snapshot: ConnectionSnapshot, previous: ConnectionState) => void): this
  /** The socket is open. */
  override on(event: 'open', listener: () => void): this
  /** The server accepted the key, or asks for none: tools can be called. */
  override on(event: 'authenticated', listener: () => void): this
  /** The server sent a message, here parsed: pushes, answers, pongs, everything. */
  override on(event: 'message', listener: (message: unknown) => void): this
  /** The socket closed. */
  override on(event: 'close', listener: (info: CloseInfo) => void): this
  /** The wait before the next attempt begins; `delay` in ms. `maxAttempts` is Infinity if there is no limit. */
  override on(
    event: 'reconnecting',
    listener: (info: { attempt: number; maxAttempts: number; delay: number }) => void,
  ): this
  /** A pong arrived; `rtt` is the round trip time in ms. */
  override on(event: 'heartbeat', listener: (info: { rtt: number }) => void): this
  /** The client has given up; `connect()` starts again. */
  override on(event: 'failed', listener: (error: MCPError) => void): this
  /** Something went wrong, lost connections included. Without a listener nothing happens: it never ends the process. */
  override on(event: 'error', listener: (error: MCPError) => void): this
  /** An entry for a log; never contains a key. */
  override on(event: 'log', listener: (entry: LogEntry) => void): this
  /** Adds a listener. The events and their arguments: {@link MCPClientEvents}. */
  override on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  override on(event: string | symbol, listener: (...args: any[]) => void): this {
    return this.addListener(event, listener)
  }

  /** The same as {@link on}. */
  override addListener(event: string | symbol, listener: (...args: any[]) => void): this {
    super.addListener(event, listener)
    return this.#updateInterest()
  }

  /** Adds a listener that is called before the others. */
  override prependListener(event: string | symbol, listener: (...args: any[]) => void): this {
    super.prependListener(event, listener)
    return this.#updateInterest()
  }

  /** Adds a listener that is called once. The events and their arguments: {@link MCPClientEvents}. */
  override once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  override once(event: string | symbol, listener: (...args: any[]) => void): this {
    return super.once(event, listener)
  }

  /** Removes a listener. The events and their arguments: {@link MCPClientEvents}. */
  override off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  override off(event: string | symbol, listener: (...args: any[]) => void): this {
    return this.removeListener(event, listener)
  }

  /** The same as {@link off}. */
  override removeListener(event: string | symbol, listener: (...args: any[]) => void): this {
    super.removeListener(event, listener)
    return this.#updateInterest()
  }

  /** Removes all listeners, or all of one event. */
  override removeAllListeners(event?: string | symbol): this {
    // Node.js counts the arguments: `undefined` would be the name of an event.
    if (event === undefined) super.removeAllListeners()
    else super.removeAllListeners(event)
    return this.#updateInterest()
  }

  // ── Used like a WHATWG WebSocket ───────────────────────────────────────────────────────────────────────────

  /** 0 CONNECTING, 1 OPEN, 2 CLOSING or 3 CLOSED, as a WebSocket in this state of the client has it. */
  get readyState(): 0 | 1 | 2 | 3 {
    return readyStateOf(this.#snapshot)
  }

  /** Bytes that were accepted and not yet passed to the operating system, queued requests included. */
  get bufferedAmount(): number {
    return this.#native.bufferedAmount()
  }

  /** The endpoint in use, with its query; '' until a `url` function has answered. */
  get url(): string {
    return wholeUrl(this.#snapshot.url, this.#urls, () => this.#native.endpoint())
  }

  /** Called when the socket is open. */
  get onopen(): ((event: any) => void) | null {
    return this.#face.handler('open')
  }

  set onopen(handler: ((event: any) => void) | null) {
    this.#face.setHandler('open', handler)
  }

  /** Called with every message of the server; `event.data` is its text, not parsed. */
  get onmessage(): ((event: any) => void) | null {
    return this.#face.handler('message')
  }

  set onmessage(handler: ((event: any) => void) | null) {
    this.#face.setHandler('message', handler)
  }

  /** Called when the socket has closed; `event` has `code`, `reason`, `wasClean` and `willReconnect`. */
  get onclose(): ((event: any) => void) | null {
    return this.#face.handler('close')
  }

  set onclose(handler: ((event: any) => void) | null) {
    this.#face.setHandler('close', handler)
  }

  /** Called when something went wrong; `event` has `error` and its `message`. */
  get onerror(): ((event: any) => void) | null {
    return this.#face.handler('error')
  }

  set onerror(handler: ((event: any) => void) | null) {
    this.#face.setHandler('error', handler)
  }

  /**
   * Sends a text unchanged. As with a WebSocket, nothing is sent after the socket has closed.
   * @throws DOMException InvalidStateError while connecting; TypeError for anything but a string; MCPError QUEUE_FULL
   * if the buffer is full
   */
  send(data: string): void {
    checkSend(data, this.readyState)
    if (this.sendMessage(data) || this.readyState !== this.OPEN) return
    // The core may know that the socket has closed before JavaScript does.
    if (readyStateOf(JSON.parse(this.#native.snapshot()) as Snapshot) === this.OPEN) throw bufferFull()
  }

  /** Adds a listener for an event of a WebSocket, a function or an object with `handleEvent`. */
  addEventListener(type: SocketEventType, listener: SocketListener, options: { once?: boolean } | boolean = {}): void {
    this.#face.add(type, listener, options)
  }

  /** Removes a listener that `addEventListener` has added. */
  removeEventListener(type: SocketEventType, listener: SocketListener): void {
    this.#face.remove(type, listener)
  }

  /** Shows the snapshot, which has neither the key nor the query of the URL. */
  [inspect.custom](depth: number, options: object, show: typeof inspect): string {
    const { url, error, ...rest } = this.#snapshot
    const shown = {
      url,
      ...rest,
      error: error === null ? null : `${error.name} ${error.code}: ${error.message}`,
    }
    return depth < 0 ? '[MCPClient]' : `MCPClient ${show(shown, options)}`
  }

  // ── From the native core ───────────────────────────────────────────────────────────────────────────────────

  /**
   * What the hub, the socket face and the succession may do with a client. A class, because closures for each client
   * would take a kilobyte.
   */
  static readonly #Internals = class implements Recipient, SocketFaceOwner, Replaceable, Caller {
    readonly #client: MCPClient

    constructor(client: MCPClient) {
      this.#client = client
    }

    receiveNotice(notice: Notice): void {
      this.#client.#receiveNotice(notice)
    }

    receiveMessage(text: string, isJson: boolean): void {
      this.#client.#receiveMessage(text, isJson)
    }

    askToken(connection: number): void {
      this.#client.#inContext(() => void this.#client.#answerToken(connection))
    }

    askUrls(asked: number): void {
      this.#client.#inContext(() => void this.#client.#answerUrls(asked))
    }

    askProxy(connection: number, server: string): void {
      this.#client.#inContext(() => void this.#client.#answerProxy(connection, server))
    }

    resumeAfter(ms: number): void {
      resumeAfter(this.#client.#native, ms)
    }

    askRoots(): void {
      answerRoots(this.#client.#native)
    }

    inContext(act: () => void): void {
      this.#client.#inContext(act)
    }

    rest(): void {
      if (this.#client.#hasEnded) this.#client.#context = null
    }

    failure(error: ErrorData, toolName: string): () => MCPError {
      return this.#client.#errors.failure(error, toolName)
    }

    socketListenersChanged(): void {
      this.#client.#updateInterest()
    }

    get url(): string {
      return this.#client.url
    }

    get key(): unknown {
      return this.#client.#key
    }

    get isReplaceable(): boolean {
      const { state } = this.#client
      const isWaiting = state === 'reconnecting' || state === 'connecting' || state === 'authenticating'
      return isWaiting || (!this.#client.#hasEnded && this.#client.#isOnlyASocket)
    }

    replace(): void {
      this.#client.#face.replace()
      this.#client.#native.warn(IS_REPLACED)
      void this.#client.close()
    }
  }

  #receiveNotice(notice: Notice): void {
    switch (notice.type) {
      case 'state':
        return this.#changeState(notice.snapshot, notice.previous)
      case 'open':
        return this.#emitOpen()
      case 'authenticated':
        return this.#emit('authenticated')
      case 'close':
        return this.#emitClose(Object.freeze({ ...notice.info, explanation: explain(notice.info.code) }))
      case 'reconnecting':
        return this.#emit('reconnecting', {
          attempt: notice.attempt,
          maxAttempts: notice.maxAttempts ?? Infinity,
          delay: notice.delay,
        })
      case 'heartbeat':
        return this.#emit('heartbeat', { rtt: notice.rtt })
      case 'failed':
        this.#emit('failed', this.#errors.reason(notice.error))
        return this.#face.closeUnopened()
      case 'error': {
        const error = this.#errors.reason(notice.error)
        if (this.listenerCount('error') > 0) this.#emit('error', error)
        this.#face.dispatch('error', { error, message: error.message })
        // The upgrade itself was refused.
        return this.#emitted.state === 'unauthorized' && !this.#emitted.connected
          ? this.#face.closeUnopened()
          : undefined
      }
      case 'log':
        observeLog(this.id, Object.freeze(notice.entry))
        return this.#emit('log', notice.entry)
    }
  }

  #changeState(data: Snapshot, previous: ConnectionState): void {
    const snapshot = data.revision === this.#snapshot.revision ? this.#snapshot : this.#snapshotOf(data)
    // A command may have shown a newer snapshot already: what users see never goes back.
    if (snapshot.revision > this.#snapshot.revision) this.#show(snapshot)
    this.#emitted = snapshot
    const { state } = snapshot
    if (state === 'connecting' && BEFORE_THE_FIRST_DIAL.has(previous)) this.#face.begin()
    observeState(this.id, snapshot, previous)
    this.#emit('state', snapshot, previous)
    // `close()` was called when no socket was open.
    if (state === 'closed' && (previous === 'connecting' || previous === 'reconnecting')) this.#face.closeUnopened()
  }

  #emitOpen(): void {
    this.#face.begin()
    this.#emit('open')
    this.#face.dispatch('open', {})
    // The listeners may authenticate by themselves, also after an `await`.
    if (this.#face.holdsOpenings) scheduleApart(() => this.#native.openTold())
  }

  #emitClose(info: CloseInfo): void {
    const isForFace = this.#face.close()
    this.#emit('close', info)
    if (!isForFace) return
    this.#face.dispatch('close', info, info.willReconnect ? (act) => runAfterClose(this.#internals, act) : undefined)
  }

  #receiveMessage(text: string, isJson: boolean): void {
    this.#face.dispatch('message', { data: text })
    if (!isJson || (this.#onMessage === null && this.listenerCount('message') === 0)) return
    const message: unknown = JSON.parse(text)
    const onMessage = this.#onMessage
    if (onMessage !== null) this.#inContext(() => runSafely(() => onMessage(message)))
    this.#emit('message', message)
  }

  async #answerToken(connection: number): Promise<void> {
    this.#errors.tokenFailure = undefined
    // What the function throws may be kept, and its stack would hold the context if that were entered below on it.
    await null
    try {
      const { token, expiresAt } = keyOf(await this.#askToken?.())
      checkKey('the key that the apiKey function returned', token)
      this.#native.answerToken(connection, token, expiresAt)
    } catch (error) {
      this.#errors.tokenFailure = error
      this.#native.failToken(connection, classOf(error))
    }
  }

  async #answerUrls(asked: number): Promise<void> {
    this.#errors.urlFailure = undefined
    // As in `#answerToken`.
    await null
    try {
      const urls = endpointsReturned(await this.#askUrls?.())
      urls.forEach(checkNetwork)
      if (this.#native.answerUrls(asked, urls)) this.#urls = urls
    } catch (thrown) {
      const error = optionErrorOf(thrown)
      this.#errors.urlFailure = error
      this.#native.failUrls(asked, classOf(error))
    }
  }

  async #answerProxy(connection: number, server: string): Promise<void> {
    this.#errors.proxyFailure = undefined
    // As for a token.
    await null
    try {
      const proxy: unknown = await this.#askProxy?.(server)
      // The value is not shown: a password may be in it.
      if (proxy !== false && typeof proxy !== 'string' && !isUrl(proxy))
        throw new TypeError(
          `the proxy function returned ${proxy === null ? 'null' : typeof proxy}: return the URL of a proxy, or false for none`,
        )
      this.#native.answerProxy(connection, proxy === false ? 'DIRECT' : String(proxy))
    } catch (error) {
      this.#errors.proxyFailure = error
      this.#native.answerProxy(connection, null)
    }
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  /** What a listener throws becomes an `uncaughtException`; the other listeners are called all the same. */
  #emit<E extends keyof MCPClientEvents>(event: E, ...args: MCPClientEvents[E]): void {
    const listeners = this.rawListeners(event)
    if (listeners.length === 0) return
    this.#inContext(() => {
      for (const listener of listeners) runSafely(() => Reflect.apply(listener, this, args))
    })
  }

  /**
   * Runs the user's code in the context in which the client was made, whoever made it run. Nothing else runs there:
   * errors that are kept would hold the context with their stacks.
   */
  #inContext(act: () => void): void {
    if (this.#context === null) act()
    else this.#context.runInAsyncScope(act)
  }

  /** The client is used again. After an end it belongs to whoever does that. */
  #revive(): void {
    this.#face.restore()
    if (this.#hasEnded) this.#context = contextOfClient()
  }

  get #hasEnded(): boolean {
    return this.#snapshot.state === 'closed' || this.#snapshot.state === 'failed'
  }

  /** It hears and sends messages as a WebSocket does, and nothing else of it was ever used. */
  get #isOnlyASocket(): boolean {
    return (
      this.#face.has('message') &&
      this.#onMessage === null &&
      this.eventNames().length === 0 &&
      this.stats().requests === 0
    )
  }

  #call(
    toolName: string,
    parameters: unknown,
    options: UseToolOptions,
    trace: CallTrace | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      try {
        checkName(toolName)
        if (options !== NO_OPTIONS) checkCallOptions(options)
        const { signal, timeout = this.#requestTimeout, idempotent = false, responseType } = options
        if (signal?.aborted) throw signal.reason
        const json = PARAMETERS_ARE_JSON in options ? (parameters as string) : serialise(toolName, parameters)
        // A `toJSON` of the parameters may have aborted it.
        if (signal?.aborted) throw signal.reason
        const call = new Call(this.#internals, toolName, resolve, reject, trace)
        const slot = occupy(call)
        const flags =
          this.#flags |
          (idempotent === true ? FLAG.idempotent : 0) |
          (responseType === 'buffer' ? FLAG.wantsBytes : 0) |
          (signal === undefined ? 0 : FLAG.mayBeAborted) |
          (trace === undefined ? 0 : FLAG.traced)
        const key = request(this.#number, slot, toolName, json, timeout, flags)
        if (typeof key === 'string') {
          vacate(slot)
          throw call.refused(JSON.parse(key) as ErrorData)
        }
        if (trace !== undefined && key !== undefined) trace.requestId = this.#native.requestId(key)
        if (signal !== undefined && key !== undefined) call.abortBy(signal, () => this.#takeBack(key, slot))
        this.#flushSoon()
      } catch (error) {
        trace?.failed(error)
        reject(error)
      }
    })
  }

  /** The caller has given the call up. If it is settled already, its delivery frees the slot and settles nothing. */
  #takeBack(key: number, slot: number): void {
    if (this.#native.abort(key)) vacate(slot)
    else if (!keepsFailure(slot)) this.#native.discardResults(slot)
  }

  /** `act` returns the snapshot after the command, as JSON. */
  #command(act: (slot: number) => string): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      const failure = (data: ErrorData) => {
        const makeError = this.#errors.failure(data)
        return () => {
          const error = makeError()
          // It may be ignored. With a second reaction before, V8 would not find those who await it for the stack.
          settled.catch(() => {})
          return error
        }
      }
      const slot = occupy(new Command(resolve as (value: unknown) => void, failure))
      const latest = JSON.parse(act(slot)) as Snapshot
      if (latest.revision !== this.#snapshot.revision) this.#show(this.#snapshotOf(latest))
    })
    // Its events must be emitted even if nothing keeps the process alive any more.
    drainSoon()
    return settled
  }

  #show(snapshot: ConnectionSnapshot): void {
    this.#snapshot = snapshot
    this.#flags = ACCEPTING_CALLS.has(snapshot.state) ? FLAG.expectsConnection : 0
    this.#updateHold()
  }

  #updateHold(): void {
    const { state, connected } = this.#snapshot
    const isActive = connected || state === 'connecting' || state === 'reconnecting' || state === 'closing'
    // The I/O thread may be putting the last events into the mailbox.
    if (!isActive) this.#native.awaitCommit()
    // If it is unreferenced and has no listeners, only the user's code and its calls hold it.
    setActive(this.#internals, isActive && (this.#isReferenced || this.#hasListeners()))
    if (this.#hasEnded && this.#context !== null) restSoon(this.#internals)
    const mustHold = isActive && this.#isReferenced
    if (mustHold === this.#isHolding) return
    this.#isHolding = mustHold
    hold(mustHold)
  }

  #hasListeners(): boolean {
    return this.#onMessage !== null || this.eventNames().length > 0 || this.#face.hasAny()
  }

  #snapshotOf(data: Snapshot): ConnectionSnapshot {
    // Changed in place, because V8 would give each copy a shape of its own.
    return Object.freeze(Object.assign(data, { error: data.error === null ? null : this.#errors.reason(data.error) }))
  }

  /** All calls of one turn are sent in one write. */
  #flushSoon(): void {
    if (this.#flushIsQueued) return
    this.#flushIsQueued = true
    soon(() => {
      this.#flushIsQueued = false
      // A call was refused: its promise must reject even if nothing keeps the process alive.
      if (flush(this.#number)) drainSoon()
    })
  }

  #holdOpenings(): void {
    this.#face.holdsOpenings = true
    if (this.#interest & INTEREST.opens) return
    this.#interest |= INTEREST.opens
    this.#native.setInterest(this.#interest)
  }

  #updateInterest(): this {
    if (!this.#isReferenced) this.#updateHold()
    if (this.#face.has('open')) this.#holdOpenings()
    if (this.#isFirstTurn) return this
    const wantsMessages = this.#onMessage !== null || this.listenerCount('message') > 0 || this.#face.has('message')
    const interest =
      (wantsMessages ? INTEREST.messages : 0) |
      (this.listenerCount('heartbeat') > 0 ? INTEREST.heartbeats : 0) |
      // Whoever subscribes to the channel of the log may do so at any time, and nobody says when.
      INTEREST.logs |
      (this.#face.has('open') ? INTEREST.opens : 0)
    if (interest !== this.#interest) this.#native.setInterest(interest)
    this.#interest = interest
    return this
  }
}

const IS_REPLACED =
  'closed, because a close listener of its WebSocket interface has led to another client for the same endpoint and key'

const HAS_REPLACED =
  'replaces the client that has led to this one by a close event of its WebSocket interface, and is now closed'
