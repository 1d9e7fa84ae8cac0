import { MCPClient } from '@mcp-integration/client'
import { PROXY_VARIABLES } from './proxies.mjs'

// The tests' own environment must not choose a server, a key or a proxy.
for (const name of ['MCP_WS_URL', 'MCP_API_KEY', ...PROXY_VARIABLES]) delete process.env[name]

/** Reconnects almost at once, and as often as a test takes the connection away. */
const QUICK = { baseReconnectDelay: 1, maxReconnectDelay: 1, reconnectJitter: 0, slowReconnectDelay: 0, minUptime: 0 }

/** Options of a client that stays in 'reconnecting' until the test does something. */
export const PATIENT = { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 }

/** A client that is closed after the test. `server` is a server or a URL. */
export function open(t, server, options = {}) {
  const client = new MCPClient({ url: server.url ?? server, ...QUICK, ...options })
  t.after(() => client.close())
  return client
}

/** A client that is ready. */
export async function ready(t, server, options) {
  const client = open(t, server, options)
  await client.connect()
  return client
}

/** Resolves with the arguments of the next `event`. Unlike `once()` of node:events, it ignores 'error'. */
export function next(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)))
}

/** Returns a function that waits for the next occurrence of `event`; none is missed between two calls. */
export function inbox(emitter, event) {
  const arrived = []
  const waiting = []
  emitter.on(event, (...args) => {
    const resolve = waiting.shift()
    if (resolve) resolve(args)
    else arrived.push(args)
  })
  return () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)))
}

/** Waits for a state; resolves with its snapshot. */
export async function reached(client, state) {
  while (client.state !== state) {
    const [snapshot] = await next(client, 'state')
    if (snapshot.state === state) return snapshot
  }
  return client.snapshot
}

const EVENTS = [
  'state',
  'open',
  'authenticated',
  'message',
  'close',
  'reconnecting',
  'heartbeat',
  'failed',
  'error',
  'log',
]

/** Records the events of a client, as [event, ...arguments]. */
export function record(client, events = EVENTS) {
  const told = []
  for (const event of events) client.on(event, (...args) => told.push([event, ...args]))
  return told
}

/** Resolves with the reason why a promise is rejected. */
export async function rejection(promise) {
  const value = await promise.then(
    (resolved) => ({ resolved }),
    (error) => ({ error }),
  )
  if ('resolved' in value) throw new Error(`it resolved with ${JSON.stringify(value.resolved)}`)
  return value.error
}
