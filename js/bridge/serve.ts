/** The end of the bridge where the client is. It trusts nothing that comes through the port. */
import { makeError, type MCPError } from '../shared/errors.js'
import { messageOf } from '../shared/foreign.js'
import { soon } from '../shared/globals.js'
import type { LogEntry, MCPClientLike } from '../shared/types.js'
import { newAbortController } from './abort-controller.js'
import { requestedId } from './answers.js'
import { Backlog } from './backlog.js'
import { encodeError, notAllowed, withoutUrl } from './errors.js'
import {
  checkToServer,
  versionOf,
  VERSION,
  type BridgeError,
  type OnDemand,
  type ToClient,
  type ToServer,
} from './messages.js'
import { openChannel, type BridgePort, type Channel } from './port.js'
import {
  checkServeOptions,
  limitsOf,
  mayObserve,
  type Observable,
  type PortLimits,
  type ServeClientOptions,
} from './serve-options.js'
import { Service, type Subscriber } from './service.js'

/** A client that is served on a port. */
export interface ServedPort {
  /** Tells the far end, releases the port and aborts the calls that came through it. The client itself goes on. */
  close(): void
  /** Resolves when the port is closed, by either end; never rejects. */
  readonly closed: Promise<void>
}

/**
 * Lets the far end of a port, where `connectClient` is called, use this client. A client may be served on many ports;
 * each gets the answers to its own calls, and the events. The API key is never sent.
 *
 * @throws TypeError if the port cannot be used, or an option is unknown or of the wrong kind
 */
export function serveClient(client: MCPClientLike, port: BridgePort, options: ServeClientOptions = {}): ServedPort {
  checkServeOptions(options)
  return new Session(client, port, options)
}

/** A call in flight. */
interface Running {
  readonly controller: AbortController
  /** Characters of its parameters. */
  readonly size: number
}

class Session implements ServedPort, Subscriber {
  readonly closed: Promise<void>
  readonly #client: MCPClientLike
  readonly #service: Service
  readonly #options: ServeClientOptions
  readonly #limits: PortLimits
  readonly #channel: Channel
  readonly #backlog: Backlog
  readonly #calls = new Map<number, Running>()
  /** Characters of the parameters of calls in flight. */
  #bytesInCalls = 0
  #commands = 0
  #wanted: readonly OnDemand[] = []
  #wantsStats = false
  #statsAreQueued = false
  #logged = 0
  #isOver = false
  #resolveClosed: () => void = () => {}

  constructor(client: MCPClientLike, port: BridgePort, options: ServeClientOptions) {
    this.#client = client
    this.#options = options
    this.#limits = limitsOf(options)
    this.#service = Service.of(client)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#channel = openChannel(port, {
      message: (message) => this.#receiveSafely(message),
      unreadable: () => this.#logDropped('it cannot be read'),
      failed: (words) => this.#log(`the port of a bridge reports: ${words}`),
      closed: () => this.#finish(),
    })
    this.#backlog = new Backlog(this.#channel, this.#limits.maxBufferedAmount)
    this.#service.add(this)
    this.#welcome()
  }

  close(): void {
    this.#end()
  }

  // ── For the service ────────────────────────────────────────────────────────────────────────────────────────

  wants(event: OnDemand): boolean {
    return this.#wanted.includes(event) && (event === 'message' || this.maySee(event === 'log' ? 'logs' : 'stats'))
  }

  maySee(what: Observable): boolean {
    return mayObserve(this.#options, what)
  }

  send(message: ToClient): void {
    if (this.#isOver) return
    if (message.type === 'done' && this.#backlog.isFull) return this.#fail(message.id, tooMuchWaits('its results'))
    try {
      this.#backlog.post(message)
    } catch (error) {
      return this.#logUnsent(message, messageOf(error))
    }
    if (this.#backlog.isOverflowing) this.#end(tooMuchWaits('the messages'))
  }

  /** The message cannot be cloned, or the port was closed silently. */
  #logUnsent(message: ToClient, words: string): void {
    this.#log(`a message of the bridge could not be sent: ${words}`, { type: message.type })
    if (message.type === 'done') this.#fail(message.id, new TypeError(`the results cannot cross the bridge: ${words}`))
  }

  // ── What comes through the port ────────────────────────────────────────────────────────────────────────────

  /** No message of the far end may end this process. */
  #receiveSafely(value: unknown): void {
    try {
      if (!this.#isOver) this.#receive(value)
    } catch (error) {
      this.#logDropped(String(error))
    }
  }

  #receive(value: unknown): void {
    const { message, problem } = checkToServer(value)
    if (problem !== null) {
      // The other end learns this version from the welcome, and reports the difference itself.
      if (versionOf(value) !== null && versionOf(value) !== VERSION) this.#welcome()
      return this.#logDropped(problem)
    }
    switch (message.type) {
      case 'hello':
        return this.#welcome()
      case 'listen':
        this.#wanted = message.events
        return this.#service.updateListeners()
      case 'call':
        return this.#call(message)
      case 'cancel':
        return this.#cancel(message.id)
      case 'command':
        return void this.#command(message)
      case 'request':
        return this.#request(message)
      case 'send':
        return this.#sendMessage(message.text)
      case 'stats':
        this.#wantsStats = this.maySee('stats')
        return this.send({ type: 'stats', stats: this.#service.statsFor(this) })
      case 'bye':
        return this.#finish()
    }
  }

  #welcome(): void {
    const { requestTimeout } = this.#client
    this.send({
      type: 'welcome',
      snapshot: this.#service.snapshotFor(this),
      stats: this.#service.statsFor(this),
      allowMessages: this.#options.allowMessages === true,
      ...(requestTimeout !== undefined && { requestTimeout }),
    })
  }

  #call({ id, tool, parameters, options }: Extract<ToServer, { type: 'call' }>): void {
    if (this.#calls.has(id)) return this.#logDropped(`call ${id} is in flight already`)
    const parsed = this.#parse(parameters)
    if (parsed === null) return
    if (!this.#allowsTool(tool, parsed.value))
      return this.#fail(id, notAllowed(`the tool "${tool}" is not allowed through this bridge`))
    if (!this.#hasRoomFor(parameters)) return this.#fail(id, tooManyCalls())
    const { timeout, idempotent, responseType } = options
    const { signal, settle } = this.#begin(id, parameters.length)
    this.#client
      .useTool(tool, parsed.value, {
        signal,
        // Only options that were given: `undefined` is not the same as missing.
        ...(isGiven(timeout) && { timeout }),
        ...(isGiven(idempotent) && { idempotent }),
        ...(isGiven(responseType) && { responseType: responseType as 'json' }),
      })
      .then(
        (value) =>
          settle(() =>
            this.send(
              responseType === 'buffer' ? { type: 'done', id, bytes: copyOf(value) } : { type: 'done', id, value },
            ),
          ),
        (error) => settle(() => this.#fail(id, error)),
      )
  }

  #hasRoomFor({ length }: string): boolean {
    const { maxCalls, maxBufferedAmount } = this.#limits
    return (
      this.#calls.size < maxCalls &&
      this.#bytesInCalls + length <= maxBufferedAmount &&
      this.#service.hasRoomFor(this.#calls.size)
    )
  }

  #begin(id: number, size: number): { signal: AbortSignal; settle(answer: () => void): void } {
    const call = { controller: newAbortController(), size }
    this.#calls.set(id, call)
    this.#bytesInCalls += size
    this.#service.calls += 1
    return {
      signal: call.controller.signal,
      settle: (answer) => {
        // A call that was cancelled gets no answer.
        if (this.#calls.get(id) !== call) return
        this.#forget(id, call)
        answer()
        this.#sendStatsSoon()
      },
    }
  }

  #forget(id: number, { size }: Running): void {
    this.#calls.delete(id)
    this.#bytesInCalls -= size
    this.#service.calls -= 1
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#forget(id, call)
    call.controller.abort()
  }

  async #command(command: Extract<ToServer, { type: 'command' }>): Promise<void> {
    const { id } = command
    const { maxCommands } = this.#limits
    if (this.#commands >= maxCommands)
      return this.#fail(id, queueFull(`${maxCommands} commands of this port are waiting already (maxCommands)`))
    this.#commands += 1
    try {
      await this.#run(command)
      this.send({ type: 'done', id })
    } catch (error) {
      this.#fail(id, error)
    } finally {
      this.#commands -= 1
    }
  }

  async #run({ name, token, seen }: Extract<ToServer, { type: 'command' }>): Promise<void> {
    const { allowControl = false } = this.#options
    if (name === 'connect') return this.#connect(seen)
    if (!allowControl)
      throw notAllowed(`${name}() is not allowed through this bridge: the serving side must set allowControl`)
    return name === 'reconnect' ? this.#client.reconnect() : this.#client.authenticate(token ?? undefined)
  }

  /**
   * Waits for 'ready', and starts a client that is 'idle'. Anything else needs `allowControl`, and the far end must
   * have seen the current state: one that has just connected must not reopen a client that was closed on purpose.
   */
  #connect(seen: string): Promise<void> {
    const { state, error } = this.#client.snapshot
    const { allowControl = false } = this.#options
    if (allowControl && seen === state) return this.#service.connect()
    switch (state) {
      case 'idle':
      case 'connecting':
      case 'authenticating':
      case 'ready':
        return this.#service.connect()
      case 'reconnecting':
        return this.#service.untilReady(this)
      default:
        throw allowControl
          ? (error ?? makeError('NOT_CONNECTED'))
          : notAllowed(
              `connect() is not allowed through this bridge in "${state}": the serving side must set allowControl`,
            )
    }
  }

  /** `id` was made by the far end, because it had to return one at once. */
  #request({ id, tool, parameters }: Extract<ToServer, { type: 'request' }>): void {
    if (id.length > this.#limits.maxIdLength) return this.#logDropped(this.#idIsTooLong())
    const parsed = this.#parse(parameters)
    if (parsed === null) return
    if (!this.#allowsTool(tool, parsed.value)) {
      const { code, message } = notAllowed(`the tool "${tool}" is not allowed through this bridge`)
      // Its answer would arrive as a message, and so does its error.
      return this.send({ type: 'event', name: 'message', detail: { id, error: { code, message } } })
    }
    const sentAs = this.#client.sendToolRequest(tool, parsed.value)
    if (sentAs !== null) this.#service.claim(this, sentAs, id)
  }

  #sendMessage(text: string): void {
    if (this.#options.allowMessages !== true)
      return this.#logDropped('sendMessage() is not allowed through this bridge')
    const id = requestedId(text)
    if (String(id).length > this.#limits.maxIdLength) return this.#sendError(queueFull(this.#idIsTooLong()))
    if (id !== undefined) this.#service.claim(this, id, id)
    if (this.#client.sendMessage(text)) return
    const message = 'the message was not sent: the socket is not open, or the buffer is full'
    this.#sendError(makeError('NOT_CONNECTED', { message, sent: false }))
  }

  #sendError(error: MCPError): void {
    this.send({ type: 'event', name: 'error', detail: encodeError(error) })
  }

  #idIsTooLong(): string {
    return `the id of a request may have at most ${this.#limits.maxIdLength} characters (maxIdLength)`
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells the far end, with a reason if there is one, and releases the port. */
  #end(reason?: MCPError): void {
    if (this.#isOver) return
    if (reason !== undefined) this.#log(`a port of the bridge was closed: ${reason.message}`)
    try {
      this.#channel.post({
        type: 'bye',
        ...(reason !== undefined && { error: encodeError(reason) }),
      } satisfies ToClient)
    } catch {
      // The port is closed already.
    }
    this.#finish()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#service.remove(this)
    this.#channel.close()
    for (const id of [...this.#calls.keys()]) this.#cancel(id)
    this.#resolveClosed()
  }

  #fail(id: number, error: unknown): void {
    const encoded = encodeError(error)
    this.send({ type: 'failed', id, error: this.maySee('url') ? encoded : this.#withoutUrl(encoded) })
  }

  #withoutUrl(error: BridgeError): BridgeError {
    return withoutUrl(error, this.#client.snapshot.url)
  }

  /** `null` if they are not JSON, which `connectClient` never sends. */
  #parse(parameters: string): { value: unknown } | null {
    try {
      return { value: parameters === '' ? undefined : JSON.parse(parameters) }
    } catch {
      this.#logDropped('its parameters are not JSON')
      return null
    }
  }

  #allowsTool(tool: string, parameters: unknown): boolean {
    const { allowTools } = this.#options
    if (allowTools === undefined) return true
    if (typeof allowTools !== 'function') return allowTools.includes(tool)
    try {
      return allowTools(tool, parameters) === true
    } catch (error) {
      this.#log(`the function allowTools failed, so the call was not allowed: ${String(error)}`, { tool })
      return false
    }
  }

  /** Once a turn, and only after the far end has asked for counters. */
  #sendStatsSoon(): void {
    if (!this.#wantsStats || this.#statsAreQueued) return
    this.#statsAreQueued = true
    soon(() => {
      this.#statsAreQueued = false
      this.send({ type: 'stats', stats: this.#service.statsFor(this) })
    })
  }

  #logDropped(problem: string): void {
    this.#log(`a message through the bridge was dropped: ${problem}`)
  }

  /** Limited, so that a hostile end cannot fill the log. */
  #log(message: string, fields: LogEntry['fields'] = {}): void {
    this.#logged += 1
    if (this.#logged > MAX_LOGGED) return
    const last = this.#logged === MAX_LOGGED ? '; further ones of this port are not logged' : ''
    const entry = { level: 'warn', message: message + last, fields } as const
    if (this.#options.onLog) this.#options.onLog(entry)
    else console.warn(entry.message, fields)
  }
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null
}

function queueFull(message: string): MCPError {
  return makeError('QUEUE_FULL', { message, sent: false })
}

function tooManyCalls(): MCPError {
  return queueFull(
    'too many calls through this bridge are in flight (maxCalls), or their parameters are too large (maxBufferedAmount)',
  )
}

/** @param what what cannot be sent */
function tooMuchWaits(what: string): MCPError {
  const message = `${what} cannot be sent, because the far end of the bridge does not read what was sent before: see maxBufferedAmount`
  return makeError('QUEUE_FULL', { message, sent: true })
}

/** A Buffer may share its memory with others, and cloning it would copy all of that memory. */
function copyOf(bytes: unknown): Uint8Array {
  return new Uint8Array(bytes as Uint8Array)
}

/** How many entries of one port are logged. */
const MAX_LOGGED = 16
