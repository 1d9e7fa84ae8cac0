/**
 * Parts of Node.js that fake timers replace, taken when this module loads. They are taken from its modules and not from
 * the global object, because the environments of test runners have another one, which may lack them.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as nodeSetImmediate } from 'node:timers'

export const setImmediate = nodeSetImmediate

/** ms, monotonic. */
export const now: () => number = performance.now.bind(performance)
