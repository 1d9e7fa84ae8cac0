/**
 * The clients that hooks share. A client is made with the options of the first hook that needs it, and closed one turn
 * of the event loop after the last hook has released it: until then StrictMode, a fast remount or a hot reload may use
 * it again.
 */
// In a page, this is the client of pages (`imports` of package.json).
import { MCPClient } from '#native-client'
import { makeError, MCPError } from '../shared/errors.js'
import { messageOf } from '../shared/foreign.js'
import { soon } from '../shared/globals.js'
import { IDLE } from '../shared/snapshots.js'
import type { ConnectionSnapshot, MCPClientLike, MCPClientOptions } from '../shared/types.js'
import { clientOptionsOf, differences, warnOfIgnored } from './client-options.js'
import type { UseMCPWebSocketOptions } from './types.js'

type Options = { readonly current: UseMCPWebSocketOptions }

/** The use of a shared client by one hook. */
export interface Lease {
  /** `null` if none could be made; the snapshot says why. */
  readonly client: MCPClientLike | null
  readonly snapshot: ConnectionSnapshot
  /** Warns of options that are not those that the client was made with. */
  checkOptions(options: UseMCPWebSocketOptions): void
  /** To be called once. */
  release(): void
}

interface Shared {
  readonly client: MCPClientLike | null
  /** The options that it was made with. */
  readonly options: MCPClientOptions
  readonly failure: ConnectionSnapshot
  /** The options of the hooks that use it, the newest last. */
  readonly holders: Set<Options>
}

/** On the global object, so that a hot reload or a second copy of this module finds them. */
const REGISTRY = Symbol.for('@mcp-integration/client/react')
const clients = ((globalThis as { [REGISTRY]?: Map<string, Shared> })[REGISTRY] ??= new Map<string, Shared>())

/** The client under this key, for a hook to use. It is made if there is none. */
export function acquire(key: string, options: Options): Lease {
  const shared = clients.get(key) ?? make(options)
  clients.set(key, shared)
  // An object of its own, because a component may use the client twice.
  const holder: Options = {
    get current() {
      return options.current
    },
  }
  shared.holders.add(holder)
  return {
    client: shared.client,
    get snapshot() {
      return snapshotOf(shared)
    },
    checkOptions: (current) => warnOfDifferences(shared, current),
    release() {
      shared.holders.delete(holder)
      if (shared.holders.size === 0) nextTurn(() => closeUnused(key, shared))
    },
  }
}

/** The client under this key, only to look at. */
export function peek(key: string): Pick<Lease, 'client' | 'snapshot'> | null {
  const shared = clients.get(key)
  return shared === undefined ? null : { client: shared.client, snapshot: snapshotOf(shared) }
}

function make(latest: Options): Shared {
  const options = clientOptionsOf(latest.current)
  const holders = new Set<Options>()
  let askedLast = latest
  // The newest hook is asked, and when all are gone, the one that was asked last.
  const ask = () => {
    askedLast = [...holders].at(-1) ?? askedLast
    return askedLast.current
  }
  const shared = { options, holders, failure: IDLE }
  try {
    const client = new MCPClient({ ...options, ...endpointOf(latest.current, ask), autoConnect: false })
    return { ...shared, client }
  } catch (cause) {
    // As in the guide, a socket that cannot be made is an error to show, not one that unmounts the page.
    return { ...shared, client: null, failure: Object.freeze({ ...IDLE, state: 'failed', error: asMCPError(cause) }) }
  }
}

function closeUnused(key: string, shared: Shared): void {
  if (shared.holders.size > 0 || clients.get(key) !== shared) return
  clients.delete(key)
  void shared.client?.close()
}

function snapshotOf({ client, failure }: Shared): ConnectionSnapshot {
  return client === null ? failure : client.snapshot
}

/** The url and the key. If they are functions, those of the last render are called. */
function endpointOf(
  { url, apiKey = 'anonymous' }: UseMCPWebSocketOptions,
  ask: () => UseMCPWebSocketOptions,
): MCPClientOptions {
  // JavaScript may pass null, for example from a session without a key.
  if ((apiKey as unknown) === null)
    throw new TypeError(
      'option "apiKey" must be a string or a function, got null: leave it out for \'anonymous\', or set `enabled` to false until there is a key',
    )
  return {
    ...(url !== undefined && { url: latestOf(url, () => ask().url) }),
    apiKey: latestOf(apiKey, () => ask().apiKey ?? 'anonymous'),
  } as MCPClientOptions
}

function latestOf(value: unknown, latest: () => unknown): unknown {
  if (typeof value !== 'function') return value
  return () => {
    const current = latest()
    return typeof current === 'function' ? current() : current
  }
}

function warnOfDifferences({ client, options }: Shared, current: UseMCPWebSocketOptions): void {
  if (client === null) return
  const why = 'components with the same url and key share one client, which keeps the options that it was made with'
  warnOfIgnored(client, differences(options, clientOptionsOf(current)), why)
}

function asMCPError(error: unknown): MCPError {
  if (error instanceof MCPError) return error
  return makeError('CONNECT_FAILED', {
    message: messageOf(error),
    retryable: false,
    cause: error,
  })
}

/**
 * A message rather than a timer, because it comes at once. A microtask would be too early, because React may unmount
 * and mount in two tasks.
 */
function nextTurn(act: () => void): void {
  // jsdom has none. A timer of its would be dropped with the page, and the client would keep the process alive.
  if (OwnMessageChannel === undefined) return soon(act)
  const { port1, port2 } = new OwnMessageChannel()
  port1.onmessage = () => {
    port1.close()
    act()
  }
  port2.postMessage(null)
}

/** Taken when the module is loaded, because a test may replace it later. */
const { MessageChannel: OwnMessageChannel } = globalThis as Partial<typeof globalThis>
