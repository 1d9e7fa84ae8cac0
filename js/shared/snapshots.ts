/** Snapshots that no client has made. Needs nothing of Node.js: pages use it too. */
import type { ConnectionSnapshot } from './types.js'

/** The snapshot before anything is known: nothing is connected, and nothing is wrong. */
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
