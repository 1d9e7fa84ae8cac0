/** The listeners of typed events where there is no `node:events`. Needs nothing of Node.js: pages use it too. */
type Listener = (...args: any[]) => unknown

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
    const rest = list.filter((_, index) => index !== at)
    if (rest.length > 0) this.#listeners.set(event, rest)
    else this.#listeners.delete(event)
    this.#changed()
  }

  /** Those of an event as they are to be called; a copy. */
  rawListeners(event: keyof Events): Listener[] {
    return this.#of(event).map(({ listener, once }) => (once ? this.#removing(event, listener) : listener))
  }

  listenerCount(event: keyof Events): number {
    return this.#of(event).length
  }

  /** The events that have listeners. */
  eventNames(): (keyof Events)[] {
    return [...this.#listeners.keys()]
  }

  #removing(event: keyof Events, listener: Listener): Listener {
    const remove = () => this.remove(event, listener)
    return function (this: unknown, ...args: any[]) {
      remove()
      return Reflect.apply(listener, this, args)
    }
  }

  #of(event: keyof Events): readonly { listener: Listener; once: boolean }[] {
    return this.#listeners.get(event) ?? []
  }
}
