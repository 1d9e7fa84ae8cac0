import { MCPClient } from '@mcp-integration/client'

// The environment of the tests must choose neither server nor key.
delete process.env.MCP_WS_URL
delete process.env.MCP_API_KEY

/** Reconnects without a wait worth mentioning, and as often as a test takes the connection away. */
const QUICK = { baseReconnectDelay: 1, maxReconnectDelay: 1, reconnectJitter: 0, slowReconnectDelay: 0, minUptime: 0 }

/** Options of a client that stays in 'reconnecting' until it is told otherwise. */
export const PATIENT = { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 }

/** A client of the test's own, closed when the test is over. `server` is one, or a URL. */
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

/** The arguments of the next `event`. Unlike with `once()` of node:events, an 'error' beside it rejects nothing. */
export function next(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)))
}

/** All that `event` brings from now on, one after the other: none is missed between two waits. */
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

/** Writes down what a client tells, as [event, ...arguments]. */
export function record(client, events = EVENTS) {
  const told = []
  for (const event of events) client.on(event, (...args) => told.push([event, ...args]))
  return told
}

/** What a promise is rejected with. */
export async function rejection(promise) {
  const value = await promise.then(
    (resolved) => ({ resolved }),
    (error) => ({ error }),
  )
  if ('resolved' in value) throw new Error(`it resolved with ${JSON.stringify(value.resolved)}`)
  return value.error
}
