/**
 * One client and all the ports that it is served on: it is listened to once, and each event is made ready for the
 * crossing once.
 */
import { makeError } from '../shared/errors.js'
import type { Snapshot } from '../shared/native-types.js'
import { NO_STATS } from '../shared/snapshots.js'
import type {
  ClientStats,
  ConnectionSnapshot,
  ConnectionState,
  MCPClientEvents,
  MCPClientLike,
} from '../shared/types.js'
import { Answers } from './answers.js'
import { encodeError, withoutUrl } from './errors.js'
import { ON_DEMAND, type BridgeError, type EventName, type OnDemand, type ToClient } from './messages.js'
import type { Observable } from './serve-options.js'

/** One who is told what happens. */
export interface Subscriber {
  tell(message: ToClient): void
  wants(event: OnDemand): boolean
  maySee(what: Observable): boolean
}

/** A service lives as long as its client. */
const services = new WeakMap<MCPClientLike, Service>()

export class Service {
  readonly #client: MCPClientLike
  readonly #answers = new Answers<Subscriber>()
  readonly #subscribers = new Set<Subscriber>()
  /** Calls in flight through all ports. */
  calls = 0
  /** One that is under way, and what was known when it was asked for. */
  #connecting: { readonly seen: ConnectionSnapshot; readonly settled: Promise<void> } | null = null
  readonly #waiting = new Map<Subscriber, Waiting[]>()
  /** What is listened to now. */
  readonly #heard = new Set<keyof MCPClientEvents>()

  /** That of the client; made when it is first asked for. */
  static of(client: MCPClientLike): Service {
    const service = services.get(client) ?? new Service(client)
    services.set(client, service)
    return service
  }

  private constructor(client: MCPClientLike) {
    this.#client = client
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber)
    this.updateListeners()
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    this.#answers.forget(subscriber)
    this.#waiting.delete(subscriber)
    this.updateListeners()
  }

  /**
   * Whether a port with so many calls in flight may have one more: all ports together leave the client's owner half of
   * what a client has in flight at most, and those that take up much leave some to the others.
   */
  hasRoomFor(callsOfPort: number): boolean {
    return this.calls < MAX_CALLS || callsOfPort < CALLS_OF_EACH
  }

  /** As the client's own, which is asked once for all who ask in the same state. */
  connect(): Promise<void> {
    const { snapshot: seen } = this.#client
    if (this.#connecting?.seen === seen) return this.#connecting.settled
    const connecting = { seen, settled: this.#client.connect() }
    this.#connecting = connecting
    const forget = () => {
      if (this.#connecting === connecting) this.#connecting = null
    }
    connecting.settled.then(forget, forget)
    return connecting.settled
  }

  /** Resolves when the client, which is on its way there, is 'ready'; never for one that is removed. */
  untilReady(subscriber: Subscriber): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(subscriber) ?? []
      waiting.push({ resolve, reject })
      this.#waiting.set(subscriber, waiting)
    })
  }

  snapshotFor(subscriber: Subscriber, snapshot = this.#client.snapshot): Snapshot {
    return subscriber.maySee('url') ? encodeSnapshot(snapshot) : encodeWithoutUrl(snapshot)
  }

  statsFor(subscriber: Subscriber, stats = this.#client.stats()): ClientStats {
    return subscriber.maySee('stats') ? stats : { ...NO_STATS, state: stats.state }
  }

  /** Answers to a request that left as `sentAs` go to this one alone, under the id it knows. */
  claim(subscriber: Subscriber, sentAs: string | number, id: string | number): void {
    this.#answers.claim(subscriber, sentAs, id)
  }

  /** To be called when a subscriber wants more, or less. */
  updateListeners(): void {
    const subscribers = [...this.#subscribers]
    for (const event of Object.keys(this.#events) as (keyof MCPClientEvents)[]) {
      const isOnDemand = (ON_DEMAND as readonly string[]).includes(event)
      const isWanted = isOnDemand ? subscribers.some((one) => one.wants(event as OnDemand)) : subscribers.length > 0
      if (isWanted !== this.#heard.has(event)) this.#listen(event, isWanted)
    }
  }

  #listen(event: keyof MCPClientEvents, isWanted: boolean): void {
    const listener = this.#events[event] as (...args: unknown[]) => void
    if (isWanted) {
      this.#heard.add(event)
      this.#client.on(event, listener)
    } else {
      this.#heard.delete(event)
      this.#client.off(event, listener)
    }
  }

  readonly #events: { readonly [E in keyof MCPClientEvents]: (...args: MCPClientEvents[E]) => void } = {
    state: (snapshot, previous) => this.#tellState(snapshot, previous),
    open: () => this.#tell('open'),
    authenticated: () => this.#tell('authenticated'),
    message: (message) => this.#tellMessage(message),
    close: (info) => this.#tell('close', info),
    // JSON has no Infinity.
    reconnecting: (info) =>
      this.#tell('reconnecting', { ...info, maxAttempts: Number.isFinite(info.maxAttempts) ? info.maxAttempts : null }),
    heartbeat: (info) => this.#tell('heartbeat', info),
    failed: (error) => this.#tellError('failed', encodeError(error)),
    error: (error) => this.#tellError('error', encodeError(error)),
    log: (entry) => this.#tell('log', entry),
  }

  #tellState(snapshot: ConnectionSnapshot, previous: ConnectionState): void {
    const stats = this.#client.stats()
    for (const one of this.#subscribers)
      one.tell({ type: 'state', snapshot: this.snapshotFor(one, snapshot), previous, stats: this.statsFor(one, stats) })
    if (!ON_THE_WAY.has(snapshot.state)) this.#settleWaiting(snapshot)
  }

  #settleWaiting({ state, error }: ConnectionSnapshot): void {
    const waiting = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    for (const { resolve, reject } of waiting) {
      if (state === 'ready') resolve()
      else reject(error ?? makeError('NOT_CONNECTED'))
    }
  }

  #tellError(name: 'failed' | 'error', error: BridgeError): void {
    const { url } = this.#client.snapshot
    for (const one of this.#subscribers)
      one.tell({ type: 'event', name, detail: one.maySee('url') ? error : withoutUrl(error, url) })
  }

  #tell(name: EventName, detail?: unknown): void {
    for (const subscriber of this.#subscribers) {
      if (name === 'heartbeat' || name === 'log' ? subscriber.wants(name) : true)
        subscriber.tell({ type: 'event', name, detail })
    }
  }

  #tellMessage(message: unknown): void {
    const route = this.#answers.route(message)
    if (route.to === 'nobody') return
    const detail = route.to === 'owner' ? route.message : message
    for (const subscriber of this.#subscribers) {
      const isMeant = route.to === 'all' ? subscriber.maySee('pushes') : route.owner === subscriber
      if (isMeant && subscriber.wants('message')) subscriber.tell({ type: 'event', name: 'message', detail })
    }
  }
}

/** One who waits for 'ready'. */
interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

function encodeWithoutUrl(snapshot: ConnectionSnapshot): Snapshot {
  const encoded = encodeSnapshot(snapshot)
  return { ...encoded, url: '', error: encoded.error && withoutUrl(encoded.error, snapshot.url) }
}

/** The snapshot as it crosses. The query of the URL stays: some servers take the key there. */
function encodeSnapshot({
  state,
  connected,
  authenticated,
  url,
  attempt,
  retryDelay,
  retryAt,
  error,
  revision,
}: ConnectionSnapshot): Snapshot {
  return {
    state,
    connected,
    authenticated,
    url: url.replace(/[?#].*/s, ''),
    attempt,
    retryDelay,
    retryAt,
    revision,
    error: error === null ? null : encodeError(error),
  }
}

/** States that lead to 'ready' by themselves. */
const ON_THE_WAY: ReadonlySet<string> = new Set(['connecting', 'authenticating', 'reconnecting'])

/** Half of `maxPending` as it is by default (docs/options.md). */
const MAX_CALLS = 32_768
/** Beyond that: little enough for a page that opens as many sockets as a browser lets it. */
const CALLS_OF_EACH = 64
