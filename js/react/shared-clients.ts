/**
 * The clients that hooks share, counted. A client is made with the options of the first that wants it, and closed one
 * turn of the event loop after the last has let go: in between StrictMode, a fast remount or a hot reload may take it
 * up again.
 */
import { makeError, MCPError } from '../shared/errors.js'
import { IDLE } from '../shared/snapshots.js'
import type { ConnectionSnapshot, MCPClientLike, MCPClientOptions } from '../shared/types.js'
import { clientOptionsOf, differences, warnOfIgnored } from './client-options.js'
import type { UseMCPWebSocketOptions } from './types.js'

type Options = { readonly current: UseMCPWebSocketOptions }

/** One hold on a shared client. */
export interface Lease {
  /** `null` where none could be made; the snapshot says why. */
  readonly client: MCPClientLike | null
  readonly snapshot: ConnectionSnapshot
  /** Says which of these are not those that the client was made with. */
  checkOptions(options: UseMCPWebSocketOptions): void
  /** To be called once. */
  release(): void
}

interface Shared {
  readonly client: MCPClientLike | null
  /** What it was made with. */
  readonly options: MCPClientOptions
  readonly failure: ConnectionSnapshot
  /** The options of the hooks that hold it, the newest last. */
  readonly holders: Set<Options>
}

/** On the global object, because a bundler's hot reload or a second copy of this module must find them again. */
const REGISTRY = Symbol.for('@mcp-integration/client/react')
const clients = ((globalThis as { [REGISTRY]?: Map<string, Shared> })[REGISTRY] ??= new Map<string, Shared>())

/** Takes hold of the client under this key, which is made if there is none. */
export function acquire(key: string, options: Options): Lease {
  const shared = clients.get(key) ?? make(options)
  clients.set(key, shared)
  // Each hold is one of its own, also where a component holds twice.
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

/** What is under this key, without taking hold of it. */
export function peek(key: string): Pick<Lease, 'client' | 'snapshot'> | null {
  const shared = clients.get(key)
  return shared === undefined ? null : { client: shared.client, snapshot: snapshotOf(shared) }
}

function make(latest: Options): Shared {
  const options = clientOptionsOf(latest.current)
  const holders = new Set<Options>()
  let askedLast = latest
  // Whoever has come last is asked, and when all have gone, whoever was asked before.
  const ask = () => {
    askedLast = [...holders].at(-1) ?? askedLast
    return askedLast.current
  }
  const shared = { options, holders, failure: IDLE }
  try {
    const client = new (loadClient())({ ...options, ...endpointOf(latest.current, ask), autoConnect: false })
    return { ...shared, client }
  } catch (cause) {
    // As in the guide, a socket that cannot be made is an error to show, and does not take the page down.
    return { ...shared, client: null, failure: Object.freeze({ ...IDLE, state: 'failed', error: asMCPError(cause) }) }
  }
}

/**
 * Not at the top of a module, because a page has none: its bundler finds no-client.ts under this name (`imports` of
 * package.json).
 */
function loadClient(): new (options: MCPClientOptions) => MCPClientLike {
  return (require('#native-client') as { MCPClient: new (options: MCPClientOptions) => MCPClientLike }).MCPClient
}

function closeUnused(key: string, shared: Shared): void {
  if (shared.holders.size > 0 || clients.get(key) !== shared) return
  clients.delete(key)
  void shared.client?.close()
}

function snapshotOf({ client, failure }: Shared): ConnectionSnapshot {
  return client === null ? failure : client.snapshot
}

/** The url and the key. Of functions, those of the last render are called. */
function endpointOf(
  { url, apiKey = 'anonymous' }: UseMCPWebSocketOptions,
  ask: () => UseMCPWebSocketOptions,
): MCPClientOptions {
  // One that types do not keep out, because it comes from a session without a key, say.
  if ((apiKey as unknown) === null)
    throw new TypeError(
      'option "apiKey" must be a string or a function, got null: leave it out for \'anonymous\', or wait for a key with `enabled`',
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
    message: error instanceof Error ? error.message : String(error),
    retryable: false,
    cause: error,
  })
}

/**
 * Not a timer: the next turn comes at once. A microtask would come too soon for what React unmounts and mounts in two
 * tasks.
 */
function nextTurn(act: () => void): void {
  if (OwnMessageChannel === undefined) return void later(act, 0)
  const { port1, port2 } = new OwnMessageChannel()
  port1.onmessage = () => {
    port1.close()
    act()
  }
  port2.postMessage(null)
}

/** Taken when the module is loaded: what tests put in their place later never comes. jsdom has no MessageChannel. */
const { MessageChannel: OwnMessageChannel, setTimeout: later } = globalThis as Partial<typeof globalThis> &
  Pick<typeof globalThis, 'setTimeout'>
