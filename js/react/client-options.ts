/** The options of a hook that are those of its client, and the warning if they are ignored. */
import type { MCPClientLike, MCPClientOptions } from '../shared/types.js'
import type { UseMCPWebSocketOptions } from './types.js'

/** The options of a hook that are those of its client, without the url and the key. */
export function clientOptionsOf(all: UseMCPWebSocketOptions): MCPClientOptions {
  const {
    url: _url,
    apiKey: _apiKey,
    autoConnect: _auto,
    onMessage: _on,
    client: _client,
    enabled: _enabled,
    queue: _queue,
    ...options
  } = all
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** Equal for equal options. All functions count as equal, because each render may have new ones. */
export function describe(options: object): string {
  return JSON.stringify(options, (_, value: unknown) => (typeof value === 'function' ? 'function' : value))
}

/** The names of the options that differ. */
export function differences(one: object, other: object): string[] {
  const [a, b] = [one, other] as [Record<string, unknown>, Record<string, unknown>]
  return Object.keys({ ...a, ...b }).filter((name) => describe({ value: a[name] }) !== describe({ value: b[name] }))
}

/** The options of each client that a warning has named. */
const warned = new WeakMap<MCPClientLike, Set<string>>()

/** Warns once of each option that is ignored. The values are not shown, because they may be secrets. */
export function warnOfIgnored(client: MCPClientLike, names: readonly string[], why: string): void {
  const before = warned.get(client) ?? new Set()
  warned.set(client, before)
  const fresh = names.filter((name) => !before.has(name))
  if (fresh.length === 0) return
  for (const name of fresh) before.add(name)
  console.warn(`useMCPWebSocket: ${why}; ignored: ${fresh.join(', ')}`)
}
