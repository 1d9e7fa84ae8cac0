/** A server of MCP over WebSockets: as much of JSON-RPC as a client of the SDK needs to call a tool. */
import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/**
 * Starts a server with the tool `echo`, which is closed after the test.
 * @param answer what it answers to a request, in place of its own answer; `undefined` for nothing
 */
export async function listenMcp(t, answer = answerOf) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: (offered) => [...offered][0] })
  const connections = []
  server.on('connection', (socket, request) => {
    connections.push({ socket, headers: request.headers, path: request.url })
    socket.on('message', (data) => {
      const message = JSON.parse(String(data))
      const answered = 'id' in message && 'method' in message ? answer(message) : undefined
      if (answered !== undefined) socket.send(JSON.stringify(answered))
    })
  })
  await once(server, 'listening')
  t.after(() => {
    for (const { socket } of connections) socket.terminate()
    server.close()
  })
  return { url: `ws://127.0.0.1:${server.address().port}`, server, connections }
}

export function answerOf({ id, method, params }) {
  const answers = {
    initialize: () => ({
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'test', version: '1' },
    }),
    'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
    'tools/call': () => ({ content: [{ type: 'text', text: JSON.stringify(params.arguments) }] }),
    ping: () => ({}),
  }
  return method in answers
    ? { jsonrpc: '2.0', id, result: answers[method]() }
    : { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
}
