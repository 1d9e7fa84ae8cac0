/** Test servers behind TLS, and what comes of connecting to them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { createServer, connect as connectTls } from 'node:tls'
import { MCPClient } from '@mcp-integration/client'
import { listen } from './test-server.mjs'

/** A test server behind TLS. */
export async function listenTls(t, certificate, options = {}) {
  const server = await listen(t)
  const sockets = new Set()
  const tls = createServer({ ...certificate, ...options }, (socket) => {
    const inner = connect(server.port, '127.0.0.1')
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ]) {
      sockets.add(one)
      one
        .on('error', () => {})
        .on('close', () => other.destroy())
        .pipe(other)
    }
  })
  tls.on('tlsClientError', () => {})
  tls.listen(0, '127.0.0.1')
  await once(tls, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    tls.close()
  })
  return { server, tls, port: tls.address().port }
}

/** Connects, calls a tool, closes: what came of it. */
export async function attempt(url, options = {}) {
  const client = new MCPClient(url, { maxReconnectAttempts: 0, ...options })
  const log = []
  client.on('log', ({ level, message }) => log.push(`${level}: ${message}`))
  try {
    await client.connect()
    return { results: await client.useTool('echo', 1), log }
  } catch (error) {
    return { state: client.state, error, log }
  } finally {
    await client.close()
  }
}

/** The code of the error that Node.js itself has for the same server; undefined if it connects. */
export async function codeOfNode(port, options = {}) {
  const socket = connectTls({ port, host: '127.0.0.1', ...options })
  try {
    await once(socket, 'secureConnect')
    // With TLS 1.3 the server may refuse only now.
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
    return undefined
  } catch ({ code }) {
    return code
  } finally {
    socket.destroy()
  }
}
