/** The public types of the far end of a bridge. */
import type { MCPError } from '../shared/errors.js'
import type { MCPClientEvents, MCPClientLike } from '../shared/types.js'

/** The state of the bridge itself, as opposed to that of the client at its other end. */
export interface BridgeSnapshot {
  /**
   * - `connecting`: the other end has not answered yet.
   * - `open`: it has, and the client's `snapshot` is known.
   * - `reconnecting`: the socket was lost, and the next attempt waits.
   * - `closed`: `close()` was called.
   * - `failed`: there is no further attempt; `error` says why.
   */
  readonly state: 'connecting' | 'open' | 'reconnecting' | 'closed' | 'failed'
  /** The number of the attempt that waits or is in progress, from 1; 0 if the bridge is not reconnecting. */
  readonly attempt: number
  /** Length of the wait before the attempt, in ms; `null` if none waits. */
  readonly retryDelay: number | null
  /** When that wait ends, in ms since 1970 by this machine's clock; `null` if none waits. */
  readonly retryAt: number | null
  /** Why the bridge is not open; `null` when all is well. */
  readonly error: MCPError | null
}

/** The events of a client at the far end of a bridge. */
export interface BridgeClientEvents extends MCPClientEvents {
  /** The state of the bridge itself has changed. */
  bridge: [snapshot: BridgeSnapshot]
}

/** A client that is used over a bridge. */
export interface BridgeClient extends MCPClientLike {
  /** Adds a listener. */
  on<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this
  /** Adds a listener that is called once. */
  once<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this
  /** Removes a listener. */
  off<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this
  /** The state of the bridge itself; `snapshot` is that of the client. */
  readonly bridge: BridgeSnapshot
}

/** Before the other end has answered. */
export const CONNECTING: BridgeSnapshot = Object.freeze({
  state: 'connecting',
  attempt: 0,
  retryDelay: null,
  retryAt: null,
  error: null,
})

/** After the other end has answered. */
export const OPEN: BridgeSnapshot = Object.freeze({ ...CONNECTING, state: 'open' })
