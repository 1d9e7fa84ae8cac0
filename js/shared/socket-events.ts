/** The listeners of a WHATWG WebSocket: those of `addEventListener`, and the `on…` properties. */

import { queueMicrotask } from './globals.js'

/** The events of a WebSocket. */
export type SocketEventType = 'open' | 'message' | 'close' | 'error'
/** A listener as `addEventListener` takes it; `null` is ignored. */
export type SocketListener = ((event: any) => void) | { handleEvent(event: any): void } | null

/** Runs a listener. What it throws becomes an `uncaughtException`, and the caller goes on. */
export function runSafely(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** An event as the listeners of a WebSocket expect it. */
export class SocketEvent {
  readonly type: SocketEventType
  readonly target: object
  readonly currentTarget: object

  constructor(type: SocketEventType, target: object, details: object) {
    this.type = type
    this.target = target
    this.currentTarget = target
    Object.assign(this, details)
  }
}

/** The listeners of one client. */
export class SocketListeners {
  readonly #lists = new Map<SocketEventType, Map<NonNullable<SocketListener>, { once: boolean }>>()
  readonly #handlers = new Map<SocketEventType, (event: any) => void>()
  readonly #changed: () => void

  /**
   * @param changed is called whenever there may be more or fewer listeners
   */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  add(type: SocketEventType, listener: SocketListener, once: boolean): void {
    if (listener === null) return
    const list = this.#lists.get(type) ?? new Map<NonNullable<SocketListener>, { once: boolean }>()
    this.#lists.set(type, list)
    // As in the DOM, a listener that is added twice is called once.
    if (!list.has(listener)) list.set(listener, { once })
    this.#changed()
  }

  remove(type: SocketEventType, listener: SocketListener): void {
    if (listener === null) return
    this.#lists.get(type)?.delete(listener)
    this.#changed()
  }

  handler(type: SocketEventType): ((event: any) => void) | null {
    return this.#handlers.get(type) ?? null
  }

  /** As in the DOM, anything but a function empties the property. */
  setHandler(type: SocketEventType, handler: unknown): void {
    if (typeof handler === 'function') this.#handlers.set(type, handler as (event: any) => void)
    else this.#handlers.delete(type)
    this.#changed()
  }

  has(type: SocketEventType): boolean {
    return this.#handlers.has(type) || (this.#lists.get(type)?.size ?? 0) > 0
  }

  hasAny(): boolean {
    return this.#handlers.size > 0 || [...this.#lists.values()].some(({ size }) => size > 0)
  }

  /** The code of the listeners. That of the same code, called again, is the same. */
  sourceOf(type: SocketEventType): string {
    const functions = [...(this.#lists.get(type)?.keys() ?? [])].map((each) =>
      'handleEvent' in each ? each.handleEvent : each,
    )
    return [this.#handlers.get(type) ?? '', ...functions].map(String).join('\n')
  }

  dispatch(type: SocketEventType, target: object, details: object): void {
    if (!this.has(type)) return
    const event = new SocketEvent(type, target, details)
    const handler = this.#handlers.get(type)
    if (handler !== undefined) runSafely(() => handler.call(target, event))
    for (const [listener, { once }] of [...(this.#lists.get(type) ?? [])]) {
      if (once) this.remove(type, listener)
      runSafely(() => (typeof listener === 'function' ? listener.call(target, event) : listener.handleEvent(event)))
    }
  }
}
