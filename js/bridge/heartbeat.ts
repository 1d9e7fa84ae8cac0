/** Detects that the other end is gone without closing the socket: a half-open connection, a process that hangs. */
import { checkMillis } from '../shared/arguments.js'
import { startTimer, type Timer } from './time.js'

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
  /** Added to the timeout while a large message is on its way, in ms. */
  #patience = 0
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
    this.#hasHeard = true
    this.#patience = 0
  }

  /** A message of so many bytes comes or leaves now: nothing else can come before it is through. */
  expect(bytes: number): void {
    this.#hasHeard = true
    this.#patience = Math.min(bytes / LEAST_RATE, MAX_PATIENCE)
  }

  stop(): void {
    this.#timer?.stop()
  }

  #listen(): void {
    this.#hasHeard = false
    this.#after(this.#interval, () => (this.#hasHeard ? this.#listen() : this.#ping()))
  }

  #ping(): void {
    this.#events.ping()
    this.#after(this.#timeout + this.#patience, () =>
      this.#hasHeard ? this.#listen() : this.#events.lost(this.#timeout),
    )
  }

  #after(ms: number, act: () => void): void {
    // The socket keeps the process alive, not its heartbeat.
    this.#timer = startTimer(ms, act, false)
  }
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
/** The longest wait for a large message, in ms, whatever size the other end has announced. */
const MAX_PATIENCE = 600_000
