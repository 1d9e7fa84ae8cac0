/**
 * The far end of the bridge, where a client is used that lives elsewhere. It contains no rule of the protocol; those
 * are where the client is. It sees to it that every call is settled, even if the other end never answers.
 */
import { FarEmitter } from './far-emitter.js'
import { checkCallOptions, checkMillis, checkName, serialise } from '../shared/arguments.js'
import { errorOfCall, makeError, type MCPError } from '../shared/errors.js'
import { soon } from '../shared/globals.js'
import { IDLE, NO_STATS } from '../shared/snapshots.js'
import type {
  ClientStats,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  LogEntry,
  UseToolOptions,
} from '../shared/types.js'
import { CONNECTING, OPEN, type BridgeClient, type BridgeClientEvents, type BridgeSnapshot } from './bridge-client.js'
import { decodeDetail, decodeSnapshot } from './decode.js'
import { asMCPError, connectionLost, decodeError, notAllowed, otherVersion } from './errors.js'
import {
  checkToClient,
  ON_DEMAND,
  VERSION,
  versionOf,
  type BridgeError,
  type CommandName,
  type ToClient,
  type ToServer,
} from './messages.js'
import { PAGE } from './page.js'
import {
  fail,
  lossOf,
  maySendAgain,
  newRequestId,
  Requests,
  toolNameOf,
  type Asking,
  type Request,
} from './requests.js'
import { startTimer } from './time.js'
import type { Loss, Retry, Transport, TransportEvents } from './transport.js'

export class FarClient implements BridgeClient {
  readonly #transport: Transport
  readonly #emitter = new FarEmitter<BridgeClientEvents>(() => this.#sendInterest())
  readonly #requests = new Requests()
  #bridge: BridgeSnapshot = CONNECTING
  #interest = ''
  #snapshot = IDLE
  /** Added to the client's revisions, so that they rise even if another client answers after a reconnect. */
  #revisionOffset = 0
  #stats = NO_STATS
  #allowsMessages = false
  #requestTimeout: number | undefined = DEFAULT_TIMEOUT
  /** The `connect()` in progress, and the snapshot at its start. */
  #connecting: { readonly seen: ConnectionSnapshot; readonly id: number; readonly settled: Promise<void> } | null = null
  #isClosing = false
  /** Why this end is closed; `null` while it is open. */
  #end: MCPError | null = null
  #onDrained: (() => void) | null = null

  constructor(open: (events: TransportEvents) => Transport) {
    this.#transport = open({
      opened: () => this.#greet(),
      message: (message) => this.#receive(message),
      problem: (words) => this.#log(words),
      lost: (loss) => this.#lose(loss),
    })
    PAGE.addEventListener?.('pagehide', this.#onPageHide)
    this.#transport.post({ type: 'hello' })
  }

  // ── State ──────────────────────────────────────────────────────────────────────────────────────────────────

  get bridge(): BridgeSnapshot {
    return this.#bridge
  }

  get snapshot(): ConnectionSnapshot {
    return this.#snapshot
  }

  get state(): ConnectionState {
    return this.#snapshot.state
  }

  get connected(): boolean {
    return this.#snapshot.connected
  }

  get authenticated(): boolean {
    return this.#snapshot.authenticated
  }

  get error(): MCPError | null {
    return this.#snapshot.error
  }

  /** The client's, if it is known. */
  get requestTimeout(): number | undefined {
    return this.#requestTimeout
  }

  /**
   * The counters of the client itself, with the calls of its other users, as the other end last sent them: with every
   * change of the state and, after the first call of `stats()`, with every answer.
   */
  stats(): ClientStats {
    this.#post({ type: 'stats' })
    return this.#stats
  }

  on<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this {
    this.#emitter.add(event, listener)
    return this
  }

  once<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this {
    this.#emitter.add(event, listener, true)
    return this
  }

  off<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this {
    this.#emitter.remove(event, listener)
    return this
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────

  connect(): Promise<void> {
    const seen = this.#snapshot
    const connecting = this.#connecting
    if (connecting?.seen === seen && this.#requests.has(connecting.id)) return connecting.settled
    this.#reopen()
    const id = this.#requests.nextId()
    const settled = this.#command(id, 'connect')
    this.#connecting = { seen, id, settled }
    return settled
  }

  reconnect(): Promise<void> {
    this.#reopen()
    return this.#command(this.#requests.nextId(), 'reconnect')
  }

  authenticate(token?: string): Promise<void> {
    if (token !== undefined && typeof token !== 'string')
      throw new TypeError(`the token must be a string, got ${typeof token}`)
    return this.#command(this.#requests.nextId(), 'authenticate', token)
  }

  useTool(toolName: string, parameters?: unknown, options: UseToolOptions = {}): Promise<any> {
    // An error thrown in here rejects the promise.
    return new Promise((resolve, reject) => {
      checkName(toolName)
      checkCallOptions(options)
      const { signal, timeout, idempotent, responseType } = options
      if (signal?.aborted) return reject(signal.reason)
      const json = serialise(toolName, parameters)
      // A `toJSON` of the parameters may have aborted it.
      if (signal?.aborted) return reject(signal.reason)
      const message = {
        type: 'call',
        id: this.#requests.nextId(),
        tool: toolName,
        parameters: json,
        options: { timeout, idempotent, responseType },
      } as const
      const request = this.#ask(message, resolve, reject)
      if (request === null) return
      this.#setDeadline(request)
      if (signal !== undefined)
        this.#requests.abortBy(request, signal, (reason) => this.#giveUp(request, () => request.reject(reason)))
    })
  }

  sendToolRequest(toolName: string, parameters?: unknown): string | null {
    checkName(toolName)
    const json = serialise(toolName, parameters)
    if (!this.#snapshot.connected || !this.#isOpen) return null
    const id = newRequestId()
    this.#post({ type: 'request', id, tool: toolName, parameters: json })
    return id
  }

  sendMessage(message: unknown): boolean {
    const text = typeof message === 'string' ? message : serialise('message', message)
    if (text === '' && typeof message !== 'string')
      throw new TypeError(`a message must be a string or a JSON value, got ${typeof message}`)
    if (!this.#snapshot.connected || !this.#isOpen) return false
    if (this.#allowsMessages) {
      this.#post({ type: 'send', text })
      return true
    }
    const error = notAllowed(
      'sendMessage() is not allowed through this bridge: the serving side must set allowMessages',
    )
    // A command emits nothing before it returns.
    soon(() => this.#emitter.emit(this, 'error', error))
    return false
  }

  close({ drain = 0 }: CloseOptions = {}): Promise<void> {
    checkMillis('drain', drain)
    return this.#close(drain)
  }

  async #close(drain: number): Promise<void> {
    if (drain > 0 && this.#isOpen && this.#requests.size > 0) await this.#drain(drain)
    if (this.#bridge.state !== 'closed') this.#finish(makeError('CLOSED', { sent: true }), 'closed')
  }

  async #drain(ms: number): Promise<void> {
    this.#isClosing = true
    this.#showSoon({ ...this.#snapshot, state: 'closing', revision: this.#snapshot.revision + 1 }, null)
    await new Promise<void>((resolve) => {
      const timer = startTimer(ms, resolve)
      this.#onDrained = () => {
        timer.stop()
        resolve()
      }
    })
  }

  #command(id: number, name: CommandName, token?: string): Promise<void> {
    const seen = this.#snapshot.state
    let request: Request | null = null
    const settled = new Promise<void>((resolve, reject) => {
      request = this.#ask({ type: 'command', id, name, token: token ?? null, seen }, resolve, reject)
    })
    if (request === null) settled.catch(() => {})
    else (request as Request).ignorable = settled
    return settled
  }

  /** Makes the next attempt now, and reopens a bridge that is closed or has failed, if the transport can. */
  #reopen(): void {
    const { state } = this.#bridge
    if (state === 'open' || state === 'connecting' || !this.#transport.reopen()) return
    this.#end = null
    const { attempt, error } = this.#bridge
    this.#bridge = Object.freeze({ ...CONNECTING, attempt, error })
    PAGE.addEventListener?.('pagehide', this.#onPageHide)
  }

  // ── What comes from the other end ──────────────────────────────────────────────────────────────────────────

  #receive(value: unknown): void {
    if (this.#end !== null) return
    const version = versionOf(value)
    if (version !== null && version !== VERSION) return this.#fail(otherVersion(version))
    const { message, problem } = checkToClient(value)
    if (problem !== null) return this.#log(`a message through the bridge was dropped: ${problem}`)
    switch (message.type) {
      case 'welcome':
        return this.#receiveWelcome(message)
      case 'state':
        return this.#receiveState(message)
      case 'event':
        return this.#receiveEvent(message)
      case 'done':
        return this.#settle(message.id)?.resolve(message.bytes ?? message.value)
      case 'failed': {
        const request = this.#settle(message.id)
        return request && fail(request, () => decodeError(message.error, toolNameOf(request)))
      }
      case 'stats':
        this.#stats = message.stats
        return
      case 'bye':
        return this.#receiveBye(message.error ?? null)
    }
  }

  #receiveWelcome({ snapshot, stats, allowMessages, requestTimeout }: Extract<ToClient, { type: 'welcome' }>): void {
    this.#stats = stats
    this.#allowsMessages = allowMessages
    if (this.#bridge.state === 'open') return
    this.#bridge = OPEN
    this.#requestTimeout = requestTimeout ?? undefined
    this.#interest = ''
    this.#sendInterest()
    for (const request of this.#requests.held) {
      if (request.timesSent === 0) this.#setDeadline(request)
      this.#send(request)
    }
    this.#revisionOffset = this.#snapshot === IDLE ? 0 : Math.max(0, this.#snapshot.revision + 1 - snapshot.revision)
    this.#emitter.emit(this, 'bridge', OPEN)
    // A listener may have closed this end.
    if (this.#isOpen) this.#begin(decodeSnapshot(snapshot, this.#revisionOffset))
  }

  /**
   * Emits what happened before this end connected, so that code can wait for 'authenticated' without looking at the
   * state first.
   */
  #begin(snapshot: ConnectionSnapshot): void {
    const { state } = this.#snapshot
    if (snapshot.state === state) this.#snapshot = snapshot
    else this.#show(snapshot, state)
    if (snapshot.connected) this.#emitter.emit(this, 'open')
    if (snapshot.authenticated) this.#emitter.emit(this, 'authenticated')
  }

  #receiveState({ snapshot, previous, stats }: Extract<ToClient, { type: 'state' }>): void {
    this.#stats = stats
    if (this.#bridge.state !== 'open') return
    const decoded = decodeSnapshot(snapshot, this.#revisionOffset)
    // What users see never goes back, and an end that is closing shows no other state.
    if (decoded.revision > this.#snapshot.revision && !this.#isClosing) this.#show(decoded, previous)
  }

  #receiveEvent({ name, detail }: Extract<ToClient, { type: 'event' }>): void {
    if (name === 'open' || name === 'authenticated') this.#emitter.emit(this, name)
    else this.#emitter.emit(this, name, decodeDetail(name, detail) as never)
  }

  /** After a reason that a retry may change, the transport makes another attempt. */
  #receiveBye(reason: BridgeError | null): void {
    const error = reason === null ? connectionLost('the other end of the bridge has closed it') : asMCPError(reason)
    if (error.retryable) this.#transport.drop(error)
    else this.#fail(error)
  }

  // ── New and lost ports ─────────────────────────────────────────────────────────────────────────────────────

  /** There is a new port: the other end is asked for its welcome. */
  #greet(): void {
    if (this.#end !== null) return
    const { attempt, error } = this.#bridge
    this.#bridge = Object.freeze({ ...CONNECTING, attempt, error })
    this.#emitter.emit(this, 'bridge', this.#bridge)
    this.#show({ ...this.#unknown(), state: 'connecting', attempt, error }, this.state)
    this.#transport.post({ type: 'hello' })
  }

  #lose({ error, retry }: Loss): void {
    if (this.#end !== null) return
    if (this.#isClosing) return this.#finish(makeError('CLOSED', { sent: true }), 'closed')
    if (retry === null) return this.#finish(error, 'failed')
    const isTooLarge = error.code === 'MESSAGE_TOO_LARGE'
    const lost = this.#requests.sent.filter((request) => isTooLarge || !maySendAgain(request))
    for (const request of this.#requests.sent) request.isHeld = true
    this.#showLoss(error, retry, () => {
      for (const request of lost) this.#reject(request, () => lossOf(request, error))
    })
  }

  #showLoss(error: MCPError, { attempt, delay, at }: Retry, andThen: () => void): void {
    const wait = { attempt, retryDelay: delay, retryAt: at, error }
    const bridge = Object.freeze({ state: 'reconnecting', ...wait } as const)
    this.#showSoon({ ...this.#unknown(), state: 'reconnecting', ...wait }, bridge, andThen)
  }

  /** Closes the bridge for a reason that no retry can change. */
  #fail(error: MCPError): void {
    this.#transport.close()
    if (this.#end === null) this.#finish(error, 'failed')
  }

  #finish(why: MCPError, state: 'closed' | 'failed'): void {
    const error = state === 'failed' ? why : null
    if (this.#bridge.state !== 'failed') this.#detach()
    this.#end = why
    this.#connecting = null
    this.#isClosing = false
    const requests = this.#requests.all
    this.#showSoon({ ...this.#unknown(), state, error }, Object.freeze({ ...CONNECTING, state, error }), () => {
      if (error !== null) this.#emitter.emit(this, 'failed', error)
      for (const request of requests) {
        const call = { toolName: toolNameOf(request), sent: request.timesSent > 0 }
        this.#reject(request, () => errorOfCall(why, call))
      }
    })
  }

  #detach(): void {
    PAGE.removeEventListener?.('pagehide', this.#onPageHide)
    this.#transport.post({ type: 'bye' })
    this.#transport.close()
  }

  /**
   * A page that is left closes its ports without telling the other end. A page in the back-forward cache keeps them.
   */
  readonly #onPageHide = ({ persisted }: { persisted?: boolean }): void => {
    if (persisted !== true) this.#transport.post({ type: 'bye' })
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  get #isOpen(): boolean {
    return this.#end === null && !this.#isClosing
  }

  /** Sends a message without a promise; it is dropped if the bridge is not open. */
  #post(message: ToServer): void {
    if (this.#bridge.state === 'open') this.#transport.post(message)
  }

  /** @returns `null` if this end is closed or full, and then the promise is rejected */
  #ask(message: Asking, resolve: (value: any) => void, reject: (reason: unknown) => void): Request | null {
    const toolName = message.type === 'call' ? message.tool : undefined
    const isHeld = this.#bridge.state !== 'open'
    const refusal = this.#refusal(toolName, isHeld)
    if (refusal !== null) {
      reject(refusal)
      return null
    }
    const request: Request = { message, resolve, reject, timesSent: 0, isHeld, deadline: null, unlisten: null }
    this.#requests.add(request)
    if (!isHeld) this.#send(request)
    return request
  }

  #send(request: Request): void {
    request.isHeld = false
    request.timesSent += 1
    this.#transport.post(request.message)
  }

  /** The error that a client in this state has; `null` if the request is accepted. */
  #refusal(toolName: string | undefined, isHeld: boolean): MCPError | null {
    if (this.#isClosing) return makeError('CLOSED', { toolName, sent: false })
    if (this.#end !== null) return makeError('NOT_CONNECTED', { toolName, sent: false, cause: this.#end })
    if (isHeld && this.#requests.size >= MAX_HELD) return makeError('QUEUE_FULL', { toolName, sent: false })
    return null
  }

  /** It may have been settled meanwhile. */
  #reject(request: Request, makeError: () => Error): void {
    if (this.#settle(request.message.id) !== undefined) fail(request, makeError)
  }

  #settle(id: number): Request | undefined {
    const request = this.#requests.take(id)
    if (this.#requests.size === 0) this.#onDrained?.()
    return request
  }

  /** The core keeps the timeout. This deadline is later, and only met if the core's answer does not come. */
  #setDeadline(request: Request): void {
    const { message } = request
    if (message.type !== 'call') return
    const timeout = message.options.timeout ?? this.#requestTimeout ?? 0
    this.#requests.limit(request, timeout && timeout + GRACE, () => {
      const cause = this.#bridge.error ?? undefined
      const details = { toolName: message.tool, sent: request.timesSent > 0, cause }
      this.#giveUp(request, () => fail(request, () => makeError('REQUEST_TIMEOUT', details)))
    })
  }

  #giveUp({ message: { id } }: Request, settle: () => void): void {
    this.#settle(id)
    this.#post({ type: 'cancel', id })
    settle()
  }

  #sendInterest(): void {
    const events = ON_DEMAND.filter((event) => this.#emitter.has(event))
    if (this.#bridge.state !== 'open' || events.join() === this.#interest) return
    this.#interest = events.join()
    this.#post({ type: 'listen', events })
  }

  /** @param previous the state before, which this end may have skipped */
  #show(snapshot: ConnectionSnapshot, previous: ConnectionState): void {
    this.#snapshot = Object.freeze(snapshot)
    this.#emitter.emit(this, 'state', this.#snapshot, previous)
  }

  /** The snapshots change at once; events come after the command that caused them has returned. */
  #showSoon(snapshot: ConnectionSnapshot, bridge: BridgeSnapshot | null, andThen?: () => void): void {
    const { state: previous } = this.#snapshot
    this.#snapshot = Object.freeze(snapshot)
    if (bridge !== null) this.#bridge = bridge
    soon(() => {
      if (bridge !== null) this.#emitter.emit(this, 'bridge', bridge)
      this.#emitter.emit(this, 'state', snapshot, previous)
      andThen?.()
    })
  }

  /** The next snapshot while the other end is not connected: only the URL is known. */
  #unknown(): ConnectionSnapshot {
    return { ...IDLE, url: this.#snapshot.url, revision: this.#snapshot.revision + 1 }
  }

  #log(message: string): void {
    const entry: LogEntry = { level: 'warn', message, fields: {} }
    this.#emitter.emit(this, 'log', Object.freeze(entry))
  }
}

/** How long after its timeout a call waits for the core's answer, in ms. */
const GRACE = 1_000

/** The timeout of calls until the other end has sent that of the client, in ms: a client's default. */
const DEFAULT_TIMEOUT = 30_000

/** How many calls and commands may wait for the other end: a client's default `offlineQueueLimit`. */
const MAX_HELD = 1_024
