/**
 * What makes a client look like a WHATWG WebSocket: the listeners of code written against one, and which 'open' and
 * 'close' events they get. The client emits its own events itself. Needs nothing of Node.js: pages use it too.
 */
import { explain } from './close-codes.js'
import { MCPError } from './error-classes.js'
import { isUrl } from './foreign.js'
import { DOMException } from './globals.js'
import { QUEUE_FULL } from './native-types.js'
import { SocketListeners, type SocketEventType, type SocketListener } from './socket-events.js'
import type { CloseInfo, ConnectionSnapshot, ConnectionState } from './types.js'

/** CONNECTING, OPEN, CLOSING, CLOSED. */
export type ReadyState = 0 | 1 | 2 | 3

/** What the face needs of its client. */
export interface SocketFaceOwner {
  /** Called whenever there may be more or fewer listeners. */
  listenersChanged(): void
  /** Runs code of the user. */
  inContext(act: () => void): void
}

/** The part of a client that is a WebSocket. */
export class SocketFace {
  /** Whether the core was asked not to authenticate before the 'open' listeners have run (PROTOCOL.md rule 5). */
  holdsOpenings = false
  /** The `target` of the events. */
  readonly #target: object
  readonly #owner: SocketFaceOwner
  /** Most clients have none: they share this one. */
  #listeners = NO_LISTENERS
  /** For the listeners, the socket is open or being opened: they still have to get its 'close'. */
  #owesClose = true
  /** A 'close' listener has made another client, or has closed this one: it gets no other 'close'. */
  #isReplaced = false

  constructor(target: object, owner: SocketFaceOwner) {
    this.#target = target
    this.#owner = owner
  }

  // ── Listeners ──────────────────────────────────────────────────────────────────────────────────────────────

  handler(type: SocketEventType): ((event: any) => void) | null {
    return this.#listeners.handler(type)
  }

  setHandler(type: SocketEventType, handler: unknown): void {
    this.#ownListeners().setHandler(type, handler)
  }

  add(type: SocketEventType, listener: SocketListener, options: { once?: boolean } | boolean): void {
    this.#ownListeners().add(type, listener, typeof options === 'object' && options?.once === true)
  }

  remove(type: SocketEventType, listener: SocketListener): void {
    this.#listeners.remove(type, listener)
  }

  has(type: SocketEventType): boolean {
    return this.#listeners.has(type)
  }

  hasAny(): boolean {
    return this.#listeners.hasAny()
  }

  /** The code of the listeners. */
  sourceOf(type: SocketEventType): string {
    return this.#listeners.sourceOf(type)
  }

  /** `run` calls the listeners. */
  dispatch(type: SocketEventType, details: object, run = (listeners: () => void): void => listeners()): void {
    if (!this.#listeners.has(type)) return
    this.#owner.inContext(() => run(() => this.#listeners.dispatch(type, this.#target, details)))
  }

  #ownListeners(): SocketListeners {
    if (this.#listeners === NO_LISTENERS) this.#listeners = new SocketListeners(() => this.#owner.listenersChanged())
    return this.#listeners
  }

  // ── Which 'close' events they get ──────────────────────────────────────────────────────────────────────────

  /** A socket is open, or is being opened for the first time. */
  begin(): void {
    this.#owesClose = true
  }

  /** The open socket has closed. Returns whether there is a 'close' event. */
  close(): boolean {
    this.#owesClose = false
    return !this.#isReplaced
  }

  /**
   * No socket is going to be opened any more. A WebSocket has a 'close' event then; the client itself has none if no
   * socket was open.
   */
  closeUnopened(): void {
    if (!this.#owesClose || this.#isReplaced) return
    this.#owesClose = false
    this.dispatch('close', NEVER_OPEN)
  }

  /** There is no other 'close' event until the client is used again. */
  replace(): void {
    this.#isReplaced = true
  }

  /** The client is used again. */
  restore(): void {
    this.#isReplaced = false
  }
}

/** The `readyState` of a client in this state. */
export function readyStateOf({ state, connected }: Pick<ConnectionSnapshot, 'state' | 'connected'>): ReadyState {
  // If the upgrade itself was refused, there is no socket.
  return state === 'unauthorized' && !connected ? 3 : READY_STATE[state]
}

/**
 * Checks a call of `send()`.
 * @throws TypeError for anything but a string; DOMException InvalidStateError while the socket is connecting
 */
export function checkSend(data: unknown, readyState: ReadyState): void {
  if (typeof data !== 'string')
    throw new TypeError(`send() takes a string, got ${typeof data}: the protocol is JSON text`)
  if (readyState === READY_STATE.connecting)
    throw new DOMException(
      'send() was called while the socket is still connecting: wait for "open"',
      'InvalidStateError',
    )
}

/** What `send()` throws if the buffer is full. */
export function bufferFull(): MCPError {
  const words = 'the buffer is full (maxBufferedAmount): wait until bufferedAmount falls'
  return new MCPError(words, { code: 'QUEUE_FULL', retryable: QUEUE_FULL.retryable })
}

/** Whether the constructor was called like that of a WebSocket: with a URL, perhaps subprotocols, but no options. */
export function isMadeLikeASocket(first: unknown, second: unknown): boolean {
  return (
    (typeof first === 'string' || isUrl(first)) &&
    (typeof second === 'string' || Array.isArray(second) || Object.keys(second as object).length === 0)
  )
}

const NO_LISTENERS = new SocketListeners(() => {})

/** The 'close' of a socket that was never open. */
const NEVER_OPEN: CloseInfo = Object.freeze({
  code: 1006,
  reason: '',
  wasClean: false,
  explanation: explain(1006),
  willReconnect: false,
})

const READY_STATE = {
  idle: 3,
  connecting: 0,
  authenticating: 1,
  ready: 1,
  unauthorized: 1,
  reconnecting: 0,
  closing: 2,
  closed: 3,
  failed: 3,
} as const satisfies Record<ConnectionState, ReadyState>
