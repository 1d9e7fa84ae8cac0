/** What hooks must have in common to share a client: the url and the key. Functions are known by their identity. */
import { useState } from 'react'
import type { UseMCPWebSocketOptions } from './types.js'

/** The same for hooks that share a client. A hook stands by its first function: it may be a new one in each render. */
export function useIdentity({ url, apiKey = 'anonymous' }: UseMCPWebSocketOptions): string {
  const parts = [useFirst(textOf(url)), useFirst(textOf(apiKey))]
  return JSON.stringify(parts.map((part) => (typeof part === 'function' ? { function: numberOf(part) } : part)))
}

/** Of functions that follow one another the first; everything else as it is. */
function useFirst<T>(value: T): T {
  const [first, setFirst] = useState(() => value)
  const isSame = typeof value === 'function' ? typeof first === 'function' : value === first
  if (!isSame) setFirst(() => value)
  return isSame ? first : value
}

/** Endpoints and keys that are written alike are alike. */
function textOf(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'function') return value
  return Array.isArray(value) ? JSON.stringify(value.map(String)) : String(value)
}

/** On the global object, because another copy of this module must give the same function the same number. */
const REGISTRY = Symbol.for('@mcp-integration/client/react functions')
const numbers = ((globalThis as { [REGISTRY]?: { map: WeakMap<object, number>; next: number } })[REGISTRY] ??= {
  map: new WeakMap<object, number>(),
  next: 0,
})

function numberOf(value: object): number {
  const known = numbers.map.get(value)
  if (known !== undefined) return known
  numbers.map.set(value, numbers.next)
  return numbers.next++
}
