/**
 * A client over the core: what `MCPClient` does, in Node.js and in pages. The class that users see adds the base class
 * of its events and the words for the editor, and passes everything on to this one.
 */
import {
  checkCallOptions,
  checkKey,
  checkName,
  checkToolsOptions,
  closeOptionsOf,
  PARAMETERS_ARE_JSON,
  serialise,
} from '../arguments.js'
import { explain } from '../close-codes.js'
import type { MCPError } from '../errors.js'
import { soon } from '../globals.js'
import { DIALED } from '../internals.js'
import type { ErrorData, Notice, Snapshot } from '../native-types.js'
import {
  bufferFull,
  checkSend,
  isMadeLikeASocket,
  readyStateOf,
  SocketFace,
  type SocketFaceOwner,
} from '../socket-face.js'
import type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  FlightRecord,
  MCPClientOptions,
  ToolDescription,
  ToolsOptions,
  UseToolOptions,
} from '../types.js'
import type { NativeClient } from './binding.js'
import * as FLAG from './flag.js'
import * as ITEM from './item.js'
import { Call, type Caller } from './call.js'
import { command } from './command.js'
import { ClientErrors } from './errors.js'
import { answerToken, answerUrls, type Asked } from './functions.js'
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
import { Interest } from './interest.js'
import { Listeners, type OwnListeners } from './listeners.js'
import { mergeArguments, optionErrorOf, sortOptions, type SortedOptions } from './options.js'
import { replaces, runtime, type CallTrace, type Replaceable } from './runtime.js'
import { describedBy } from './tools.js'
import { wholeUrl, type UrlOption } from './urls.js'

/** What the constructor takes, as `MCPClient` documents it. */
export type ClientArguments = [
  first?: UrlOption | MCPClientOptions | undefined,
  second?: MCPClientOptions | string | readonly string[] | undefined,
]

/** The public methods are those of `MCPClient`, which describes them. */
export class Client implements Recipient, SocketFaceOwner, Replaceable, Caller, Asked {
  readonly face: SocketFace
  readonly native: NativeClient
  readonly id: number
  readonly errors = new ClientErrors()
  /** Whole, in the order of the core's list. */
  urls: readonly string[]
  readonly requestTimeout: number
  readonly askProxy: SortedOptions['askProxy']
  readonly #listeners: Listeners
  readonly #interest: Interest
  /** By what the functions that every call uses know the native client. */
  readonly #number: unknown
  readonly #askToken: SortedOptions['askToken']
  readonly #askUrls: SortedOptions['askUrls']
  /** As given, to tell whether another client has the same. */
  #key: unknown
  #snapshot: ConnectionSnapshot
  /** The snapshot of the last 'state' event. After a command, `#snapshot` may be newer. */
  #emitted: ConnectionSnapshot
  /** Flags of every call: what its caller can see of the client. */
  #flags = 0
  #isReferenced = true
  #isHolding = false
  #flushIsQueued = false

  /**
   * @param target what users see, the target of the events
   * @param listeners those that users add to it
   * @throws what the constructor of `MCPClient` throws
   */
  constructor(target: object, listeners: OwnListeners, [first = {}, second = {}]: ClientArguments) {
    runtime.prepare?.()
    const sorted = sortOptions(mergeArguments(first, second))
    sorted.urls.forEach(runtime.checkNetwork)
    this.urls = sorted.urls
    this.#askUrls = sorted.askUrls
    this.#listeners = new Listeners(target, listeners, sorted.onMessage)
    this.#askToken = sorted.askToken
    this.askProxy = sorted.askProxy
    this.#key = sorted.key
    this.face = new SocketFace(target, this)
    try {
      this.native = createNative(this, sorted.native)
    } catch (error) {
      throw optionErrorOf(error)
    }
    this.#interest = new Interest(this.native, this.#listeners, this.face)
    this.id = this.native.id()
    this.#number = this.native.number()
    this.requestTimeout = this.native.requestTimeout()
    this.#snapshot = this.#emitted = this.#snapshotOf(JSON.parse(this.native.snapshot()) as Snapshot)
    // Code that makes it like a WebSocket is about to add listeners.
    if (isMadeLikeASocket(first, second)) this.#interest.holdOpenings()
    const hasReplaced = sorted.autoConnect && this.#replaces(runtime.closedBefore())
    // Listeners added in the same turn miss nothing; after it, the core is asked only for what is listened to.
    soon(() => {
      this.#interest.endFirstTurn()
      this.listenersChanged()
      if (!hasReplaced && this.face.has('close')) this.#replaces(runtime.predecessorOf(this))
    })
    if (sorted.autoConnect) void this.connect()
  }

  // ── State ──────────────────────────────────────────────────────────────────────────────────────────────────

  get snapshot(): ConnectionSnapshot {
    return this.#snapshot
  }

  get url(): string {
    return wholeUrl(this.#snapshot.url, this.urls, () => this.native.endpoint())
  }

  stats(): ClientStats {
    return JSON.parse(this.native.stats()) as ClientStats
  }

  dump(): FlightRecord {
    return JSON.parse(this.record()) as FlightRecord
  }

  record(): string {
    return this.native.dump()
  }

  // ── Commands. Their promises may be ignored: they never become unhandled rejections. ───────────────────────

  connect(): Promise<void> {
    this.#revive()
    return this.#command((slot) => this.native.connect(slot))
  }

  reconnect(): Promise<void> {
    this.#revive()
    return this.#command((slot) => this.native.reconnect(slot))
  }

  authenticate(token?: string): Promise<void> {
    if (token !== undefined && typeof token !== 'string')
      throw new TypeError(`the token must be a string, got ${typeof token}`)
    if (token !== undefined) checkKey('the token', token)
    this.#revive()
    this.#key = token ?? this.#key
    return this.#command((slot) => this.native.authenticate(token ?? null, slot))
  }

  close(first: CloseOptions | number = {}, second?: string): Promise<void> {
    const { code, reason, drain } = closeOptionsOf(first, second)
    // A WebSocket that closes while its 'close' is handled has no second 'close'.
    if (runtime.closedBefore() === this) this.face.replace()
    const closed = this.#command((slot) => this.native.close(code, reason, drain, slot))
    // Only a core that breaks meanwhile fails this.
    return closed.catch(() => {})
  }

  // ── Calls and messages ─────────────────────────────────────────────────────────────────────────────────────

  useTool(toolName: string, parameters: unknown, options: UseToolOptions = NO_OPTIONS): Promise<any> {
    const { observers } = runtime
    if (observers === undefined || !observers.tracesCalls()) return this.#call(toolName, parameters, options)
    const context = { client: this.id, toolName, url: this.#snapshot.url }
    return observers.traceCall(context, (trace) => this.#call(toolName, parameters, options, trace))
  }

  async tools(options: ToolsOptions = {}): Promise<readonly ToolDescription[]> {
    checkToolsOptions(options)
    const { signal, timeout = this.requestTimeout } = options
    return describedBy(this, signal, (slot) => this.native.tools(timeout, this.#flags, slot))
  }

  sendMessage(message: unknown): boolean {
    const text = typeof message === 'string' ? message : serialise('message', message)
    if (text === '' && typeof message !== 'string')
      throw new TypeError(`a message must be a string or a JSON value, got ${typeof message}`)
    const isAccepted = this.native.send(text)
    if (isAccepted) this.#flushSoon()
    return isAccepted
  }

  /** `send()` of a WebSocket. */
  send(data: string): void {
    const { readyState } = this
    checkSend(data, readyState)
    if (this.sendMessage(data) || readyState !== OPEN) return
    // The core may know that the socket has closed before JavaScript does.
    if (readyStateOf(JSON.parse(this.native.snapshot()) as Snapshot) === OPEN) throw bufferFull()
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return readyStateOf(this.#snapshot)
  }

  sendToolRequest(toolName: string, parameters?: unknown): string | null {
    checkName(toolName)
    const id = this.native.sendToolRequest(toolName, serialise(toolName, parameters))
    if (id !== null) this.#flushSoon()
    return id
  }

  // ── The process, and listeners ─────────────────────────────────────────────────────────────────────────────

  /** Whether it keeps the process alive while it is open. */
  reference(isReferenced: boolean): void {
    this.#isReferenced = isReferenced
    this.#updateHold()
  }

  /** There may be more or fewer listeners: the core only sends events that have some. */
  listenersChanged(): void {
    if (!this.#isReferenced) this.#updateHold()
    this.#interest.update()
  }

  inContext(act: () => void): void {
    this.#listeners.inContext(act)
  }

  // ── From the core ──────────────────────────────────────────────────────────────────────────────────────────

  receiveNotice(notice: Notice): void {
    switch (notice.type) {
      case 'state':
        return this.#changeState(notice.snapshot, notice.previous)
      case 'open':
        return this.#emitOpen()
      case 'authenticated':
        return this.#listeners.emit('authenticated')
      case 'close':
        return this.#emitClose(Object.freeze({ ...notice.info, explanation: explain(notice.info.code) }))
      case 'reconnecting':
        return this.#listeners.emit('reconnecting', {
          attempt: notice.attempt,
          maxAttempts: notice.maxAttempts ?? Infinity,
          delay: notice.delay,
        })
      case 'heartbeat':
        return this.#listeners.emit('heartbeat', { rtt: notice.rtt })
      case 'failed':
        this.#listeners.emit('failed', this.errors.final(notice.error, notice.events))
        return this.face.closeUnopened()
      case 'error':
        return this.#emitError(this.errors.reason(notice.error))
      case 'log':
        Object.freeze(notice.entry)
        runtime.observers?.observeLog(this, notice.entry)
        return this.#listeners.emit('log', notice.entry)
      default:
        return runtime.observers?.observeDial(this, notice, (...told) => this.#listeners.emit(DIALED, ...told))
    }
  }

  receiveMessage(text: string, isJson: boolean): void {
    this.face.dispatch('message', { data: text })
    if (isJson && this.#listeners.hearMessages) this.#listeners.emitMessage(JSON.parse(text))
  }

  ask(kind: number, number: number, text: string): void {
    switch (kind) {
      case ITEM.ASK_TOKEN:
        return this.inContext(() => void answerToken(this, this.#askToken, number))
      case ITEM.ASK_URLS:
        return this.inContext(() => void answerUrls(this, this.#askUrls, number))
      default:
        return runtime.answer?.(this, kind, number, text)
    }
  }

  rest(): void {
    if (this.#hasEnded) this.#listeners.leaveContext()
  }

  failure(error: ErrorData, toolName: string | undefined): () => MCPError {
    return this.errors.failure(error, toolName)
  }

  // ── For a client that may take its place ───────────────────────────────────────────────────────────────────

  get key(): unknown {
    return this.#key
  }

  get closeListeners(): string {
    return this.face.sourceOf('close')
  }

  get isReplaceable(): boolean {
    const { state } = this.#snapshot
    const isWaiting = state === 'reconnecting' || state === 'connecting' || state === 'authenticating'
    return isWaiting || (!this.#hasEnded && this.#isOnlyASocket)
  }

  replace(): void {
    this.face.replace()
    this.native.warn(IS_REPLACED)
    void this.close()
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  #changeState(data: Snapshot, previous: ConnectionState): void {
    const snapshot = data.revision === this.#snapshot.revision ? this.#snapshot : this.#snapshotOf(data)
    // A command may have shown a newer snapshot already: what users see never goes back.
    if (snapshot.revision > this.#snapshot.revision) this.#show(snapshot)
    this.#emitted = snapshot
    const { state } = snapshot
    if (state === 'connecting' && BEFORE_THE_FIRST_DIAL.has(previous)) this.face.begin()
    this.#interest.observeDials()
    runtime.observers?.observeState(this, snapshot, previous)
    this.#listeners.emit('state', snapshot, previous)
    // `close()` was called when no socket was open.
    if (state === 'closed' && (previous === 'connecting' || previous === 'reconnecting')) this.face.closeUnopened()
  }

  #emitOpen(): void {
    this.face.begin()
    this.#listeners.emit('open')
    this.face.dispatch('open', {})
    // The listeners may authenticate by themselves, also after an `await`.
    if (this.face.holdsOpenings) runtime.scheduleApart(() => this.native.openTold())
  }

  #emitClose(info: CloseInfo): void {
    const isForFace = this.face.close()
    this.#listeners.emit('close', info)
    if (!isForFace) return
    this.face.dispatch('close', info, info.willReconnect ? (act) => runtime.runAfterClose(this, act) : undefined)
  }

  #emitError(error: MCPError): void {
    this.#listeners.emit('error', error)
    this.face.dispatch('error', { error, message: error.message })
    // The upgrade itself was refused.
    if (this.#emitted.state === 'unauthorized' && !this.#emitted.connected) this.face.closeUnopened()
  }

  #replaces(other: Replaceable | undefined): boolean {
    const replaced = replaces(this, other)
    if (replaced) this.native.warn(HAS_REPLACED)
    return replaced
  }

  /** The client is used again. After an end it belongs to whoever does that. */
  #revive(): void {
    this.face.restore()
    if (this.#hasEnded) this.#listeners.enterContext()
  }

  get #hasEnded(): boolean {
    return this.#snapshot.state === 'closed' || this.#snapshot.state === 'failed'
  }

  /** It hears and sends messages as a WebSocket does, and nothing else of it was ever used. */
  get #isOnlyASocket(): boolean {
    return this.face.has('message') && !this.#listeners.haveAny && this.stats().requests === 0
  }

  #call(toolName: string, parameters: unknown, options: UseToolOptions, trace?: CallTrace): Promise<unknown> {
    return new Promise((resolve, reject) => {
      try {
        checkName(toolName)
        if (options !== NO_OPTIONS) checkCallOptions(options)
        const { signal, timeout = this.requestTimeout, idempotent = false, responseType } = options
        if (signal?.aborted) throw signal.reason
        const json = PARAMETERS_ARE_JSON in options ? (parameters as string) : serialise(toolName, parameters)
        // A `toJSON` of the parameters may have aborted it.
        if (signal?.aborted) throw signal.reason
        const call = new Call(this, toolName, resolve, reject, trace)
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
          // Made here, so that its stack shows who has called.
          throw this.failure(JSON.parse(key) as ErrorData, toolName)()
        }
        if (trace !== undefined && key !== undefined) trace.requestId = this.native.requestId?.(key) ?? null
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
    if (this.native.abort(key)) vacate(slot)
    else if (!keepsFailure(slot)) this.native.discardResults(slot)
  }

  /** `act` returns the snapshot after the command, as JSON. */
  #command(act: (slot: number) => string): Promise<void> {
    this.#interest.observeDials()
    return command(this, (slot) => {
      const latest = JSON.parse(act(slot)) as Snapshot
      if (latest.revision !== this.#snapshot.revision) this.#show(this.#snapshotOf(latest))
    })
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
    if (!isActive) this.native.awaitCommit()
    // If it is unreferenced and has no listeners, only the user's code and its calls hold it.
    setActive(this, isActive && (this.#isReferenced || this.#listeners.haveAny || this.face.hasAny()))
    if (this.#hasEnded && this.#listeners.haveContext) restSoon(this)
    const mustHold = isActive && this.#isReferenced
    if (mustHold === this.#isHolding) return
    this.#isHolding = mustHold
    hold(mustHold)
  }

  #snapshotOf(data: Snapshot): ConnectionSnapshot {
    // Changed in place, because V8 would give each copy a shape of its own.
    return Object.freeze(Object.assign(data, { error: data.error === null ? null : this.errors.reason(data.error) }))
  }

  /** All calls of one turn are sent in one write. */
  #flushSoon(): void {
    if (this.#flushIsQueued) return
    this.#flushIsQueued = true
    soon(() => {
      this.#flushIsQueued = false
      // The promise of a call that was refused must reject even if nothing keeps the process alive.
      if (flush(this.#number)) drainSoon()
    })
  }
}

const NO_OPTIONS: UseToolOptions = Object.freeze({})

/** The `readyState` of an open socket. */
const OPEN = 1

/** From these a dial is the user's wish, and a WebSocket whose dial fails owes a 'close'. Others follow a 'close'. */
const BEFORE_THE_FIRST_DIAL: ReadonlySet<ConnectionState> = new Set(['idle', 'unauthorized', 'closed', 'failed'])

/** A call made in one of these states fails with the client's error if the client has failed in the meantime. */
const ACCEPTING_CALLS: ReadonlySet<ConnectionState> = new Set(['connecting', 'authenticating', 'ready', 'reconnecting'])

const IS_REPLACED = 'closed: one of its close listeners has made another client for the same endpoint and key'

const HAS_REPLACED = 'replaces the client whose close event has led to this one'
