/** Detects that the other end is gone without closing the socket: a half-open connection, a process that hangs. */
import { checkMillis } from '../shared/arguments.js'
import { now, startTimer, type Timer } from './time.js'

/** How soon a dead connection is detected. Times in ms. */
export interface HeartbeatOptions {
  /** Silence after which a ping is sent; 0 for no pings. @default 15000 */
  pingInterval?: number | undefined
  /** Silence after a ping that means the connection is dead. @default 10000 */
  pingTimeout?: number | undefined
}

interface HeartbeatEvents {
  ping(): void
  /** Nothing came within `silence` ms of a ping. Called once, and nothing is called after it. */
  lost(silence: number): void
}

export class Heartbeat {
  readonly #interval: number
  readonly #timeout: number
  readonly #events: HeartbeatEvents
  #hasHeard = false
  #awaitsAnswer = false
  /** How long the message that is being received may take, in ms. */
  #receiving = 0
  /** When the large messages that were sent have arrived at the latest, by `now()`. */
  #sentBy = 0
  #isStopped = false
  #timer: Timer | null = null

  /** Starts at once. */
  constructor({ pingInterval = PING_INTERVAL, pingTimeout = PING_TIMEOUT }: HeartbeatOptions, events: HeartbeatEvents) {
    this.#interval = pingInterval
    this.#timeout = pingTimeout
    this.#events = events
    if (pingInterval > 0) this.#listen()
  }

  /** To be called for everything that comes: it proves that the connection is alive. */
  heard(): void {
    this.#receiving = 0
    this.#proveLife()
  }

  /** The other end has announced a message of so many bytes. Nothing else comes before it. */
  announced(bytes: number): void {
    this.#receiving = timeFor(bytes)
    this.#proveLife()
  }

  /** A message of so many bytes is sent. A ping after it is answered only when the message has arrived. */
  sends(bytes: number): void {
    this.#sentBy = Math.min(Math.max(now(), this.#sentBy) + timeFor(bytes), now() + MAX_TIME)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
  }

  #proveLife(): void {
    if (this.#awaitsAnswer) this.#listen()
    else this.#hasHeard = true
  }

  #listen(): void {
    this.#hasHeard = false
    this.#awaitsAnswer = false
    this.#after(this.#interval, () => (this.#hasHeard ? this.#listen() : this.#ping()))
  }

  #ping(): void {
    this.#awaitsAnswer = true
    this.#events.ping()
    const sending = Math.max(0, this.#sentBy - now())
    this.#after(this.#timeout + this.#receiving + sending, () => this.#events.lost(this.#timeout))
  }

  #after(ms: number, act: () => void): void {
    this.#timer?.stop()
    if (this.#isStopped) return
    // The socket keeps the process alive, not its heartbeat.
    this.#timer = startTimer(ms, act, false)
  }
}

/** The time that a large message may take, in ms. */
function timeFor(bytes: number): number {
  return Math.min(bytes / LEAST_RATE, MAX_TIME)
}

/** @throws TypeError or RangeError that names the option */
export function checkHeartbeatOptions({ pingInterval, pingTimeout }: HeartbeatOptions): void {
  if (pingInterval !== undefined) checkMillis('pingInterval', pingInterval)
  if (pingTimeout !== undefined) checkMillis('pingTimeout', pingTimeout)
}

/** The defaults of a client (docs/options.md). Many proxies cut a connection that is silent for a minute. */
const PING_INTERVAL = 15_000
const PING_TIMEOUT = 10_000

/** The slowest connection that large messages are waited for on, in bytes per ms. */
const LEAST_RATE = 16
/** The longest wait for large messages, in ms, whatever size the other end has announced. */
const MAX_TIME = 600_000
