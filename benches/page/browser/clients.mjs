/**
 * The clients in the page. Each function resolves with `{ call(parameters), close() }` when tools can be used, and
 * tells with `loaded()` when its code is there.
 */
import { openWebSocket, Session } from '/bench/clients/session.mjs'

export const CLIENTS = { ours, guide, parse }

async function ours(url, loaded) {
  const { MCPClient } = await import('/bench/ours.js')
  loaded()
  const client = new MCPClient(url, { heartbeatInterval: 0 })
  await client.connect()
  return { call: (parameters) => client.useTool('bench', parameters), close: () => client.close() }
}

/** What a user writes. */
async function guide(url, loaded) {
  loaded()
  const session = new Session((events) => openWebSocket(WebSocket, url, events))
  await session.connect()
  return session
}

/** As little as a page can do to have the results of calls. */
async function parse(url, loaded) {
  loaded()
  const socket = new WebSocket(url)
  const waiting = new Map()
  socket.onmessage = ({ data }) => {
    const { id, results } = JSON.parse(data)
    waiting.get(id)(results)
    waiting.delete(id)
  }
  const ask = (id, message) =>
    new Promise((resolve) => {
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ id, ...message }))
    })
  await new Promise((resolve) => (socket.onopen = resolve))
  await ask('auth', { token: 'anonymous' })
  let next = 0
  return { call: (parameters) => ask(`req_${next++}`, { name: 'bench', parameters }), close: () => socket.close() }
}
