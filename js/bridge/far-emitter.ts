/** The listeners of a client at the far end of a bridge, and how they are called. */
import { Emitter } from '../shared/emitter.js'
import { runSafely } from '../shared/socket-events.js'

export class FarEmitter<Events extends { [E in keyof Events]: unknown[] }> extends Emitter<Events> {
  has(event: keyof Events): boolean {
    return this.listenerCount(event) > 0
  }

  /**
   * What a listener throws becomes an uncaught error.
   * @param target what `this` is in the listeners
   */
  emit<E extends keyof Events>(target: object, event: E, ...args: Events[E]): void {
    for (const listener of this.rawListeners(event)) runSafely(() => Reflect.apply(listener, target, args))
  }
}
