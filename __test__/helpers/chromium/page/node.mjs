/** What the tests and MCPTestServer use of the modules of Node.js, in a page. */

export class EventEmitter {
  #listeners = new Map()

  on(event, listener) {
    this.#listeners.set(event, [...this.listeners(event), listener])
    return this
  }

  once(event, listener) {
    const once = (...args) => {
      this.off(event, once)
      listener.apply(this, args)
    }
    once.listener = listener
    return this.on(event, once)
  }

  off(event, listener) {
    const rest = this.listeners(event).filter((each) => each !== listener && each.listener !== listener)
    this.#listeners.set(event, rest)
    return this
  }

  emit(event, ...args) {
    const listeners = this.listeners(event)
    for (const listener of listeners) listener.apply(this, args)
    return listeners.length > 0
  }

  listeners(event) {
    return this.#listeners.get(event) ?? []
  }
}

export function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)))
}

export function setMaxListeners() {}

/** How many listeners each signal has; a page cannot ask. */
const listenersOf = new WeakMap()
const { addEventListener, removeEventListener } = EventTarget.prototype

AbortSignal.prototype.addEventListener = function (type, listener, ...rest) {
  listenersOf.set(this, new Set(listenersOf.get(this)).add(listener))
  return addEventListener.call(this, type, listener, ...rest)
}

AbortSignal.prototype.removeEventListener = function (type, listener, ...rest) {
  listenersOf.get(this)?.delete(listener)
  return removeEventListener.call(this, type, listener, ...rest)
}

export function getEventListeners(signal) {
  // They are there for one time only.
  return signal.aborted ? [] : [...(listenersOf.get(signal) ?? [])]
}

/** Bytes, as the tests make them. */
export class Buffer extends Uint8Array {
  static from(given) {
    return new Buffer(typeof given === 'string' ? new TextEncoder().encode(given) : given)
  }

  static alloc(size) {
    return new Buffer(size)
  }

  static byteLength(text) {
    return new TextEncoder().encode(text).length
  }

  static isBuffer(value) {
    return value instanceof Buffer
  }

  toString() {
    return new TextDecoder().decode(this)
  }
}

// js/testing/node.ts
export const { clearInterval, clearTimeout, setInterval, setTimeout, queueMicrotask } = globalThis
export const setImmediate = (act) => setTimeout(act, 0)
export const clearImmediate = clearTimeout
export const now = performance.now.bind(performance)
export const newAbortController = () => new AbortController()
export const delay = (ms, value, { signal } = {}) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(value), ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })

/** What a module asks as it loads. */
export const fileURLToPath = String
export const createRequire = () => missing('require')

/** IPv6 addresses have colons, and names have none. */
export const isIPv6 = (host) => host.includes(':')

/** What a page cannot have. A test that needs it says so (helpers/where.mjs). */
export function missing(name) {
  return () => {
    throw new Error(`${name} is not in a page: does the test say that it needs it?`)
  }
}
