/** Where a hook gets its client from. */
import { IDLE } from '../shared/snapshots.js'
import type { ConnectionSnapshot, MCPClientLike } from '../shared/types.js'
import { clientOptionsOf, warnOfIgnored } from './client-options.js'
import { listen } from './listeners.js'
import { acquire, peek, type Lease } from './shared-clients.js'
import type { UseMCPWebSocketOptions } from './types.js'

/** A store as `useSyncExternalStore` wants it, and the client behind it while there is one. */
export interface ClientSource {
  readonly client: MCPClientLike | null
  readonly subscribe: (changed: () => void) => () => void
  readonly getSnapshot: () => ConnectionSnapshot
  /** The hook is on the page; what it returns ends that. */
  mount(): () => void
  /** The client for a command, which is made if the hook is on the page and nobody has subscribed yet. */
  demand(): MCPClientLike | null
  /** Says which of the hook's options do nothing. */
  checkOptions(options: UseMCPWebSocketOptions): void
}

/** No client: the hook is not enabled, or has not been given one yet. */
export class NoClient implements ClientSource {
  readonly client = null
  readonly subscribe = () => () => {}
  readonly getSnapshot = () => IDLE
  readonly mount = () => () => {}
  readonly demand = () => null
  readonly checkOptions = () => {}
}

/** A client that somebody else has made and will close. */
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
    const why = 'the client was given, so the options that would make one do nothing'
    warnOfIgnored(this.client, Object.keys(clientOptionsOf(options)), why)
  }
}

/** A client that is made for whoever wants it first and closed when nobody does any more. */
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

  /** Before it is subscribed, what others have: a component that comes later need not begin with a lie. */
  readonly getSnapshot = () => (this.#lease ?? peek(this.#key))?.snapshot ?? IDLE

  /** Where nobody has subscribed, a client that was made for a command goes with the hook. */
  mount(): () => void {
    this.#isMounted = true
    return () => {
      this.#isMounted = false
      if (!this.#isSubscribed) this.#letGo()
    }
  }

  /** The effects of a child run before those of its parent, which may have handed it the command. */
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
