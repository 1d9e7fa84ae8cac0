/** The listeners of a client's own events, and the asynchronous context that they run in. */
import type { InternalEvents } from '../internals.js'
import { runSafely } from '../socket-events.js'
import type { MCPClientEvents } from '../types.js'
import { runtime, type Context } from './runtime.js'

type Events = MCPClientEvents & InternalEvents

/** The listeners that users have added: what is used of an EventEmitter of Node.js. */
export interface OwnListeners {
  /** Those of an event as they are to be called; a copy. */
  rawListeners(event: keyof Events): ((...args: any[]) => unknown)[]
  listenerCount(event: keyof Events): number
  /** The events that have listeners. */
  eventNames(): unknown[]
}

/** The listeners of one client. */
export class Listeners {
  readonly #target: object
  readonly #own: OwnListeners
  /** The option of that name. */
  readonly #onMessage: ((message: unknown) => void) | null
  /** What the user's code runs in; `null` after the end, until the client is used again. */
  #context: Context | null = runtime.contextOfClient()

  constructor(target: object, own: OwnListeners, onMessage: ((message: unknown) => void) | null) {
    this.#target = target
    this.#own = own
    this.#onMessage = onMessage
  }

  /** Whether an event has a listener. */
  hear(event: keyof Events): boolean {
    return this.#own.listenerCount(event) > 0
  }

  get hearMessages(): boolean {
    return this.#onMessage !== null || this.hear('message')
  }

  get haveAny(): boolean {
    return this.#onMessage !== null || this.#own.eventNames().length > 0
  }

  /** What a listener throws becomes an `uncaughtException`; the other listeners are called all the same. */
  emit<E extends keyof Events>(event: E, ...args: Events[E]): void {
    const listeners = this.#own.rawListeners(event)
    if (listeners.length === 0) return
    this.inContext(() => {
      for (const listener of listeners) runSafely(() => Reflect.apply(listener, this.#target, args))
    })
  }

  emitMessage(message: unknown): void {
    const onMessage = this.#onMessage
    if (onMessage !== null) this.inContext(() => runSafely(() => onMessage(message)))
    this.emit('message', message)
  }

  /**
   * Runs the user's code in the context in which the client was made, whoever made it run. Nothing else runs there:
   * errors that are kept would hold the context with their stacks.
   */
  inContext(act: () => void): void {
    if (this.#context === null) act()
    else this.#context.runInAsyncScope(act)
  }

  get haveContext(): boolean {
    return this.#context !== null
  }

  /** From now on the client belongs to whoever calls this. */
  enterContext(): void {
    this.#context = runtime.contextOfClient()
  }

  leaveContext(): void {
    this.#context = null
  }
}
