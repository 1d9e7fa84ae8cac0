/**
 * Parts of Node.js that fake timers replace, taken when the package is loaded. They are taken from its modules and not
 * from the global object, because the environments of test runners have another one, which may lack them.
 */
import { performance } from 'node:perf_hooks'
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'

export type NodeParts = typeof NODE

export const NODE = {
  /** ms, monotonic. */
  now: performance.now.bind(performance) as () => number,
  setImmediate,
  later: setTimeout,
  cancel: clearTimeout,
  queueMicrotask: globalThis.queueMicrotask,
}
