/** A WebSocket that reconnects. */
import { makeError, type MCPError } from '../shared/errors.js'
import { soon } from '../shared/globals.js'
import { connectionLost } from './errors.js'
import type { HeartbeatOptions } from './heartbeat.js'
import type { ToServer } from './messages.js'
import { PAGE } from './page.js'
import { openChannel, type Channel, type PortClosing } from './port.js'
import { backoff, now, startTimer, type Timer } from './time.js'
import { portLost, postThrough, UNREADABLE, type Transport, type TransportEvents } from './transport.js'
import { webSocketPort, type SocketLike } from './web-socket-port.js'

/** What to connect to, and when. Times in ms. */
export interface Dialling extends HeartbeatOptions {
  readonly url: string
  readonly protocols: string | string[] | undefined
  readonly WebSocket: new (url: string, protocols?: string | string[]) => SocketLike
  /** From the start of an attempt to the first message. */
  readonly connectTimeout: number
  readonly maxReconnectAttempts: number
  readonly baseReconnectDelay: number
  readonly maxReconnectDelay: number
}

export class SocketTransport implements Transport {
  readonly #dialling: Dialling
  readonly #pings: HeartbeatOptions
  readonly #events: TransportEvents
  #channel: Channel | null = null
  #attempt = 0
  /** Limits the time until the first message of a socket; between two sockets, the wait. */
  #timer: Timer | null = null
  /** When the first message came through this socket; `null` before. */
  #since: number | null = null

  constructor(dialling: Dialling, events: TransportEvents) {
    this.#dialling = dialling
    this.#pings = { pingInterval: dialling.pingInterval, pingTimeout: dialling.pingTimeout }
    this.#events = events
    this.#open()
  }

  post(message: ToServer): void {
    if (this.#channel !== null) postThrough(this.#channel, message, (error) => this.drop(error))
  }

  drop(error: MCPError): void {
    if (this.#channel === null) return
    this.#letGo()
    this.#scheduleAttempt(error)
  }

  reopen(): boolean {
    if (this.#channel === null) {
      this.#timer?.stop()
      this.#open()
      // A command emits nothing before it returns.
      soon(() => this.#events.opened())
    }
    return true
  }

  close(): void {
    this.#letGo()
    this.#attempt = 0
    this.#watchPage(false)
  }

  #open(): void {
    const { WebSocket, url, protocols, connectTimeout } = this.#dialling
    this.#since = null
    this.#watchPage(false)
    this.#channel = openChannel(webSocketPort(new WebSocket(url, protocols), this.#pings), {
      message: (message) => this.#receive(message),
      unreadable: () => this.#events.problem(UNREADABLE),
      // 'close' follows, with a code and a reason.
      failed: () => {},
      closed: (info) => this.drop(this.#lossOf(info)),
    })
    this.#timer = startTimer(connectTimeout, () =>
      this.drop(connectionLost(`the other end of the bridge did not answer within ${connectTimeout} ms`)),
    )
  }

  #receive(message: unknown): void {
    if (this.#since === null) this.#timer?.stop()
    this.#since ??= now()
    this.#events.message(message)
  }

  #lossOf(info: PortClosing): MCPError {
    if (this.#since === null)
      return connectionLost(`the socket of the bridge cannot be opened: ${portLost(info).message}`)
    if (info.code === TOO_LARGE) return makeError('MESSAGE_TOO_LARGE', { message: portLost(info).message })
    return portLost(info)
  }

  #scheduleAttempt(error: MCPError): void {
    const { maxReconnectAttempts, baseReconnectDelay, maxReconnectDelay } = this.#dialling
    // As in rule 11 of PROTOCOL.md, so that waits grow if a server accepts connections and drops them.
    if (this.#since !== null && now() - this.#since >= MIN_UPTIME) this.#attempt = 0
    if (this.#attempt >= maxReconnectAttempts) {
      this.#attempt = 0
      const isOnly = maxReconnectAttempts === 0
      return this.#events.lost({
        error: isOnly ? error : makeError('RECONNECT_EXHAUSTED', { cause: error }),
        retry: null,
      })
    }
    this.#attempt += 1
    const delay = backoff(this.#attempt, baseReconnectDelay, maxReconnectDelay)
    this.#timer = startTimer(delay, this.#dialNow)
    this.#watchPage(true)
    this.#events.lost({ error, retry: { attempt: this.#attempt, delay, at: Date.now() + delay } })
  }

  readonly #dialNow = (): void => {
    if (this.#channel !== null) return
    this.#timer?.stop()
    this.#open()
    this.#events.opened()
  }

  /** A page that is online again, or back from the back-forward cache, need not wait. */
  #watchPage(isWaiting: boolean): void {
    for (const event of ['online', 'pageshow'])
      if (isWaiting) PAGE.addEventListener?.(event, this.#dialNow)
      else PAGE.removeEventListener?.(event, this.#dialNow)
  }

  #letGo(): void {
    this.#timer?.stop()
    this.#channel?.close()
    this.#channel = null
  }
}

/** How long a socket must have been in use until attempts are counted from 0 again, in ms: `minUptime` of a client. */
const MIN_UPTIME = 5_000

/** RFC 6455 § 7.4.1: a message was too large for the other end. */
const TOO_LARGE = 1009
