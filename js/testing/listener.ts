/**
 * A listener on a TCP port. A server that simulates an outage closes it and later opens another on the same port, while
 * its connections stay open.
 */
import { Buffer } from 'node:buffer'
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Why a connection could not be accepted. */
export type FailureHandler = (reason: string) => void

export class Listener {
  readonly port: number
  readonly #server: Server
  readonly #onUpgrade: UpgradeHandler

  /** Rejects with Node's own error, such as `EADDRINUSE`. */
  static async open(
    port: number,
    host: string,
    onUpgrade: UpgradeHandler,
    onFailure: FailureHandler,
  ): Promise<Listener> {
    const server = createServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' })
      response.end('This is a WebSocket server: connect with ws://\n')
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        survive(server, onFailure)
        resolve()
      })
    })
    return new Listener(server, onUpgrade)
  }

  private constructor(server: Server, onUpgrade: UpgradeHandler) {
    this.port = (server.address() as AddressInfo).port
    this.#server = server
    this.#onUpgrade = onUpgrade
    server.on('upgrade', onUpgrade)
  }

  /** The port is free when this returns. The promise resolves when the last connection that came here has ended. */
  close(): Promise<void> {
    this.#server.off('upgrade', this.#onUpgrade)
    const drained = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    // Only those that are not upgraded yet; the others do not belong to the HTTP server any more.
    this.#server.closeAllConnections()
    return drained
  }
}

/**
 * A connection that the system cannot hand over, for want of a file handle, is lost, and only that one: the server goes
 * on. Without a listener the error would end the process.
 */
export function survive(server: NetServer, onFailure: FailureHandler): void {
  server.on('error', (error: NodeJS.ErrnoException) => {
    const isOfHandles = error.code === 'EMFILE' || error.code === 'ENFILE'
    const remedy = isOfHandles ? '; raise the limit of open files (ulimit -n)' : ''
    onFailure(`a connection could not be accepted: ${error.message}${remedy}`)
  })
}

/** Answers an upgrade request with an HTTP status instead of 101, and perhaps a text. */
export function refuseUpgrade(socket: Duplex, status: number, text: string = ''): void {
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

/** The host for a URL of a bound address: a wildcard cannot be dialled everywhere, and IPv6 needs brackets. */
export function dialableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
