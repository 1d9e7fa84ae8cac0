/**
 * Parts of Node.js that fake timers and the environments of test runners replace, taken when this module loads. They
 * are taken from its modules, because the global object may be that of a page.
 */
import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'
import * as timersPromises from 'node:timers/promises'
import * as util from 'node:util'

export const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = timers

export const { queueMicrotask } = globalThis

/** Resolves after so many ms; rejects when the signal aborts. */
export const delay = timersPromises.setTimeout

/** ms, monotonic. */
export const now: () => number = performance.now.bind(performance)

/** Node.js knows the signals of no other implementation, and the global one may be another. */
export function newAbortController(): AbortController {
  // Bun has no such function, but no other implementation either.
  return typeof util.transferableAbortController === 'function'
    ? util.transferableAbortController()
    : new globalThis.AbortController()
}
