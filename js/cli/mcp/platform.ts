/**
 * The connection to the platform. It is dialed when it is used, and never given up: through outages the client
 * reconnects by itself; where it has stopped (a refused key, a wrong certificate, a server that says goodbye) a use
 * connects anew, at most every 30 s.
 */
import { EventEmitter } from 'node:events'
import type { LogEntry, MCPClient, MCPClientOptions } from '../../index.js'
import { createClient } from '../connection.js'
import type { Log } from './log.js'

interface PlatformEvents {
  /** Tools can be called, again or for the first time. */
  ready: []
  /** The platform describes its tools. */
  schemas: []
  /** The client does nothing more by itself. */
  stop: []
}

/** A call of a tool. */
export interface Call {
  readonly name: string
  readonly parameters: unknown
  readonly isIdempotent: boolean
  readonly signal: AbortSignal
}

/** The client has stopped, and a use connected less than 30 s ago; the cause is why it has stopped. */
export class Resting extends Error {
  override readonly name = 'Resting'
  /** Seconds until a use connects. */
  readonly seconds: number

  constructor(cause: unknown, ms: number) {
    super('the connection was tried just now', { cause })
    this.seconds = Math.ceil(ms / 1000)
  }
}

export class Platform extends EventEmitter<PlatformEvents> {
  readonly client: MCPClient
  readonly #log: Log
  #dialedAt = Number.NEGATIVE_INFINITY

  /** @throws UsageError for an option that cannot be used */
  static async create(options: MCPClientOptions, log: Log): Promise<Platform> {
    const lasting = { maxReconnectAttempts: Number.POSITIVE_INFINITY, offlineQueueLimit: MOST_WAITING }
    return new Platform(await createClient({ ...lasting, ...options }), log)
  }

  private constructor(client: MCPClient, log: Log) {
    super()
    this.client = client
    this.#log = log
    client.on('log', (entry) => this.#pass(entry))
    client.on('authenticated', () => this.emit('ready'))
    client.on('state', ({ state }) => ENDS.has(state) && this.emit('stop'))
    // Most messages are answers, and may be large: they are not parsed for this.
    client.addEventListener('message', ({ data }: { data: string }) => IS_SCHEMAS.test(data) && this.emit('schemas'))
  }

  get isReady(): boolean {
    return this.client.state === 'ready'
  }

  /**
   * Connects, unless that is done or under way.
   * @throws {@link Resting}
   */
  wake(): void {
    const { state, error } = this.client
    if (state !== 'idle' && !ENDS.has(state)) return
    const wait = this.#dialedAt + BETWEEN_DIALS_MS - performance.now()
    if (wait > 0) throw new Resting(error, wait)
    this.#dialedAt = performance.now()
    void this.client.connect()
  }

  tryToWake(): void {
    try {
      this.wake()
    } catch {}
  }

  /**
   * The JSON of the results; empty if there are none.
   * @throws what `useTool` rejects with; {@link Resting}
   */
  async call({ name, parameters, isIdempotent, signal }: Call): Promise<Buffer> {
    this.wake()
    const options = { signal, idempotent: isIdempotent, responseType: 'buffer' as const }
    return ((await this.client.useTool(name, parameters, options)) as Buffer | undefined) ?? Buffer.alloc(0)
  }

  /** Resolves when it is closed, or after a moment: the process is about to end. */
  async close(): Promise<void> {
    await Promise.race([this.client.close(), new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))])
    this.client.unref()
  }

  #pass({ level, message, fields: { url, cause, delay } }: LogEntry): void {
    if (level === 'debug') return
    const facts = Object.entries({ url, cause, delay }).filter(([, value]) => value !== undefined)
    const shown = facts.map(([name, value]) => `${name} ${value}`).join(', ')
    this.#log.write(level === 'warn' ? 'warning' : level, `${message} (${shown})`)
  }
}

/** How long after a dial the next one may follow, once the client has stopped. */
export const BETWEEN_DIALS_MS = 30_000
/** In these the client does nothing by itself, as in 'idle'. */
const ENDS: ReadonlySet<string> = new Set(['unauthorized', 'closed', 'failed'])
const IS_SCHEMAS = /^\s*\{\s*"event"\s*:\s*"schemas"/
const GOODBYE_MS = 500
/** Calls that wait for the connection. `maxBufferedAmount` bounds their bytes. */
const MOST_WAITING = 65_536
