/** `MCPClient`: the native client as an EventEmitter that can also be used like a WebSocket. */
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { FLAG } from '../native/binding-constants.js'
import { checkCallOptions, checkMillis, checkName, PARAMETERS_ARE_JSON, serialise } from '../shared/arguments.js'
import { checkCloseFrame, explain } from '../shared/close-codes.js'
import type { MCPError } from '../shared/errors.js'
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
  MCPClientEvents,
  MCPClientLike,
  MCPClientOptions,
  MCPTools,
  ParametersOf,
  ResultsOf,
  UseToolOptions,
} from '../shared/types.js'
import { Call, Command, type Caller } from './call.js'
import { ClientErrors, classOf } from './errors.js'
import { createNative, drainSoon, flush, hold, occupy, request, setActive, vacate, type Recipient } from './hub.js'
import { mergeArguments, optionErrorOf, sortOptions } from './options.js'
import { closedBefore, replaceClosed, runAfterClose, scheduleApart, type Replaceable } from './succession.js'

const NO_OPTIONS: UseToolOptions = Object.freeze({})

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

  readonly #native: ReturnType<typeof createNative>
  /** The number by which the functions that every call uses know the native client. */
  readonly #number: number
  readonly #internals: Recipient & SocketFaceOwner & Replaceable & Caller
  readonly #face: SocketFace
  readonly #onMessage: ((message: unknown) => void) | null
  readonly #askToken: (() => string | Promise<string>) | null
  readonly #requestTimeout: number
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
   * cannot be loaded
   */
  constructor(options?: MCPClientOptions)
  /**
   * Connects at once, unless `autoConnect` is false. The first client loads the native binary.
   * @param url the endpoint, as the option `url`
   * @param options the other options, or subprotocols as a WebSocket takes them
   * @throws TypeError or RangeError that names the option at fault; Error with cause and remedy if the native binary
   * cannot be loaded
   */
  constructor(url: string | URL, options?: MCPClientOptions | string | readonly string[])
  constructor(first: string | URL | MCPClientOptions = {}, second: MCPClientOptions | string | readonly string[] = {}) {
    super()
    const sorted = sortOptions(mergeArguments(first, second))
    this.#onMessage = sorted.onMessage
    this.#askToken = sorted.askToken
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
    this.#warnOfProxy()
    // Code that makes it like a WebSocket is about to add listeners.
    if (isMadeLikeASocket(first, second)) this.#holdOpenings()
    // Listeners added in the same turn miss nothing; after it, the core is asked only for what is listened to.
    queueMicrotask(() => {
      this.#isFirstTurn = false
      this.#updateInterest()
    })
    if (!sorted.autoConnect) return
    replaceClosed(this.url)
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
    this.#face.restore()
    return this.#command((slot) => this.#native.connect(slot))
  }

  /**
   * Drops the connection, counts attempts from 0 again and connects at once. Resolves and rejects as {@link connect}
   * does.
   */
  reconnect(): Promise<void> {
    this.#face.restore()
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
    this.#face.restore()
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
  close(first: CloseOptions | number = {}, second = ''): Promise<void> {
    if (first === null) throw new TypeError('close() takes a code and a reason, or an object of options, got null')
    const { code = 1000, reason = '', drain = 0 } = typeof first === 'number' ? { code: first, reason: second } : first
    checkCloseFrame(code, reason)
    checkMillis('drain', drain)
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
  /**
   * Calls a tool that is not declared in {@link MCPTools}. Never throws synchronously. Before 'ready' the call waits,
   * within its timeout.
   * @returns a promise of the tool's `results`. It rejects with an `MCPToolError` if the server answers with an error,
   * with another {@link MCPError} if there is no answer, with the signal's reason if the signal aborts, and with a
   * TypeError or RangeError if an argument cannot be used
   */
  useTool<T = unknown>(
    toolName: string,
    parameters?: unknown,
    options?: UseToolOptions & { responseType?: 'json' },
  ): Promise<T>
  /** Calls a tool and gives its `results` as the JSON that came, in UTF-8. Rejects as with parsed results. */
  useTool(toolName: string, parameters: unknown, options: UseToolOptions & { responseType: 'buffer' }): Promise<Buffer>
  useTool(toolName: string, parameters?: unknown, options: UseToolOptions = NO_OPTIONS): Promise<unknown> {
    // An error thrown in here rejects the promise.
    return new Promise((resolve, reject) => {
      checkName(toolName)
      if (options !== NO_OPTIONS) checkCallOptions(options)
      const { signal, timeout = this.#requestTimeout, idempotent = false, responseType } = options
      signal?.throwIfAborted()
      const json = PARAMETERS_ARE_JSON in options ? (parameters as string) : serialise(toolName, parameters)
      const call = new Call(this.#internals, toolName, resolve, reject)
      const slot = occupy(call)
      const flags =
        this.#flags |
        (idempotent === true ? FLAG.idempotent : 0) |
        (responseType === 'buffer' ? FLAG.wantsBytes : 0) |
        (signal === undefined ? 0 : FLAG.mayBeAborted)
      const key = request(this.#number, slot, toolName, json, timeout, flags)
      if (typeof key === 'string') {
        vacate(slot)
        return call.failed(JSON.parse(key) as ErrorData)
      }
      if (signal !== undefined && key !== undefined) call.abortBy(signal, slot, () => this.#native.abort(key))
      this.#flushSoon()
    })
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
  /** Adds a listener that is called once. */
  override once(event: string | symbol, listener: (...args: any[]) => void): this
  override once(event: string | symbol, listener: (...args: any[]) => void): this {
    return super.once(event, listener)
  }

  /** Removes a listener. */
  override off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  /** Removes a listener. */
  override off(event: string | symbol, listener: (...args: any[]) => void): this
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

  /** The endpoint in use. */
  get url(): string {
    return this.#snapshot.url
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

  /** Shows neither the key nor the query of the URL, which may contain one. */
  [inspect.custom](depth: number, options: object, show: typeof inspect): string {
    const { url, error, ...rest } = this.#snapshot
    const shown = {
      url: url.replace(/\?.*/, ''),
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
      void this.#client.#answerToken(connection)
    }

    errorOf(error: ErrorData, toolName: string): MCPError {
      return this.#client.#errors.failure(error, toolName)
    }

    socketListenersChanged(): void {
      this.#client.#updateInterest()
    }

    get url(): string {
      return this.#client.url
    }

    get isClosed(): boolean {
      return this.#client.readyState === this.#client.CLOSED
    }

    replace(): void {
      this.#client.#face.replace()
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
        return this.#emit('log', Object.freeze(notice.entry))
    }
  }

  #changeState(data: Snapshot, previous: ConnectionState): void {
    const snapshot = data.revision === this.#snapshot.revision ? this.#snapshot : this.#snapshotOf(data)
    // A command may have shown a newer snapshot already: what users see never goes back.
    if (snapshot.revision > this.#snapshot.revision) this.#show(snapshot)
    this.#emitted = snapshot
    const { state } = snapshot
    if (state === 'connecting' && previous !== 'reconnecting') this.#face.begin()
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
    if (!this.#face.close()) return
    const emit = () => {
      this.#emit('close', info)
      this.#face.dispatch('close', info)
    }
    const hasListeners = this.listenerCount('close') > 0 || this.#face.has('close')
    if (info.willReconnect && hasListeners) runAfterClose(this.#internals, emit)
    else emit()
  }

  #receiveMessage(text: string, isJson: boolean): void {
    this.#face.dispatch('message', { data: text })
    if (!isJson || (this.#onMessage === null && this.listenerCount('message') === 0)) return
    const message: unknown = JSON.parse(text)
    const onMessage = this.#onMessage
    if (onMessage !== null) runSafely(() => onMessage(message))
    this.#emit('message', message)
  }

  async #answerToken(connection: number): Promise<void> {
    this.#errors.tokenFailure = undefined
    try {
      const token: unknown = await this.#askToken?.()
      if (typeof token !== 'string')
        throw new TypeError(`the apiKey function returned ${token === null ? 'null' : typeof token}, not a string`)
      this.#native.answerToken(connection, token, null)
    } catch (error) {
      this.#errors.tokenFailure = error
      this.#native.answerToken(connection, null, classOf(error))
    }
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  /** What a listener throws becomes an `uncaughtException`; the other listeners are called all the same. */
  #emit<E extends keyof MCPClientEvents>(event: E, ...args: MCPClientEvents[E]): void {
    for (const listener of this.rawListeners(event)) runSafely(() => Reflect.apply(listener, this, args))
  }

  /** `act` returns the snapshot after the command, as JSON. */
  #command(act: (slot: number) => string): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      const slot = occupy(new Command(resolve, (error) => reject(this.#errors.failure(error))))
      const latest = JSON.parse(act(slot)) as Snapshot
      if (latest.revision !== this.#snapshot.revision) this.#show(this.#snapshotOf(latest))
    })
    // Its events must be emitted even if nothing keeps the process alive any more.
    drainSoon()
    settled.catch(() => {})
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
    queueMicrotask(() => {
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
      (this.listenerCount('log') > 0 ? INTEREST.logs : 0) |
      (this.#face.has('open') ? INTEREST.opens : 0)
    if (interest !== this.#interest) this.#native.setInterest(interest)
    this.#interest = interest
    return this
  }

  #warnOfProxy(): void {
    const name = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].find((name) => process.env[name])
    if (name !== undefined)
      this.#native.warn(`${name} is set, but this version does not use proxies: it connects directly`)
  }
}
