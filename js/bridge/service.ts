/**
 * One client and all the ports that it is served on. The client has one set of listeners for all ports, and each event
 * is encoded once.
 */
import type { Snapshot } from '../shared/native-types.js'
import type { ConnectionSnapshot, ConnectionState, MCPClientEvents, MCPClientLike } from '../shared/types.js'
import { Answers } from './answers.js'
import { encodeError } from './errors.js'
import { ON_DEMAND, type EventName, type OnDemand, type ToClient } from './messages.js'

/** A port that gets the events. */
export interface Subscriber {
  send(message: ToClient): void
  wants(event: OnDemand): boolean
}

/** A service lives as long as its client. */
const services = new WeakMap<MCPClientLike, Service>()

export class Service {
  readonly #client: MCPClientLike
  readonly #answers = new Answers<Subscriber>()
  readonly #subscribers = new Set<Subscriber>()
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
    this.updateListeners()
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
    failed: (error) => this.#send('failed', encodeError(error)),
    error: (error) => this.#send('error', encodeError(error)),
    log: (entry) => this.#send('log', entry),
  }

  #sendState(snapshot: ConnectionSnapshot, previous: ConnectionState): void {
    const message = {
      type: 'state',
      snapshot: encodeSnapshot(snapshot),
      previous,
      stats: this.#client.stats(),
    } as const
    for (const subscriber of this.#subscribers) subscriber.send(message)
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
      if (subscriber.wants('message') && (route.to === 'all' || route.owner === subscriber))
        subscriber.send({ type: 'event', name: 'message', detail })
    }
  }
}

/** The snapshot to send. The query of the URL is left out, because some servers take the key there. */
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
