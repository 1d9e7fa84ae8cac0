/** Pictures of a connection that nobody has told anything about yet. Needs nothing of Node.js. */
import type { ConnectionSnapshot } from './types.js'

/** Before anything is known: nothing is connected, and nothing is wrong. */
export const IDLE: ConnectionSnapshot = Object.freeze({
  state: 'idle',
  connected: false,
  authenticated: false,
  url: '',
  attempt: 0,
  retryDelay: null,
  retryAt: null,
  error: null,
  revision: 0,
})
