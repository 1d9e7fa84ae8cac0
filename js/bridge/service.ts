/**
 * One client and all the ports that it is served on. The client has one set of listeners for all ports, and each event
 * is encoded once.
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

/** A port that gets the events. */
export interface Subscriber {
  send(message: ToClient): void
  wants(event: OnDemand): boolean
  maySee(what: Observable): boolean
}

/** A service lives as long as its client. */
const services = new WeakMap<MCPClientLike, Service>()

export class Service {
  readonly #client: MCPClientLike
  readonly #answers = new Answers<Subscriber>()
  readonly #subscribers = new Set<Subscriber>()
  /** How many calls are in flight through all ports. */
  calls = 0
  /** The `connect()` in progress, and the snapshot at its start. */
  #connecting: { readonly seen: ConnectionSnapshot; readonly settled: Promise<void> } | null = null
  /** Commands that wait for 'ready'. */
  readonly #waiting = new Map<Subscriber, Waiting[]>()
  /** The events that are listened to now. */
  readonly #listenedTo = new Set<keyof MCPClientEvents>()

  /** The service of a client; made when it is first needed. */
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
   * Whether a port with this many calls in flight may start another one. All ports together leave half of the client's
   * default `maxPending` to its owner; beyond that, a port still gets a few, so that no port can block the others.
   */
  hasRoomFor(callsOfPort: number): boolean {
    return this.calls < MAX_CALLS || callsOfPort < CALLS_OF_EACH
  }

  /** Like `connect()` of the client, which is called only once for all ports that ask in the same state. */
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

  /** Resolves when the client becomes 'ready', rejects if it cannot; does neither if the subscriber is removed. */
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

  /** Answers to the request that was sent as `sentAs` go to this subscriber alone, under the id that it knows. */
  claim(subscriber: Subscriber, sentAs: string | number, id: string | number): void {
    this.#answers.claim(subscriber, sentAs, id)
  }

  /** To be called when a subscriber wants more or fewer events. */
  updateListeners(): void {
    const subscribers = [...this.#subscribers]
    for (const event of Object.keys(this.#events) as (keyof MCPClientEvents)[]) {
      const isOnDemand = (ON_DEMAND as readonly string[]).includes(event)
      const isWanted = isOnDemand ? subscribers.some((one) => one.wants(event as OnDemand)) : subscribers.length > 0
      if (isWanted !== this.#listenedTo.has(event)) this.#listen(event, isWanted)
    }
  }

  #listen(event: keyof MCPClientEvents, isWanted: boolean): void {
    const listener = this.#events[event] as (...args: unknown[]) => void
    if (isWanted) {
      this.#listenedTo.add(event)
      this.#client.on(event, listener)
    } else {
      this.#listenedTo.delete(event)
      this.#client.off(event, listener)
    }
  }

  readonly #events: { readonly [E in keyof MCPClientEvents]: (...args: MCPClientEvents[E]) => void } = {
    state: (snapshot, previous) => this.#sendState(snapshot, previous),
    open: () => this.#send('open'),
    authenticated: () => this.#send('authenticated'),
    message: (message) => this.#sendMessage(message),
    close: (info) => this.#send('close', info),
    // JSON has no Infinity.
    reconnecting: (info) =>
      this.#send('reconnecting', { ...info, maxAttempts: Number.isFinite(info.maxAttempts) ? info.maxAttempts : null }),
    heartbeat: (info) => this.#send('heartbeat', info),
    failed: (error) => this.#sendError('failed', encodeError(error)),
    error: (error) => this.#sendError('error', encodeError(error)),
    log: (entry) => this.#send('log', entry),
  }

  #sendState(snapshot: ConnectionSnapshot, previous: ConnectionState): void {
    const stats = this.#client.stats()
    for (const one of this.#subscribers)
      one.send({ type: 'state', snapshot: this.snapshotFor(one, snapshot), previous, stats: this.statsFor(one, stats) })
    if (!TRANSIENT.has(snapshot.state)) this.#settleWaiting(snapshot)
  }

  #settleWaiting({ state, error }: ConnectionSnapshot): void {
    const waiting = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    for (const { resolve, reject } of waiting) {
      if (state === 'ready') resolve()
      else reject(error ?? makeError('NOT_CONNECTED'))
    }
  }

  #sendError(name: 'failed' | 'error', error: BridgeError): void {
    const { url } = this.#client.snapshot
    for (const one of this.#subscribers)
      one.send({ type: 'event', name, detail: one.maySee('url') ? error : withoutUrl(error, url) })
  }

  #send(name: EventName, detail?: unknown): void {
    for (const subscriber of this.#subscribers) {
      if (name === 'heartbeat' || name === 'log' ? subscriber.wants(name) : true)
        subscriber.send({ type: 'event', name, detail })
    }
  }

  #sendMessage(message: unknown): void {
    const route = this.#answers.route(message)
    if (route.to === 'nobody') return
    const detail = route.to === 'owner' ? route.message : message
    for (const subscriber of this.#subscribers) {
      const isMeant = route.to === 'all' ? subscriber.maySee('pushes') : route.owner === subscriber
      if (isMeant && subscriber.wants('message')) subscriber.send({ type: 'event', name: 'message', detail })
    }
  }
}

/** A command that waits for 'ready'. */
interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

function encodeWithoutUrl(snapshot: ConnectionSnapshot): Snapshot {
  const encoded = encodeSnapshot(snapshot)
  return { ...encoded, url: '', error: encoded.error && withoutUrl(encoded.error, snapshot.url) }
}

/** The snapshot to send. The query of the URL is left out, because some servers take the key there. */
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

/** The states that lead to 'ready' by themselves. */
const TRANSIENT: ReadonlySet<string> = new Set(['connecting', 'authenticating', 'reconnecting'])

/** Half of the default `maxPending` (docs/options.md). */
const MAX_CALLS = 32_768
/** Beyond that, for each port: a browser lets a page open a few hundred sockets. */
const CALLS_OF_EACH = 64
