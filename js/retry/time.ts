/**
 * The wait before a retry. The core does not know it: for the core, each attempt is a call of its own.
 */
import { abortWith } from '../shared/signals.js'

/** Taken when the module is loaded, so that the fake timers of a test do not stop a retry. */
const { setTimeout: start, clearTimeout: stop } = globalThis
const { random } = Math

/** Resolves after `ms`. Rejects with the signal's reason when that aborts. A Node.js process waits for it. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = start(() => {
      stopListening?.()
      resolve()
    }, ms)
    const abort = (reason: unknown) => {
      stop(timer)
      reject(reason)
    }
    const stopListening = signal && abortWith(signal, { abort })
  })
}

/** The delay in ms after this many attempts: between 0 and a length that doubles ("full jitter"). */
export function delayAfter(attempts: number, base: number, max: number): number {
  return random() * Math.min(base * 2 ** (attempts - 1), max)
}
