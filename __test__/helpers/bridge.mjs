import { EventEmitter } from 'node:events'
import { MCPClient } from '@mcp-integration/client'
import { connectClient, serveClient } from '@mcp-integration/client/bridge'
import { next } from './client.mjs'
import { DEAF_URL } from './ports.mjs'

/**
 * Serves `client` over a MessageChannel of Node.js. `log` contains what is dropped. Everything is closed after the
 * test.
 */
export function bridge(t, client, options = {}) {
  const { port1, port2 } = new MessageChannel()
  const log = []
  const served = serveClient(client, port1, { onLog: (entry) => log.push(entry), ...options })
  const far = connectClient(port2)
  t.after(async () => {
    served.close()
    await far.close()
    port1.close()
    port2.close()
  })
  return { far, served, log, near: port1, port: port2 }
}

/** The same, once the far end is ready. */
export async function bridged(t, client, options) {
  const made = bridge(t, client, options)
  await made.far.connect()
  return made
}

/** Serves `client` to a test that sends whatever it likes. */
export function rawBridge(t, client, options = {}) {
  const { port1, port2 } = new MessageChannel()
  const log = []
  const served = serveClient(client, port1, { onLog: (entry) => log.push(entry), ...options })
  const hear = listenerOf(port2)
  t.after(() => {
    served.close()
    port2.close()
  })
  return {
    served,
    log,
    port: port2,
    say: (message) => port2.postMessage(message),
    hear,
    /** Resolves when everything sent before has been handled. */
    async heardOut() {
      port2.postMessage({ mcpBridge: 1, type: 'command', id: 999_999, name: 'connect', token: null, seen: 'idle' })
      while ((await hear()).id !== 999_999);
    },
  }
}

/** A far end that talks to a test, which sends whatever it likes. */
export function rawServer(t) {
  const { port1, port2 } = new MessageChannel()
  const far = connectClient(port2)
  const hear = listenerOf(port1)
  t.after(async () => {
    await far.close()
    port1.close()
  })
  return {
    far,
    port: port1,
    say: (message) => port1.postMessage({ mcpBridge: 1, ...message }),
    hear,
  }
}

/** Returns a function that waits for the next message of a port. */
function listenerOf(port) {
  const arrived = []
  const waiting = []
  port.on('message', (message) => (waiting.length > 0 ? waiting.shift()(message) : arrived.push(message)))
  return () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)))
}

/** Waits until the far end's snapshot is as new as the client's. */
export async function caughtUp(far, client) {
  while (far.snapshot.revision < client.snapshot.revision) await next(far, 'state')
}

/** The fields of an error, with those of its causes. */
export function fieldsOf(error) {
  const { name, message, code, retryable, toolName, requestId, sent, toolCode, data, cause } = error
  return { name, message, code, retryable, toolName, requestId, sent, toolCode, data, cause: cause && fieldsOf(cause) }
}

/** Not MCPClient: anything that has its face may be served. */
export function fakeClient(methods = {}) {
  const { snapshot } = new MCPClient({ url: DEAF_URL, autoConnect: false })
  return Object.assign(new EventEmitter(), {
    snapshot: { ...snapshot, state: 'ready', connected: true, authenticated: true },
    stats: () => ({ state: 'ready', pending: 0, requests: 0, heartbeatRtt: {}, requestLatency: {} }),
    connect: async () => {},
    ...methods,
  })
}

/** A promise, and what resolves it. */
export function deferred() {
  let resolve
  const promise = new Promise((settle) => (resolve = settle))
  return { promise, resolve }
}
