/** HTTP proxies and TLS servers on loopback, and clients in processes whose environment chooses a proxy. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import { createServer as createRawTlsServer } from 'node:tls'
import { folderOf } from './documents.mjs'
import { run } from './program.mjs'

/** The variables that choose a proxy. */
export const PROXY_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'REQUEST_METHOD'].flatMap(
  (name) => [name, name.toLowerCase()],
)

/**
 * A proxy that carries every CONNECT to the port `to`, whatever name it asks for.
 * @param login the value of Proxy-Authorization that it demands
 * @param certificate makes it an https: proxy
 * @param refuse answers the CONNECT of a socket in another way, if it returns true
 */
export async function listenProxy(t, { to, login, certificate, refuse = () => false } = {}) {
  const asked = []
  const sockets = new Set()
  const server = certificate ? createTlsServer(certificate) : createServer()
  server.on('connection', (socket) => hold(sockets, socket))
  server.on('tlsClientError', () => {})
  server.on('connect', ({ url, headers }, socket) => {
    asked.push(url)
    socket.on('error', () => {})
    if (refuse(socket)) return
    if (login !== undefined && headers['proxy-authorization'] !== login) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n')
      return
    }
    const inner = hold(sockets, connect(to, '127.0.0.1'))
    inner.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(inner).pipe(socket)
    })
    socket.on('close', () => inner.destroy())
    inner.on('close', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = `127.0.0.1:${server.address().port}`
  return { url: `${certificate ? 'https' : 'http'}://${address}`, address, asked }
}

/** As `Proxy-Authorization` has a user and a password. */
export function basic(login) {
  return `Basic ${Buffer.from(login).toString('base64')}`
}

/** The port of a server that speaks TLS, and carries what is in it to the port `to`. */
export async function listenTls(t, to, certificate) {
  const server = createRawTlsServer(certificate, (socket) => {
    const inner = connect(to, '127.0.0.1').on('error', () => {})
    socket.on('error', () => {}).on('close', () => inner.destroy())
    socket.pipe(inner).pipe(socket)
    t.after(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return server.address().port
}

/** The environment of a process that trusts an authority. */
export async function trusting(t, authority) {
  const folder = await folderOf(t, { 'authority.pem': authority.cert })
  return { NODE_EXTRA_CA_CERTS: `${folder}/authority.pem` }
}

/** Connects in a process of its own; tells the error, if there is one. */
export async function connecting(t, url, options, env) {
  const [told] = await run(
    t,
    async ({ MCPClient, tell, input: { url, options } }) => {
      let client
      try {
        client = new MCPClient(url, { maxReconnectAttempts: 0, ...options })
        await client.connect()
        tell({})
      } catch ({ name, code, message, phase, proxy }) {
        tell({ error: { name, code, message, phase, proxy } })
      }
      await client?.close()
    },
    { url, options },
    { env },
  )
  return told
}

function hold(sockets, socket) {
  sockets.add(socket)
  return socket.on('error', () => {}).once('close', () => sockets.delete(socket))
}
