/** The end of the bridge where the client is. It trusts nothing that comes through the port. */
import { checkName } from '../shared/arguments.js'
import { makeError } from '../shared/errors.js'
import { messageOf } from '../shared/foreign.js'
import { newAbortController, soon } from '../shared/globals.js'
import { checkNames } from '../shared/option-names.js'
import type { ConnectionSnapshot, LogEntry, MCPClientLike } from '../shared/types.js'
import { requestedId } from './answers.js'
import { encodeError, notAllowed } from './errors.js'
import { checkToServer, versionOf, VERSION, type OnDemand, type ToClient, type ToServer } from './messages.js'
import { openChannel, type BridgePort, type Channel } from './port.js'
import { encodeSnapshot, Service, type Subscriber } from './service.js'

/** What the far end may do. */
export interface ServeClientOptions {
  /**
   * The tools that may be called: their names, or a function that returns whether a call is allowed.
   * @default all
   */
  allowTools?: readonly string[] | ((toolName: string, parameters: unknown) => boolean) | undefined
  /** Whether `sendMessage` works. It bypasses `allowTools`, and can authenticate again. @default false */
  allowMessages?: boolean | undefined
  /**
   * Whether `reconnect` and `authenticate` work, and `connect` reopens a client that is closed or has failed.
   * @default false
   */
  allowControl?: boolean | undefined
  /** Called for messages that were dropped, because malformed or not allowed. @default `console.warn` */
  onLog?: ((entry: LogEntry) => void) | undefined
}

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

class Session implements ServedPort, Subscriber {
  readonly closed: Promise<void>
  readonly #client: MCPClientLike
  readonly #service: Service
  readonly #options: ServeClientOptions
  readonly #channel: Channel
  readonly #calls = new Map<number, AbortController>()
  /** Aborted when the port is closed. */
  readonly #portClosed = newAbortController()
  #wanted: readonly OnDemand[] = []
  #wantsStats = false
  #statsAreQueued = false
  #logged = 0

  constructor(client: MCPClientLike, port: BridgePort, options: ServeClientOptions) {
    this.#client = client
    this.#options = options
    this.#service = Service.of(client)
    this.closed = new Promise((resolve) => this.#portClosed.signal.addEventListener('abort', () => resolve()))
    this.#channel = openChannel(port, {
      message: (message) => this.#receiveSafely(message),
      unreadable: () => this.#logDropped('it cannot be read'),
      closed: () => this.#finish(),
    })
    this.#service.add(this)
    this.#welcome()
  }

  close(): void {
    if (this.#isOver) return
    this.send({ type: 'bye' })
    this.#finish()
  }

  // ── For the service ────────────────────────────────────────────────────────────────────────────────────────

  wants(event: OnDemand): boolean {
    return this.#wanted.includes(event)
  }

  send(message: ToClient): void {
    if (this.#isOver) return
    try {
      this.#channel.post(message)
    } catch (error) {
      // The message cannot be cloned, or the port was closed silently.
      const words = messageOf(error)
      this.#log(`a message of the bridge could not be sent: ${words}`, { type: message.type })
      if (message.type === 'done')
        this.send({
          type: 'failed',
          id: message.id,
          error: encodeError(new TypeError(`the results cannot cross the bridge: ${words}`)),
        })
    }
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
        this.#wantsStats = true
        return this.send({ type: 'stats', stats: this.#client.stats() })
      case 'bye':
        return this.#finish()
    }
  }

  #welcome(): void {
    this.send({
      type: 'welcome',
      snapshot: encodeSnapshot(this.#client.snapshot),
      stats: this.#client.stats(),
      allowMessages: this.#options.allowMessages === true,
    })
  }

  #call({ id, tool, parameters, options }: Extract<ToServer, { type: 'call' }>): void {
    if (this.#calls.has(id)) return this.#logDropped(`call ${id} is in flight already`)
    const parsed = this.#parse(parameters)
    if (parsed === null) return
    if (!this.#allowsTool(tool, parsed.value))
      return this.#fail(id, notAllowed(`the tool "${tool}" is not allowed through this bridge`))
    const controller = newAbortController()
    this.#calls.set(id, controller)
    const { timeout, idempotent, responseType } = options
    const settle = (answer: () => void) => {
      // A call that was cancelled gets no answer.
      if (this.#calls.get(id) !== controller) return
      this.#calls.delete(id)
      answer()
      this.#sendStatsSoon()
    }
    this.#client
      .useTool(tool, parsed.value, {
        signal: controller.signal,
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

  #cancel(id: number): void {
    const controller = this.#calls.get(id)
    this.#calls.delete(id)
    controller?.abort()
  }

  async #command({ id, name, token, seen }: Extract<ToServer, { type: 'command' }>): Promise<void> {
    const { allowControl = false } = this.#options
    try {
      if (name === 'connect') await this.#connect(seen)
      else if (!allowControl)
        throw notAllowed(`${name}() is not allowed through this bridge: the serving side must set allowControl`)
      else if (name === 'reconnect') await this.#client.reconnect()
      else await this.#client.authenticate(token ?? undefined)
      this.send({ type: 'done', id })
    } catch (error) {
      this.#fail(id, error)
    }
  }

  /**
   * Waits for 'ready', and starts a client that is 'idle'. Anything else needs `allowControl`, and the far end must
   * have seen the current state: one that has just connected must not reopen a client that was closed on purpose.
   */
  #connect(seen: string): Promise<void> {
    const { state, error } = this.#client.snapshot
    const { allowControl = false } = this.#options
    if (allowControl && seen === state) return this.#client.connect()
    switch (state) {
      case 'idle':
      case 'connecting':
      case 'authenticating':
      case 'ready':
        return this.#client.connect()
      case 'reconnecting':
        return this.#untilReady()
      default:
        throw allowControl
          ? (error ?? makeError('NOT_CONNECTED'))
          : notAllowed(
              `connect() is not allowed through this bridge in "${state}": the serving side must set allowControl`,
            )
    }
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#client.off('state', look)
        this.#portClosed.signal.removeEventListener('abort', stop)
      }
      const look = ({ state, error }: ConnectionSnapshot) => {
        if (TRANSIENT.has(state)) return
        stop()
        if (state === 'ready') resolve()
        else reject(error ?? makeError('NOT_CONNECTED'))
      }
      this.#client.on('state', look)
      this.#portClosed.signal.addEventListener('abort', stop)
    })
  }

  /** `id` was made by the far end, because it had to return one at once. */
  #request({ id, tool, parameters }: Extract<ToServer, { type: 'request' }>): void {
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
    if (id !== undefined) this.#service.claim(this, id, id)
    if (this.#client.sendMessage(text)) return
    const message = 'the message was not sent: the socket is not open, or the buffer is full'
    const error = makeError('NOT_CONNECTED', { message, sent: false })
    this.send({ type: 'event', name: 'error', detail: encodeError(error) })
  }

  // ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

  get #isOver(): boolean {
    return this.#portClosed.signal.aborted
  }

  #finish(): void {
    if (this.#isOver) return
    this.#portClosed.abort()
    this.#service.remove(this)
    this.#channel.close()
    for (const id of [...this.#calls.keys()]) this.#cancel(id)
  }

  #fail(id: number, error: unknown): void {
    this.send({ type: 'failed', id, error: encodeError(error) })
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
      this.send({ type: 'stats', stats: this.#client.stats() })
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

/** A Buffer may share its memory with others, and cloning it would copy all of that memory. */
function copyOf(bytes: unknown): Uint8Array {
  return new Uint8Array(bytes as Uint8Array)
}

/** @throws TypeError that names the option */
export function checkServeOptions(options: ServeClientOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('the options of serveClient must be an object')
  // A misspelt option would allow what it was meant to forbid.
  checkNames(options, OPTIONS, 'serveClient')
  const { allowTools, allowMessages, allowControl, onLog } = options
  if (Array.isArray(allowTools)) allowTools.forEach(checkName)
  else if (allowTools !== undefined && typeof allowTools !== 'function')
    throw new TypeError('option "allowTools" must be an array of names or a function')
  for (const [name, value] of Object.entries({ allowMessages, allowControl })) {
    if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`option "${name}" must be true or false`)
  }
  if (onLog !== undefined && typeof onLog !== 'function') throw new TypeError('option "onLog" must be a function')
}

const OPTIONS = ['allowTools', 'allowMessages', 'allowControl', 'onLog'] satisfies (keyof ServeClientOptions)[]

/** The states that lead to 'ready' by themselves. */
const TRANSIENT: ReadonlySet<string> = new Set(['connecting', 'authenticating', 'reconnecting'])

/** How many entries of one port are logged. */
const MAX_LOGGED = 16
