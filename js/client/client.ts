/** `MCPClient`: the native client as an EventEmitter, and with the face of a WebSocket. */
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { FLAG } from '../native/binding-constants.js'
import { checkCallOptions, checkMillis, checkName, serialise } from '../shared/arguments.js'
import { checkCloseFrame, explain } from '../shared/close-codes.js'
import { errorOf, type MCPError } from '../shared/errors.js'
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
import { Call, Command } from './call.js'
import { createNative, drainSoon, flush, hold, occupy, request, setActive, vacate, type Recipient } from './hub.js'
import { mergeArguments, optionErrorOf, sortOptions } from './options.js'
import { closedBefore, replaceClosed, scheduleApart, tellClosed, type Replaceable } from './succession.js'

const NO_OPTIONS: UseToolOptions = Object.freeze({})

/**
 * A client of an MCP Integration Platform over its WebSocket. It connects, authenticates, keeps a heartbeat and
 * reconnects by itself, on a thread of its own; `useTool` calls a tool.
 *
 * Order: the snapshot changes, then 'state' is emitted, then the event with its own name, then promises settle. A
 * command's own change is visible when it returns; no event fires inside the constructor.
 */
export class MCPClient extends EventEmitter implements MCPClientLike, AsyncDisposable {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  readonly CONNECTING = 0
  readonly OPEN = 1
  readonly CLOSING = 2
  readonly CLOSED = 3

  readonly #native: ReturnType<typeof createNative>
  /** Of the native client, for what every call uses. */
  readonly #number: number
  readonly #internals: Recipient & SocketFaceOwner & Replaceable
  readonly #face: SocketFace
  readonly #onMessage: ((message: unknown) => void) | null
  readonly #askToken: (() => string | Promise<string>) | null
  readonly #requestTimeout: number
  #snapshot: ConnectionSnapshot
  /** What the listeners were told last; a command may have shown a later picture. */
  #told: ConnectionSnapshot
  #tokenFailure: unknown
  #isReferenced = true
  #isHolding = false
  #flushIsQueued = false
  /** What the core was told that is listened to; it begins with all of it. */
  #interest: number = INTEREST.messages | INTEREST.heartbeats | INTEREST.logs
  #isFirstTurn = true

  /**
   * @param url the endpoint; or give everything as options
   * @param options see {@link MCPClientOptions}; as with a WebSocket, subprotocols may stand in their place
   * @throws TypeError or RangeError that names the option at fault; an Error that names cause and remedy, where the
   * native binary, which the first client loads, cannot be loaded
   */
  constructor(options?: MCPClientOptions)
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
    this.#snapshot = this.#told = this.#picture(JSON.parse(this.#native.snapshot()) as Snapshot)
    this.#warnOfProxy()
    // Made as a WebSocket is: listeners are about to be added.
    if (isMadeLikeASocket(first, second)) this.#holdOpenings()
    // Listeners added in the same turn hear everything; then the core is told what is wanted.
    queueMicrotask(() => {
      this.#isFirstTurn = false
      this.#updateInterest()
    })
    if (!sorted.autoConnect) return
    replaceClosed(this.url)
    void this.connect()
  }

  // ── State ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** One immutable picture of the connection. */
  get snapshot(): ConnectionSnapshot {
    return this.#snapshot
  }

  get state(): ConnectionState {
    return this.#snapshot.state
  }

  /** The socket is open. */
  get connected(): boolean {
    return this.#snapshot.connected
  }

  /** Tools can be used. */
  get authenticated(): boolean {
    return this.#snapshot.authenticated
  }

  /** Why the state is what it is; `null` when all is well. */
  get error(): MCPError | null {
    return this.#snapshot.error
  }

  /** ms that a call waits for its answer unless its options say otherwise; 0 for ever. */
  get requestTimeout(): number {
    return this.#requestTimeout
  }

  /** Counters since the client was made; times in ms. */
  stats(): ClientStats {
    return JSON.parse(this.#native.stats()) as ClientStats
  }

  // ── Commands. Their promises may be ignored: they never become unhandled rejections. ─────────────────────────

  /**
   * Resolves when 'ready'; rejects on 'failed', 'closed' or a refused token. One attempt however often it is called; in
   * 'reconnecting' it dials at once; in 'unauthorized' it authenticates again.
   */
  connect(): Promise<void> {
    this.#face.restore()
    return this.#command((slot) => this.#native.connect(slot))
  }

  /** Drops the connection, resets the attempt counter, connects at once. Settles as {@link connect} does. */
  reconnect(): Promise<void> {
    this.#face.restore()
    return this.#command((slot) => this.#native.reconnect(slot))
  }

  /**
   * Sends the auth message again, with a new token if given; that token replaces the key for later connections. Without
   * an open socket: keeps the token and connects. In 'ready', calls in flight live on.
   * @throws TypeError if the token is not a string
   */
  authenticate(token?: string): Promise<void> {
    if (token !== undefined && typeof token !== 'string')
      throw new TypeError(`the token must be a string, got ${typeof token}`)
    this.#face.restore()
    return this.#command((slot) => this.#native.authenticate(token ?? null, slot))
  }

  /**
   * Sends a close frame and settles everything: requests in flight are awaited up to `drain` ms (default 0), then
   * rejected with CLOSED. The closing handshake is given 2 s. The promise never rejects.
   * @throws RangeError or TypeError for a code or reason that cannot be sent
   */
  close(options?: CloseOptions): Promise<void>
  close(code?: number, reason?: string): Promise<void>
  close(first: CloseOptions | number = {}, second = ''): Promise<void> {
    if (first === null) throw new TypeError('close() takes a code and a reason, or an object of options, got null')
    const { code = 1000, reason = '', drain = 0 } = typeof first === 'number' ? { code: first, reason: second } : first
    checkCloseFrame(code, reason)
    checkMillis('drain', drain)
    // A WebSocket that has told of its end has nothing more to tell.
    if (closedBefore() === this.#internals) this.#face.replace()
    return this.#command((slot) => this.#native.close(code, reason, drain, slot))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ── Calls and messages ─────────────────────────────────────────────────────────────────────────────────────

  /**
   * Calls a tool; resolves with its `results`. Never throws synchronously. Before 'ready' the call waits in a queue,
   * within its timeout.
   * @returns a promise that rejects with an {@link MCPError}, an {@link MCPToolError} when the server answers with an
   * error, the signal's reason, or a TypeError or RangeError for what cannot be sent
   */
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
  useTool(toolName: string, parameters: unknown, options: UseToolOptions & { responseType: 'buffer' }): Promise<Buffer>
  useTool(toolName: string, parameters?: unknown, options: UseToolOptions = NO_OPTIONS): Promise<unknown> {
    // What this throws rejects the promise.
    return new Promise((resolve, reject) => {
      checkName(toolName)
      if (options !== NO_OPTIONS) checkCallOptions(options)
      const { signal, timeout = this.#requestTimeout, idempotent = false, responseType } = options
      signal?.throwIfAborted()
      const json = serialise(toolName, parameters)
      const call = new Call(this, toolName, resolve, reject)
      const slot = occupy(call)
      const flags =
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
   * Fire and forget: a string as it is, anything else as JSON. False if the socket is not open or the buffer is full.
   * @throws TypeError for what cannot be written as JSON
   */
  sendMessage(message: unknown): boolean {
    const text = typeof message === 'string' ? message : serialise('message', message)
    if (text === '' && typeof message !== 'string')
      throw new TypeError(`a message must be a string or a JSON value, got ${typeof message}`)
    const isTaken = this.#native.send(text)
    if (isTaken) this.#flushSoon()
    return isTaken
  }

  /**
   * The guide's call: sends and returns the request's id, `null` if not connected; the answer arrives as a 'message'.
   * @throws TypeError for a name or parameters that cannot be sent
   */
  sendToolRequest(toolName: string, parameters?: unknown): string | null {
    checkName(toolName)
    const id = this.#native.sendToolRequest(toolName, serialise(toolName, parameters))
    if (id !== null) this.#flushSoon()
    return id
  }

  // ── The process ────────────────────────────────────────────────────────────────────────────────────────────

  /** An open client keeps the process alive, as a socket does. This is the default. */
  ref(): this {
    this.#isReferenced = true
    this.#updateHold()
    return this
  }

  /**
   * The process may end although the client is open, and although calls are in flight. Where nobody holds the client,
   * it has no listener and no call in flight, it may be collected, and its connection then ends.
   */
  unref(): this {
    this.#isReferenced = false
    this.#updateHold()
    return this
  }

  // ── EventEmitter: the core is told what is listened to ─────────────────────────────────────────────────────────

  override on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  override on(event: string | symbol, listener: (...args: any[]) => void): this {
    return this.addListener(event, listener)
  }

  override addListener(event: string | symbol, listener: (...args: any[]) => void): this {
    super.addListener(event, listener)
    return this.#updateInterest()
  }

  override prependListener(event: string | symbol, listener: (...args: any[]) => void): this {
    super.prependListener(event, listener)
    return this.#updateInterest()
  }

  override once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  override once(event: string | symbol, listener: (...args: any[]) => void): this
  override once(event: string | symbol, listener: (...args: any[]) => void): this {
    return super.once(event, listener)
  }

  override off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this
  override off(event: string | symbol, listener: (...args: any[]) => void): this
  override off(event: string | symbol, listener: (...args: any[]) => void): this {
    return this.removeListener(event, listener)
  }

  override removeListener(event: string | symbol, listener: (...args: any[]) => void): this {
    super.removeListener(event, listener)
    return this.#updateInterest()
  }

  override removeAllListeners(event?: string | symbol): this {
    // Node.js counts the arguments: an undefined one would name an event.
    if (event === undefined) super.removeAllListeners()
    else super.removeAllListeners(event)
    return this.#updateInterest()
  }

  // ── The face of a WHATWG WebSocket ───────────────────────────────────────────────────────────────────────────

  get readyState(): 0 | 1 | 2 | 3 {
    return readyStateOf(this.#snapshot)
  }

  /** Bytes taken and not yet handed to the operating system, queued requests included. */
  get bufferedAmount(): number {
    return this.#native.bufferedAmount()
  }

  /** Endpoint in use. */
  get url(): string {
    return this.#snapshot.url
  }

  get onopen(): ((event: any) => void) | null {
    return this.#face.handler('open')
  }

  set onopen(handler: ((event: any) => void) | null) {
    this.#face.setHandler('open', handler)
  }

  get onmessage(): ((event: any) => void) | null {
    return this.#face.handler('message')
  }

  set onmessage(handler: ((event: any) => void) | null) {
    this.#face.setHandler('message', handler)
  }

  get onclose(): ((event: any) => void) | null {
    return this.#face.handler('close')
  }

  set onclose(handler: ((event: any) => void) | null) {
    this.#face.setHandler('close', handler)
  }

  get onerror(): ((event: any) => void) | null {
    return this.#face.handler('error')
  }

  set onerror(handler: ((event: any) => void) | null) {
    this.#face.setHandler('error', handler)
  }

  /**
   * Sends a text as it is; like a WebSocket's, it passes over what is sent after the end.
   * @throws DOMException InvalidStateError while connecting; TypeError for what is no string; MCPError QUEUE_FULL when
   * the buffer is full
   */
  send(data: string): void {
    checkSend(data, this.readyState)
    if (this.sendMessage(data) || this.readyState !== this.OPEN) return
    // The core may know of an end that JavaScript has not been told of yet.
    if (readyStateOf(JSON.parse(this.#native.snapshot()) as Snapshot) === this.OPEN) throw bufferFull()
  }

  addEventListener(type: SocketEventType, listener: SocketListener, options: { once?: boolean } | boolean = {}): void {
    this.#face.add(type, listener, options)
  }

  removeEventListener(type: SocketEventType, listener: SocketListener): void {
    this.#face.remove(type, listener)
  }

  /** Shows no key and no query of the URL, which may hold one. */
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
   * What the hub, the socket face and the succession may do with a client. A class, because closures of each client's
   * own would take a kilobyte.
   */
  static readonly #Internals = class implements Recipient, SocketFaceOwner, Replaceable {
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
        return this.#tellOpen()
      case 'authenticated':
        return this.#emit('authenticated')
      case 'close':
        return this.#tellClose(Object.freeze({ ...notice.info, explanation: explain(notice.info.code) }))
      case 'reconnecting':
        return this.#emit('reconnecting', {
          attempt: notice.attempt,
          maxAttempts: notice.maxAttempts ?? Infinity,
          delay: notice.delay,
        })
      case 'heartbeat':
        return this.#emit('heartbeat', { rtt: notice.rtt })
      case 'failed':
        this.#emit('failed', this.#errorOf(notice.error))
        return this.#face.closeUnopened()
      case 'error': {
        const error = this.#errorOf(notice.error)
        if (this.listenerCount('error') > 0) this.#emit('error', error)
        this.#face.dispatch('error', { error, message: error.message })
        // The upgrade itself was refused.
        return this.#told.state === 'unauthorized' && !this.#told.connected ? this.#face.closeUnopened() : undefined
      }
      case 'log':
        return this.#emit('log', Object.freeze(notice.entry))
    }
  }

  #changeState(snapshot: Snapshot, previous: ConnectionState): void {
    const picture = snapshot.revision === this.#snapshot.revision ? this.#snapshot : this.#picture(snapshot)
    // A command may have shown a later picture already: the view never goes back.
    if (picture.revision > this.#snapshot.revision) this.#show(picture)
    this.#told = picture
    if (picture.state === 'connecting' && previous !== 'reconnecting') this.#face.begin()
    this.#emit('state', picture, previous)
    // `close()` of what had no socket.
    if (picture.state === 'closed' && (previous === 'connecting' || previous === 'reconnecting'))
      this.#face.closeUnopened()
  }

  #tellOpen(): void {
    this.#face.begin()
    this.#emit('open')
    this.#face.dispatch('open', {})
    // The listeners may authenticate by themselves, in a promise's continuation too.
    if (this.#face.holdsOpenings) scheduleApart(() => this.#native.openTold())
  }

  #tellClose(info: CloseInfo): void {
    if (!this.#face.close()) return
    const tell = () => {
      this.#emit('close', info)
      this.#face.dispatch('close', info)
    }
    const isHeard = this.listenerCount('close') > 0 || this.#face.has('close')
    if (info.willReconnect && isHeard) tellClosed(this.#internals, tell)
    else tell()
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
    try {
      const token: unknown = await this.#askToken?.()
      if (typeof token !== 'string')
        throw new TypeError(`the apiKey function returned ${token === null ? 'null' : typeof token}, not a string`)
      this.#native.answerToken(connection, token, null)
    } catch (error) {
      this.#tokenFailure = error
      this.#native.answerToken(connection, null, 'gave no token')
    }
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Each listener by itself: one that throws surfaces as `uncaughtException`, and the others are called all the same.
   */
  #emit<E extends keyof MCPClientEvents>(event: E, ...args: MCPClientEvents[E]): void {
    for (const listener of this.rawListeners(event)) runSafely(() => Reflect.apply(listener, this, args))
  }

  /** `act` returns the picture that it left behind. */
  #command(act: (slot: number) => string): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      const slot = occupy(new Command(resolve, (error) => reject(this.#errorOf(error))))
      const latest = JSON.parse(act(slot)) as Snapshot
      if (latest.revision !== this.#snapshot.revision) this.#show(this.#picture(latest))
    })
    // What the command has caused is told although nothing may keep the process alive any more.
    drainSoon()
    settled.catch(() => {})
    return settled
  }

  #show(picture: ConnectionSnapshot): void {
    this.#snapshot = picture
    this.#updateHold()
  }

  #updateHold(): void {
    const { state, connected } = this.#snapshot
    const isActive = connected || state === 'connecting' || state === 'reconnecting' || state === 'closing'
    // The I/O thread may be in the middle of telling its end.
    if (!isActive) this.#native.awaitCommit()
    // One that is unreferenced, and has nobody to tell anything, is only held by whoever uses it, and by its calls.
    setActive(this.#internals, isActive && (this.#isReferenced || this.#hasListeners()))
    const mustHold = isActive && this.#isReferenced
    if (mustHold === this.#isHolding) return
    this.#isHolding = mustHold
    hold(mustHold)
  }

  #hasListeners(): boolean {
    return this.#onMessage !== null || this.eventNames().length > 0 || this.#face.hasAny()
  }

  #picture(snapshot: Snapshot): ConnectionSnapshot {
    // Changed in place: V8 would give each copy a shape of its own.
    return Object.freeze(
      Object.assign(snapshot, { error: snapshot.error === null ? null : this.#errorOf(snapshot.error) }),
    )
  }

  #errorOf(data: ErrorData): MCPError {
    return errorOf(data, { tokenFailure: this.#tokenFailure })
  }

  /** All calls of one turn leave in one write. */
  #flushSoon(): void {
    if (this.#flushIsQueued) return
    this.#flushIsQueued = true
    queueMicrotask(() => {
      this.#flushIsQueued = false
      // Somebody was refused; nothing may keep the process alive until he hears of it.
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
