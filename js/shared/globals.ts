/**
 * What is needed of the global object, taken when this module loads: fake timers and the environments of test runners
 * replace parts of it later. Needs nothing of Node.js: pages use it too.
 */
export const { DOMException, URL } = globalThis
export let { queueMicrotask } = globalThis

/** This copy of the module was loaded late: it takes over what an earlier part of the package has taken. */
export function takeOver(earlier: Pick<typeof globalThis, 'queueMicrotask'>): void {
  queueMicrotask = earlier.queueMicrotask
}

/** Like `queueMicrotask`, which fake timers replace too, perhaps before this module loads. It must not throw. */
export function soon(act: () => void): void {
  void settled.then(act)
}

const settled = Promise.resolve()
