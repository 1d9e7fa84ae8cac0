/** Notices that the other end is gone though nothing has said so: a half-open socket, a process that hangs. */
import { checkMillis } from '../shared/arguments.js'
import { startTimer, type Timer } from './time.js'

/** How soon a socket that is dead is noticed. */
export interface HeartbeatOptions {
  /** ms of silence after which the other end is sent a ping; 0 sends none. @default 15000 */
  pingInterval?: number | undefined
  /** ms of silence after a ping that mean the other end is gone. @default 10000 */
  pingTimeout?: number | undefined
}

interface HeartbeatEvents {
  ping(): void
  /** Nothing came in time. Called once, and then nothing more is. */
  lost(silence: number): void
}

export class Heartbeat {
  readonly #interval: number
  readonly #timeout: number
  readonly #events: HeartbeatEvents
  #hasHeard = false
  #timer: Timer | null = null

  /** It begins at once. */
  constructor({ pingInterval = PING_INTERVAL, pingTimeout = PING_TIMEOUT }: HeartbeatOptions, events: HeartbeatEvents) {
    this.#interval = pingInterval
    this.#timeout = pingTimeout
    this.#events = events
    if (pingInterval > 0) this.#listen()
  }

  /** To be called for everything that comes: all of it proves life. */
  heard(): void {
    this.#hasHeard = true
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
    this.#after(this.#timeout, () => (this.#hasHeard ? this.#listen() : this.#events.lost(this.#timeout)))
  }

  #after(ms: number, act: () => void): void {
    // The socket keeps the process alive, not what watches it.
    this.#timer = startTimer(ms, act, false)
  }
}

/** @throws TypeError or RangeError that names the option */
export function checkHeartbeatOptions({ pingInterval, pingTimeout }: HeartbeatOptions): void {
  if (pingInterval !== undefined) checkMillis('pingInterval', pingInterval)
  if (pingTimeout !== undefined) checkMillis('pingTimeout', pingTimeout)
}

/** As the client's own heartbeat (docs/options.md): proxies cut what is silent for a minute. */
const PING_INTERVAL = 15_000
const PING_TIMEOUT = 10_000
