/** Snapshots and counters that no client has made. Needs nothing of Node.js: pages use it too. */
import type { ClientStats, ConnectionSnapshot } from './types.js'

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

/** The counters before anything is known. */
export const NO_STATS: ClientStats = Object.freeze({
  state: 'idle',
  pending: 0,
  queued: 0,
  requests: 0,
  succeeded: 0,
  failed: 0,
  timedOut: 0,
  lateResponses: 0,
  reconnects: 0,
  messagesSent: 0,
  messagesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  heartbeatRtt: Object.freeze({ last: null, min: null, mean: null, max: null }),
  requestLatency: Object.freeze({ count: 0, p50: null, p90: null, p99: null, max: null }),
  connectedSince: null,
  eventLoopWait: Object.freeze({ count: 0, p50: null, p90: null, p99: null, max: null }),
})
