/**
 * Parts of Node.js that fake timers replace, taken when this module loads. They are taken from its modules and not from
 * the global object, because the environments of test runners have another one, which may lack them.
 */
import { performance } from 'node:perf_hooks'
import {
  clearTimeout as nodeClearTimeout,
  setImmediate as nodeSetImmediate,
  setTimeout as nodeSetTimeout,
} from 'node:timers'

export const setImmediate = nodeSetImmediate
export const later = nodeSetTimeout
export const cancel = nodeClearTimeout

/** ms, monotonic. */
export const now: () => number = performance.now.bind(performance)
