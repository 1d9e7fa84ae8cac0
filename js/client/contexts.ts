/**
 * The asynchronous contexts (`AsyncLocalStorage`) that code runs in. What a user gives to a client runs in the context
 * in which that client was made; what serves all clients runs in none.
 */
import { AsyncResource } from 'node:async_hooks'

/** The context of the code that runs now. While it is held, its stores are. */
export function currentContext(): AsyncResource {
  return new AsyncResource('MCPClient')
}

/** Runs what has nothing to do with whoever calls. What it makes holds no store of theirs. */
export function runApart<T>(act: () => T): T {
  return apart.runInAsyncScope(act)
}

/**
 * A context without a store, although a program may load this module while it serves somebody. Node.js keeps the stores
 * as properties of the resource, beside two numbers. In Bun and Deno they remain those of the time of loading.
 */
export const apart = new AsyncResource('MCPClient')
for (const key of Object.getOwnPropertySymbols(apart)) {
  if (typeof Reflect.get(apart, key) !== 'number') Reflect.deleteProperty(apart, key)
}
