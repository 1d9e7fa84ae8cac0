/** What the monitor has seen of a client so far. */
import type { ClientStats, ConnectionSnapshot, MCPClient, MCPError } from '../../index.js'
import { shownMs } from '../numbers.js'

/** Something that happened. */
export interface Happening {
  /** Counts up. */
  readonly number: number
  /** Epoch ms. */
  readonly at: number
  readonly words: string
}

/** The moment, for whoever shows it. */
export interface Moment {
  readonly snapshot: ConnectionSnapshot
  /** Since when the client is in this state, epoch ms. */
  readonly since: number
  readonly stats: ClientStats
  readonly rates: Rates
  /** ms, newest last. */
  readonly roundTrips: readonly number[]
  /** How many errors there were of each code, the most frequent first. */
  readonly errors: readonly (readonly [code: string, count: number])[]
  /** Newest first. */
  readonly happenings: readonly Happening[]
}

/** How much happened in a second, of late. */
export interface Rates {
  /** Calls that have ended. */
  readonly calls: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** Listens to a client. */
export class History {
  readonly #client: MCPClient
  readonly #roundTrips: number[] = []
  readonly #errors = new Map<string, number>()
  readonly #happenings: Happening[] = []
  #noted = 0
  #since = Date.now()
  /** The last sample, and the rates from the one before to it. */
  #sample: { readonly at: number; readonly stats: ClientStats; readonly rates: Rates }
  #isPongOfHeartbeat = false
  #isEventDialect = false
  /** When the user's ping was sent, and nothing has come of it yet. */
  #pingedAt: number | null = null

  constructor(client: MCPClient) {
    this.#client = client
    this.#sample = { at: performance.now(), stats: client.stats(), rates: NOTHING }
    client
      .on('state', (snapshot, previous) => this.#changeState(snapshot, previous))
      .on('heartbeat', ({ rtt }) => this.#beat(rtt))
      .on('message', (message) => this.#hear(message))
      .on('open', () => (this.#isEventDialect = false))
      .on('close', ({ code, reason, explanation }) =>
        this.note(`closed with ${code} (${reason === '' ? explanation : reason})`),
      )
      .on('reconnecting', ({ delay }) => this.note(`next attempt in ${shownMs(delay)}`))
      .on('error', (error) => this.fail(error))
      .on('log', ({ level, message, fields }) => {
        // The others are events of their own.
        if (level === 'warn' && fields.cause === undefined) this.note(message)
      })
  }

  /** Adds to the happenings. */
  note(words: string): void {
    this.#happenings.unshift({ number: (this.#noted += 1), at: Date.now(), words })
    this.#happenings.length = Math.min(this.#happenings.length, MOST_HAPPENINGS)
  }

  /** Counts an error, and adds it to the happenings. */
  fail({ code, message }: MCPError): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
    this.note(`${code}: ${message}`)
  }

  /** Pings at once, besides the heartbeat. */
  ping(): void {
    const message = this.#isEventDialect ? { type: 'ping' } : { messageType: 'ping', timestamp: Date.now() }
    if (!this.#client.sendMessage(message)) return this.note('there is no connection to ping on')
    this.#pingedAt = performance.now()
  }

  /** What is so now. */
  moment(): Moment {
    const stats = this.#client.stats()
    return {
      snapshot: this.#client.snapshot,
      since: this.#since,
      stats,
      rates: this.#ratesUntil(stats),
      roundTrips: [...this.#roundTrips],
      errors: [...this.#errors].sort(([, one], [, other]) => other - one),
      happenings: [...this.#happenings],
    }
  }

  /** Those of the last sample, if it is too young for another one: few events are no rate. */
  #ratesUntil(stats: ClientStats): Rates {
    const [now, before] = [performance.now(), this.#sample]
    const seconds = (now - before.at) / 1000
    if (seconds < SHORTEST_SAMPLE_S) return before.rates
    const rate = (of: (stats: ClientStats) => number) => (of(stats) - of(before.stats)) / seconds
    const rates = {
      calls: rate(({ succeeded, failed }) => succeeded + failed),
      bytesSent: rate(({ bytesSent }) => bytesSent),
      bytesReceived: rate(({ bytesReceived }) => bytesReceived),
    }
    this.#sample = { at: now, stats, rates }
    return rates
  }

  #changeState({ state, url }: ConnectionSnapshot, previous: string): void {
    if (state === previous) return
    this.#since = Date.now()
    this.#pingedAt = null
    // It has an event of its own, which comes when the reason has been told.
    if (state !== 'reconnecting') this.note(state === 'connecting' ? `connecting to ${url}` : state)
  }

  #beat(rtt: number): void {
    this.#roundTrips.push(rtt)
    if (this.#roundTrips.length > MOST_ROUND_TRIPS) this.#roundTrips.shift()
    this.#isPongOfHeartbeat = true
  }

  /** The pong of the heartbeat comes right behind its event; another one is the user's. */
  #hear(message: unknown): void {
    const { messageType, event } = (message ?? {}) as { messageType?: unknown; event?: unknown }
    this.#isEventDialect ||= typeof event === 'string'
    const isPong = messageType === 'pong' || event === 'pong'
    if (isPong && !this.#isPongOfHeartbeat && this.#pingedAt !== null) {
      this.note(`pong after ${shownMs(performance.now() - this.#pingedAt)}`)
      this.#pingedAt = null
    }
    this.#isPongOfHeartbeat = false
  }
}

const NOTHING: Rates = { calls: 0, bytesSent: 0, bytesReceived: 0 }
const SHORTEST_SAMPLE_S = 0.5

/** As many as fit into a line. */
const MOST_ROUND_TRIPS = 200
const MOST_HAPPENINGS = 100
