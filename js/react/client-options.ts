/** The options of a hook that make a client what it is, and a word where they are ignored. */
import type { MCPClientLike, MCPClientOptions } from '../shared/types.js'
import type { UseMCPWebSocketOptions } from './types.js'

/** Without the url and the key. */
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

/** Changes when an option does. Functions are alike: they may be new ones in each render. */
export function describe(options: object): string {
  return JSON.stringify(options, (_, value: unknown) => (typeof value === 'function' ? 'function' : value))
}

/** The names of what is different. */
export function differences(one: object, other: object): string[] {
  const [a, b] = [one, other] as [Record<string, unknown>, Record<string, unknown>]
  return Object.keys({ ...a, ...b }).filter((name) => describe({ value: a[name] }) !== describe({ value: b[name] }))
}

/** What has been said of each client. */
const said = new WeakMap<MCPClientLike, Set<string>>()

/** Says once of each option that it is ignored. The values may be secrets. */
export function warnOfIgnored(client: MCPClientLike, names: readonly string[], why: string): void {
  const before = said.get(client) ?? new Set()
  said.set(client, before)
  const fresh = names.filter((name) => !before.has(name))
  if (fresh.length === 0) return
  for (const name of fresh) before.add(name)
  console.warn(`useMCPWebSocket: ${why}; ignored: ${fresh.join(', ')}`)
}
