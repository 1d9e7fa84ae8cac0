/**
 * The far end of the bridge, where a client is used that lives elsewhere. It contains no rule of the protocol and no
 * timer; those are where the client is.
 */
import { checkCallOptions, checkKey, checkName, closeOptionsOf, serialise } from '../shared/arguments.js'
import { errorOfCall, makeError, MCPError } from '../shared/errors.js'
import { messageOf } from '../shared/foreign.js'
import { abortAfter, soon } from '../shared/globals.js'
import type { Snapshot } from '../shared/native-types.js'
import { rejectWith } from '../shared/rejections.js'
import { abortWith } from '../shared/signals.js'
import { IDLE } from '../shared/snapshots.js'
import type {
  ClientStats,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  LogEntry,
  MCPClientEvents,
  MCPClientLike,
  UseToolOptions,
} from '../shared/types.js'
import { Emitter } from './emitter.js'
import { connectionLost, decodeError, notAllowed } from './errors.js'
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
import { openChannel, type BridgePort, type Channel } from './port.js'

/**
 * The client that `serveClient` serves at the other end of this port.
 *
 * Until the other end has answered, its state is 'idle', and calls wait. `close()` closes only this end. If the port
 * closes, the state is 'failed', and calls in flight reject with CONNECTION_LOST. Neither can be undone: connect again.
 *
 * @throws TypeError if the port cannot be used
 */
export function connectClient(port: BridgePort): MCPClientLike {
  return new ConnectedClient(port)
}

interface Waiting {
  readonly resolve: (value: any) => void
  readonly toolName: string | undefined
  /** Of a command: its promise may be ignored. */
  ignorable?: Promise<void>
  /** Of a call with a signal. */
  stopListening?: () => void
}

class ConnectedClient implements MCPClientLike {
  readonly #channel: Channel
  readonly #emitter = new Emitter<MCPClientEvents>(() => this.#sendInterest())
  readonly #waiting = new Map<number, Waiting>()
  /** Messages that wait until the other end has answered; `null` afterwards. */
  #held: ToServer[] | null = []
  #interest = ''
  #snapshot = IDLE
  #stats = NO_STATS
  #allowsMessages = false
  #nextId = 0
  #isClosing = false
  /** Why this end is closed; `null` while it is open. */
  #end: MCPError | null = null
  #onDrained: (() => void) | null = null

  constructor(port: BridgePort) {
    this.#channel = openChannel(port, {
      message: (message) => this.#receive(message),
      unreadable: () => this.#logDropped('it cannot be read'),
      closed: () => this.#lose(connectionLost('the port of the bridge was closed')),
    })
    PAGE.addEventListener?.('pagehide', this.#onPageHide)
    this.#send({ type: 'hello' })
  }

  // ── State ──────────────────────────────────────────────────────────────────────────────────────────────────

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

  /**
   * The counters of the client itself, with the calls of its other users, as the other end last sent them: with every
   * change of the state and, after the first call of `stats()`, with every answer.
   */
  stats(): ClientStats {
    this.#post({ type: 'stats' })
    return this.#stats
  }

  on<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this {
    this.#emitter.add(event, listener)
    return this
  }

  once<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this {
    this.#emitter.add(event, listener, true)
    return this
  }

  off<E extends keyof MCPClientEvents>(event: E, listener: (...args: MCPClientEvents[E]) => void): this {
    this.#emitter.remove(event, listener)
    return this
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────

  connect(): Promise<void> {
    return this.#command('connect')
  }

  reconnect(): Promise<void> {
    return this.#command('reconnect')
  }

  authenticate(token?: string): Promise<void> {
    if (token !== undefined && typeof token !== 'string')
      throw new TypeError(`the token must be a string, got ${typeof token}`)
    if (token !== undefined) checkKey('the token', token)
    return this.#command('authenticate', token)
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
      const id = this.#wait(resolve, reject, toolName)
      if (id === null) return
      if (signal !== undefined) this.#abortBy(signal, id, reject)
      this.#post({ type: 'call', id, tool: toolName, parameters: json, options: { timeout, idempotent, responseType } })
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

  close(options: CloseOptions = {}): Promise<void> {
    const { drain } = closeOptionsOf(options)
    return this.#close(drain)
  }

  async #close(drain: number): Promise<void> {
    if (drain > 0 && this.#isOpen && this.#waiting.size > 0) await this.#drain(drain)
    if (this.#snapshot.state === 'closed' && this.#end !== null) return
    this.#finish(makeError('CLOSED', { sent: true }), { state: 'closed', error: null })
  }

  async #drain(ms: number): Promise<void> {
    const previous = this.#snapshot.state
    this.#isClosing = true
    this.#snapshot = Object.freeze({ ...this.#snapshot, state: 'closing', revision: this.#snapshot.revision + 1 })
    this.#emitSoon(this.#snapshot, previous)
    const signal = abortAfter(ms)
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve
      signal.addEventListener('abort', () => resolve())
    })
  }

  #command(name: CommandName, token?: string): Promise<void> {
    let id: number | null = null
    const settled = new Promise<void>((resolve, reject) => {
      id = this.#wait(resolve, reject)
      if (id !== null) this.#post({ type: 'command', id, name, token: token ?? null, seen: this.#snapshot.state })
    })
    const waiting = id === null ? undefined : this.#waiting.get(id)
    if (waiting !== undefined) waiting.ignorable = settled
    else settled.catch(() => {})
    return settled
  }

  // ── What comes through the port ────────────────────────────────────────────────────────────────────────────

  #receive(value: unknown): void {
    if (this.#end !== null) return
    const version = versionOf(value)
    if (version !== null && version !== VERSION) return this.#lose(otherVersion(version))
    const { message, problem } = checkToClient(value)
    if (problem !== null) return this.#logDropped(problem)
    switch (message.type) {
      case 'welcome':
        return this.#receiveWelcome(message)
      case 'state':
        this.#stats = message.stats
        // What users see never goes back, and an end that is closing shows no other state.
        if (message.snapshot.revision > this.#snapshot.revision && !this.#isClosing)
          this.#show(decodeSnapshot(message.snapshot), message.previous)
        return
      case 'event':
        return this.#receiveEvent(message)
      case 'done':
        return this.#settle(message.id)?.resolve(message.bytes ?? message.value)
      case 'failed': {
        const waiting = this.#settle(message.id)
        return waiting && fail(waiting, () => decodeError(message.error, waiting.toolName))
      }
      case 'stats':
        this.#stats = message.stats
        return
      case 'bye':
        return this.#lose(
          message.error ? asMCPError(message.error) : connectionLost('the other end of the bridge has closed it'),
        )
    }
  }

  #receiveWelcome({ snapshot, stats, allowMessages }: Extract<ToClient, { type: 'welcome' }>): void {
    this.#stats = stats
    this.#allowsMessages = allowMessages
    const held = this.#held
    if (held === null) return
    this.#held = null
    this.#sendInterest()
    for (const message of held) this.#post(message)
    this.#begin(decodeSnapshot(snapshot))
  }

  /**
   * Emits what happened before this end connected, so that code can wait for 'authenticated' without looking at the
   * state first.
   */
  #begin(snapshot: ConnectionSnapshot): void {
    const { state } = this.#snapshot
    if (this.#isClosing) return
    if (snapshot.state === state) this.#snapshot = snapshot
    else this.#show(snapshot, state)
    if (snapshot.connected) this.#emitter.emit(this, 'open')
    if (snapshot.authenticated) this.#emitter.emit(this, 'authenticated')
  }

  #receiveEvent({ name, detail }: Extract<ToClient, { type: 'event' }>): void {
    switch (name) {
      case 'open':
      case 'authenticated':
        return this.#emitter.emit(this, name)
      case 'message':
        return this.#emitter.emit(this, name, detail)
      case 'failed':
      case 'error':
        return this.#emitter.emit(this, name, asMCPError(detail as BridgeError))
      case 'reconnecting': {
        const info = detail as { attempt: number; maxAttempts: number | null; delay: number }
        return this.#emitter.emit(this, name, { ...info, maxAttempts: info.maxAttempts ?? Infinity })
      }
      default:
        return this.#emitter.emit(this, name, Object.freeze(detail) as never)
    }
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  get #isOpen(): boolean {
    return this.#end === null && !this.#isClosing
  }

  #post(message: ToServer): void {
    if (this.#end !== null) return
    if (this.#held !== null) {
      // Until the other end has answered, only messages with a promise are kept.
      if (message.type === 'call' || message.type === 'command') this.#held.push(message)
      return
    }
    this.#send(message)
  }

  #send(message: ToServer): void {
    try {
      this.#channel.post(message)
    } catch (cause) {
      this.#lose(connectionLost(`the port of the bridge takes no messages: ${messageOf(cause)}`))
    }
  }

  /** The id for the answer; `null` if this end is closed, and then the promise is rejected. */
  #wait(resolve: (value: any) => void, reject: (error: unknown) => void, toolName?: string): number | null {
    if (!this.#isOpen) {
      reject(this.#refusal(toolName))
      return null
    }
    const id = this.#nextId++
    this.#waiting.set(id, { resolve, toolName })
    return id
  }

  /** The error that a client in this state has. */
  #refusal(toolName: string | undefined): MCPError {
    if (this.#isClosing) return makeError('CLOSED', { toolName, sent: false })
    return makeError('NOT_CONNECTED', { toolName, sent: false, cause: this.#end })
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.stopListening?.()
    if (this.#waiting.size === 0) this.#onDrained?.()
    return waiting
  }

  #abortBy(signal: AbortSignal, id: number, reject: (reason: unknown) => void): void {
    const abort = (reason: unknown) => {
      this.#settle(id)
      if (this.#held === null) this.#post({ type: 'cancel', id })
      else this.#held = this.#held.filter((message) => !('id' in message) || message.id !== id)
      reject(reason)
    }
    this.#waiting.get(id)!.stopListening = abortWith(signal, { abort })
  }

  #sendInterest(): void {
    const events = ON_DEMAND.filter((event) => this.#emitter.has(event))
    if (this.#held !== null || this.#end !== null || events.join() === this.#interest) return
    this.#interest = events.join()
    this.#post({ type: 'listen', events })
  }

  /** @param previous the state before, which this end may have skipped */
  #show(snapshot: ConnectionSnapshot, previous: ConnectionState): void {
    this.#snapshot = snapshot
    this.#emitter.emit(this, 'state', snapshot, previous)
  }

  /** The other end is gone, or cannot be used. */
  #lose(error: MCPError): void {
    if (this.#end === null) this.#finish(error, { state: 'failed', error })
  }

  /** The snapshot changes at once; events and rejections come after the command that caused it has returned. */
  #finish(why: MCPError, { state, error }: Pick<ConnectionSnapshot, 'state' | 'error'>): void {
    const previous = this.#snapshot.state
    const neverLeft = new Set(this.#held?.map((message) => ('id' in message ? message.id : undefined)))
    if (this.#end === null) this.#detach()
    this.#end = why
    this.#held = null
    this.#isClosing = false
    this.#snapshot = Object.freeze({
      ...IDLE,
      url: this.#snapshot.url,
      revision: this.#snapshot.revision + 1,
      state,
      error,
    })
    this.#emitSoon(this.#snapshot, previous, () => {
      if (error !== null) this.#emitter.emit(this, 'failed', error)
      for (const [id, { toolName }] of [...this.#waiting]) {
        const waiting = this.#settle(id)
        if (waiting !== undefined) fail(waiting, () => errorOfCall(why, { toolName, sent: !neverLeft.has(id) }))
      }
    })
  }

  #emitSoon(snapshot: ConnectionSnapshot, previous: ConnectionState, andThen?: () => void): void {
    soon(() => {
      this.#emitter.emit(this, 'state', snapshot, previous)
      andThen?.()
    })
  }

  #detach(): void {
    PAGE.removeEventListener?.('pagehide', this.#onPageHide)
    this.#sendBye()
    this.#channel.close()
  }

  #sendBye(): void {
    try {
      this.#channel.post({ type: 'bye' } satisfies ToServer)
    } catch {
      // The port is closed already.
    }
  }

  /**
   * A page that is left closes its ports without telling the other end. A page in the back-forward cache keeps them.
   */
  readonly #onPageHide = ({ persisted }: { persisted?: boolean }): void => {
    if (persisted !== true) this.#sendBye()
  }

  #logDropped(problem: string): void {
    const entry: LogEntry = {
      level: 'warn',
      message: `a message through the bridge was dropped: ${problem}`,
      fields: {},
    }
    this.#emitter.emit(this, 'log', Object.freeze(entry))
  }
}

function fail({ resolve, ignorable }: Waiting, makeError: () => Error): void {
  rejectWith(resolve, () => {
    const error = makeError()
    // With a second reaction before, V8 would not find those who await it for the stack.
    ignorable?.catch(() => {})
    return error
  })
}

function decodeSnapshot({ error, ...snapshot }: Snapshot): ConnectionSnapshot {
  return Object.freeze({ ...snapshot, error: error ? asMCPError(error) : null })
}

function asMCPError(error: BridgeError): MCPError {
  const decoded = decodeError(error)
  return decoded instanceof MCPError
    ? decoded
    : makeError('INTERNAL_ERROR', { message: decoded.message, cause: decoded })
}

function otherVersion(version: number): MCPError {
  const message = `the other end speaks version ${version} of the bridge, this one ${VERSION}: use the same version of the package on both ends`
  return makeError('BRIDGE_VERSION', { message })
}

/** An id like those that the client makes (PROTOCOL.md rule 8). */
function newRequestId(): string {
  const digits = crypto.getRandomValues(new Uint32Array(9))
  return `req_${Date.now()}_${Array.from(digits, (digit) => (digit % 36).toString(36)).join('')}`
}

/** The global scope, with what it has in a page. */
const PAGE = globalThis as {
  addEventListener?(type: string, listener: (event: any) => void): void
  removeEventListener?(type: string, listener: (event: any) => void): void
}

const NO_STATS: ClientStats = Object.freeze({
  state: 'idle',
  pending: 0,
  queued: 0,
  requests: 0,
  succeeded: 0,
  failed: 0,
  timedOut: 0,
  lateResponses: 0,
  reconnects: 0,
  messagesSent: 0,
  messagesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  heartbeatRtt: Object.freeze({ last: null, min: null, mean: null, max: null }),
  requestLatency: Object.freeze({ count: 0, p50: null, p90: null, p99: null, max: null }),
  connectedSince: null,
})
