/** Where a hook gets its client from. */
import { IDLE } from '../shared/snapshots.js'
import type { ConnectionSnapshot, MCPClientLike } from '../shared/types.js'
import { clientOptionsOf, warnOfIgnored } from './client-options.js'
import { listen } from './listeners.js'
import { acquire, peek, type Lease } from './shared-clients.js'
import type { UseMCPWebSocketOptions } from './types.js'

/** A store for `useSyncExternalStore`, and its client while there is one. */
export interface ClientSource {
  readonly client: MCPClientLike | null
  readonly subscribe: (changed: () => void) => () => void
  readonly getSnapshot: () => ConnectionSnapshot
  /** The component is mounted. @returns a function to call when it is unmounted */
  mount(): () => void
  /** The client for a command. It is made if the component is mounted but not subscribed yet. */
  demand(): MCPClientLike | null
  /** Warns of options that are ignored. */
  checkOptions(options: UseMCPWebSocketOptions): void
}

/** No client: the hook is not enabled, or has none yet. */
export class NoClient implements ClientSource {
  readonly client = null
  readonly subscribe = () => () => {}
  readonly getSnapshot = () => IDLE
  readonly mount = () => () => {}
  readonly demand = () => null
  readonly checkOptions = () => {}
}

/** A client of the user's, who closes it. */
export class GivenClient implements ClientSource {
  readonly client: MCPClientLike

  constructor(client: MCPClientLike) {
    this.client = client
  }

  readonly subscribe = (changed: () => void) => listen(this.client, 'state', changed)

  readonly getSnapshot = () => this.client.snapshot

  readonly mount = () => () => {}

  readonly demand = () => this.client

  checkOptions(options: UseMCPWebSocketOptions): void {
    const why = 'the client was given, so options of a client have no effect'
    warnOfIgnored(this.client, Object.keys(clientOptionsOf(options)), why)
  }
}

/** A client that is made when it is first needed, and closed after the last subscriber. */
export class SharedClient implements ClientSource {
  readonly #key: string
  readonly #options: { readonly current: UseMCPWebSocketOptions }
  #lease: Lease | null = null
  #isMounted = false
  #isSubscribed = false

  constructor(key: string, options: { readonly current: UseMCPWebSocketOptions }) {
    this.#key = key
    this.#options = options
  }

  get client(): MCPClientLike | null {
    return (this.#lease ?? peek(this.#key))?.client ?? null
  }

  readonly subscribe = (changed: () => void) => {
    const lease = this.#hold()
    this.#isSubscribed = true
    const stop = lease.client === null ? () => {} : listen(lease.client, 'state', changed)
    return () => {
      stop()
      this.#isSubscribed = false
      this.#letGo()
    }
  }

  /** Before the subscription, the snapshot of an existing client: a later component starts with the right state. */
  readonly getSnapshot = () => (this.#lease ?? peek(this.#key))?.snapshot ?? IDLE

  /** A client that was made for a command is released on unmount if there was no subscription. */
  mount(): () => void {
    this.#isMounted = true
    return () => {
      this.#isMounted = false
      if (!this.#isSubscribed) this.#letGo()
    }
  }

  /** The effects of a child run before those of its parent, and may call functions that the parent passed to it. */
  demand(): MCPClientLike | null {
    return this.#isMounted ? this.#hold().client : this.client
  }

  checkOptions(options: UseMCPWebSocketOptions): void {
    this.#lease?.checkOptions(options)
  }

  #hold(): Lease {
    this.#lease ??= acquire(this.#key, this.#options)
    return this.#lease
  }

  #letGo(): void {
    const lease = this.#lease
    this.#lease = null
    lease?.release()
  }
}
