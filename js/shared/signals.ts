/**
 * Calls that an `AbortSignal` ends. A signal has one listener, however many calls wait: adding one takes a signal the
 * longer the more it has, and Node.js warns of a leak. Needs nothing of Node.js: pages use it too.
 */

/** Something that a signal ends. */
export interface Abortable {
  /** The signal has aborted. Called at most once. */
  abort(reason: unknown): void
}

/**
 * `call` is told when `signal` aborts, which has not happened yet.
 * @returns a function that ends this
 */
export function abortWith(signal: AbortSignal, call: Abortable): () => void {
  let watch = watches.get(signal)
  if (watch === undefined) watches.set(signal, (watch = new Watch(signal)))
  watch.calls.add(call)
  return () => watch.remove(call)
}

/** What waits for one signal. */
class Watch {
  readonly calls = new Set<Abortable>()
  readonly #signal: AbortSignal
  readonly #listener = (): void => {
    watches.delete(this.#signal)
    for (const call of this.calls) call.abort(this.#signal.reason)
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#listener, { once: true })
  }

  remove(call: Abortable): void {
    this.calls.delete(call)
    if (this.calls.size > 0 || watches.get(this.#signal) !== this) return
    watches.delete(this.#signal)
    this.#signal.removeEventListener('abort', this.#listener)
  }
}

const watches = new WeakMap<AbortSignal, Watch>()
