/**
 * What makes a client look like a WHATWG WebSocket: the listeners of code written against one, and which 'open' and
 * 'close' they hear of. The client emits its own events itself. Needs nothing of Node.js: pages use it too.
 */
import { explain } from './close-codes.js'
import { makeError, type MCPError } from './errors.js'
import { isUrl } from './foreign.js'
import { DOMException } from './globals.js'
import { SocketListeners, type SocketEventType, type SocketListener } from './socket-events.js'
import type { CloseInfo, ConnectionSnapshot, ConnectionState } from './types.js'

/** CONNECTING, OPEN, CLOSING, CLOSED. */
export type ReadyState = 0 | 1 | 2 | 3

/** What the face needs of its client. */
export interface SocketFaceOwner {
  /** Called whenever there may be more or fewer listeners. */
  socketListenersChanged(): void
}

/** The part of a client that is a WebSocket. */
export class SocketFace {
  /** Whether the core was asked to wait with authentication until the listeners have heard of 'open' (rule 5). */
  holdsOpenings = false
  /** `target` of the events. */
  readonly #target: object
  readonly #owner: SocketFaceOwner
  /** Most clients have none: they share this one. */
  #listeners = NO_LISTENERS
  /** The listeners take the socket for open, or for one that is being opened: its 'close' is still to come. */
  #owesClose = true
  /** Its 'close' made the code behind it open another socket, or close this one: it hears of no other 'close'. */
  #isReplaced = false

  constructor(target: object, owner: SocketFaceOwner) {
    this.#target = target
    this.#owner = owner
  }

  // ── Listeners ────────────────────────────────────────────────────────────────────────────────────────────────

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

  dispatch(type: SocketEventType, details: object): void {
    this.#listeners.dispatch(type, this.#target, details)
  }

  #ownListeners(): SocketListeners {
    if (this.#listeners === NO_LISTENERS)
      this.#listeners = new SocketListeners(() => this.#owner.socketListenersChanged())
    return this.#listeners
  }

  // ── Which 'close' they hear of ─────────────────────────────────────────────────────────────────────────────────

  /** A socket is open, or is being opened for the first time. */
  begin(): void {
    this.#owesClose = true
  }

  /** The open socket has closed. Returns whether anyone is to hear of it. */
  close(): boolean {
    this.#owesClose = false
    return !this.#isReplaced
  }

  /**
   * No socket will open any more. A WebSocket has a 'close' for that too; the client's own events have none if there
   * was no socket.
   */
  closeUnopened(): void {
    if (!this.#owesClose || this.#isReplaced) return
    this.#owesClose = false
    this.dispatch('close', NEVER_OPEN)
  }

  /** Nobody hears of another 'close', until the client is used again. */
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
  // Where the upgrade itself was refused there is no socket that could be open.
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
  return makeError('QUEUE_FULL', { message: 'the buffer is full (maxBufferedAmount): wait until bufferedAmount falls' })
}

/** Whether a constructor was called as that of a WebSocket is: with a URL, perhaps subprotocols, and no options. */
export function isMadeLikeASocket(first: unknown, second: unknown): boolean {
  return (
    (typeof first === 'string' || isUrl(first)) &&
    (typeof second === 'string' || Array.isArray(second) || Object.keys(second as object).length === 0)
  )
}

const NO_LISTENERS = new SocketListeners(() => {})

/** The end of a socket that was never open. */
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
