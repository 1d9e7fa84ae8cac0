/** An emitter of typed events where there is no `node:events`. What a listener throws becomes an uncaught error. */
import { runSafely } from '../shared/socket-events.js'

type Listener = (...args: any[]) => void

export class Emitter<Events extends { [E in keyof Events]: unknown[] }> {
  readonly #listeners = new Map<keyof Events, { listener: Listener; once: boolean }[]>()
  readonly #changed: () => void

  /** @param changed is called when there are more or fewer listeners */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  add<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void, once = false): void {
    if (typeof listener !== 'function')
      throw new TypeError(`a listener must be a function, got ${listener === null ? 'null' : typeof listener}`)
    this.#listeners.set(event, [...this.#of(event), { listener: listener as Listener, once }])
    this.#changed()
  }

  /** As in Node.js, the listener that was added last is removed first. */
  remove<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void): void {
    const list = this.#of(event)
    const at = list.findLastIndex((entry) => entry.listener === listener)
    if (at === -1) return
    // Pages in older browsers have no toSpliced().
    this.#listeners.set(
      event,
      list.filter((_, index) => index !== at),
    )
    this.#changed()
  }

  has(event: keyof Events): boolean {
    return this.#of(event).length > 0
  }

  emit<E extends keyof Events>(target: object, event: E, ...args: Events[E]): void {
    // Lists are replaced, not changed, so a listener may add and remove others meanwhile.
    for (const { listener, once } of this.#of(event)) {
      if (once) this.remove(event, listener)
      runSafely(() => Reflect.apply(listener, target, args))
    }
  }

  #of(event: keyof Events): readonly { listener: Listener; once: boolean }[] {
    return this.#listeners.get(event) ?? []
  }
}
