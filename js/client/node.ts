/**
 * Parts of Node.js that fake timers replace, taken when this module loads. They are taken from its modules and not from
 * the global object, because the environments of test runners have another one, which may lack them.
 */
import {
  clearTimeout as nodeClearTimeout,
  setImmediate as nodeSetImmediate,
  setTimeout as nodeSetTimeout,
} from 'node:timers'

export const setImmediate = nodeSetImmediate
export const later = nodeSetTimeout
export const cancel = nodeClearTimeout

const { performance } = globalThis

/** ms, monotonic. That of the global object, because loading `node:perf_hooks` takes a millisecond. */
export const now: () => number = performance.now.bind(performance)
