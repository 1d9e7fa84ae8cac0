/** Which hooks share a client: those with the same url and key. Functions are compared by identity. */
import { useState } from 'react'
import type { UseMCPWebSocketOptions } from './types.js'

/** Equal for hooks that share a client. Each render may have a new function, so the first one counts. */
export function useIdentity({ url, apiKey = 'anonymous' }: UseMCPWebSocketOptions): string {
  const parts = [useFirst(textOf(url)), useFirst(textOf(apiKey))]
  return JSON.stringify(parts.map((part) => (typeof part === 'function' ? { function: numberOf(part) } : part)))
}

/** The first of functions that follow one another; any other value unchanged. */
function useFirst<T>(value: T): T {
  const [first, setFirst] = useState(() => value)
  const isSame = typeof value === 'function' ? typeof first === 'function' : value === first
  if (!isSame) setFirst(() => value)
  return isSame ? first : value
}

/** Urls and keys are equal if their texts are. */
function textOf(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'function') return value
  return Array.isArray(value) ? JSON.stringify(value.map(String)) : String(value)
}

/** On the global object, so that another copy of this module gives a function the same number. */
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
