/**
 * One client and all the ports that it is served on: it is listened to once, and each event is made ready for the
 * crossing once.
 */
import type { Snapshot } from '../shared/native-types.js'
import type { ConnectionSnapshot, ConnectionState, MCPClientEvents, MCPClientLike } from '../shared/types.js'
import { Answers } from './answers.js'
import { encodeError } from './errors.js'
import { ON_DEMAND, type EventName, type OnDemand, type ToClient } from './messages.js'

/** One who is told what happens. */
export interface Subscriber {
  tell(message: ToClient): void
  wants(event: OnDemand): boolean
}

/** A service lives as long as its client. */
const services = new WeakMap<MCPClientLike, Service>()

export class Service {
  readonly #client: MCPClientLike
  readonly #answers = new Answers<Subscriber>()
  readonly #subscribers = new Set<Subscriber>()
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
    this.updateListeners()
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
    failed: (error) => this.#tell('failed', encodeError(error)),
    error: (error) => this.#tell('error', encodeError(error)),
    log: (entry) => this.#tell('log', entry),
  }

  #tellState(snapshot: ConnectionSnapshot, previous: ConnectionState): void {
    const message = {
      type: 'state',
      snapshot: encodeSnapshot(snapshot),
      previous,
      stats: this.#client.stats(),
    } as const
    for (const subscriber of this.#subscribers) subscriber.tell(message)
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
      if (subscriber.wants('message') && (route.to === 'all' || route.owner === subscriber))
        subscriber.tell({ type: 'event', name: 'message', detail })
    }
  }
}

/** The picture as it crosses. The query of the URL stays: some servers take the key there. */
export function encodeSnapshot({
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
