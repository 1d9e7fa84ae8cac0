/** The public types of the far end: a client, and the bridge that leads to it. */
import type { MCPError } from '../shared/errors.js'
import type { MCPClientEvents, MCPClientLike } from '../shared/types.js'

/** The state of the bridge itself, whatever that of the client at its other end is. */
export interface BridgeSnapshot {
  /**
   * - `connecting`: the other end has not answered yet.
   * - `open`: it has; `snapshot` is that of the client.
   * - `reconnecting`: the socket was lost, and is dialled again after a wait.
   * - `closed`: by `close()`.
   * - `failed`: it is lost for good; `error` says why.
   */
  readonly state: 'connecting' | 'open' | 'reconnecting' | 'closed' | 'failed'
  /** Of the wait that is running, or of the dial after it; 0 when there is none. */
  readonly attempt: number
  /** ms of the wait that is running. */
  readonly retryDelay: number | null
  /** When it ends, epoch ms by this machine's clock. */
  readonly retryAt: number | null
  /** Why it is not open; `null` when nothing is wrong. */
  readonly error: MCPError | null
}

/** The events of a client, and one of the bridge itself. */
export interface BridgeClientEvents extends MCPClientEvents {
  /** The state of the bridge itself has changed. */
  bridge: [snapshot: BridgeSnapshot]
}

/** A client at the other end of a bridge. */
export interface BridgeClient extends MCPClientLike {
  on<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this
  once<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this
  off<E extends keyof BridgeClientEvents>(event: E, listener: (...args: BridgeClientEvents[E]) => void): this
  /** How the bridge itself is; `snapshot` is about the client. */
  readonly bridge: BridgeSnapshot
}

/** Nobody has answered yet. */
export const CONNECTING: BridgeSnapshot = Object.freeze({
  state: 'connecting',
  attempt: 0,
  retryDelay: null,
  retryAt: null,
  error: null,
})
