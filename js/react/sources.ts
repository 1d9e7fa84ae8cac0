/** Where a hook gets its client from. */
import { IDLE } from '../shared/snapshots.js'
import type { ConnectionSnapshot, MCPClientLike } from '../shared/types.js'
import { acquire, peek, type Lease } from './shared-clients.js'
import type { UseMCPWebSocketOptions } from './types.js'

/** A store for `useSyncExternalStore`, and its client while there is one. */
export interface ClientSource {
  readonly client: MCPClientLike | null
  readonly subscribe: (changed: () => void) => () => void
  readonly getSnapshot: () => ConnectionSnapshot
}

/** No client: the hook is not enabled, or has none yet. */
export class NoClient implements ClientSource {
  readonly client = null
  readonly subscribe = () => () => {}
  readonly getSnapshot = () => IDLE
}

/** A client of the user's, who closes it. */
export class GivenClient implements ClientSource {
  readonly client: MCPClientLike

  constructor(client: MCPClientLike) {
    this.client = client
  }

  readonly subscribe = (changed: () => void) => {
    this.client.on('state', changed)
    return () => void this.client.off('state', changed)
  }

  readonly getSnapshot = () => this.client.snapshot
}

/** A client that is made for the first subscriber and closed after the last one. */
export class SharedClient implements ClientSource {
  readonly #key: string
  readonly #options: { readonly current: UseMCPWebSocketOptions }
  #lease: Lease | null = null

  constructor(key: string, options: { readonly current: UseMCPWebSocketOptions }) {
    this.#key = key
    this.#options = options
  }

  get client(): MCPClientLike | null {
    return (this.#lease ?? peek(this.#key))?.client ?? null
  }

  readonly subscribe = (changed: () => void) => {
    const lease = acquire(this.#key, this.#options)
    this.#lease = lease
    lease.client?.on('state', changed)
    return () => {
      lease.client?.off('state', changed)
      this.#lease = null
      lease.release()
    }
  }

  /** Before the subscription, the snapshot of an existing client: a later component starts with the right state. */
  readonly getSnapshot = () => (this.#lease ?? peek(this.#key))?.snapshot ?? IDLE
}

/** Components share a client if they have the same key here. All `apiKey` functions count as one. */
export function keyOf({ url, apiKey = 'anonymous' }: UseMCPWebSocketOptions): string {
  const endpoints = url === undefined ? null : Array.isArray(url) ? url.map(String) : String(url)
  return JSON.stringify([endpoints, typeof apiKey === 'function' ? null : apiKey])
}
