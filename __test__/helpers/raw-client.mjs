import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import WebSocket from 'ws'

/**
 * A WebSocket that follows no rule of the protocol: it sends what the test says, and returns what arrives, in order. It
 * is for tests of the server, which must not depend on the client.
 */
export class RawClient {
  #arrived = []
  #waiting = []

  static async open(t, url, { protocols = [], ...options } = {}) {
    const client = new RawClient(new WebSocket(url, protocols, options))
    t.after(() => client.socket.terminate())
    await once(client.socket, 'open')
    return client
  }

  /** A connection that is authenticated in the guide's dialect. */
  static async authenticated(t, url, token = 'anonymous') {
    const client = await RawClient.open(t, url)
    client.send({ id: 'auth', token })
    const answer = await client.next()
    if (!answer.success) throw new Error(`the server refused the token: ${JSON.stringify(answer)}`)
    return client
  }

  constructor(socket) {
    this.socket = socket
    this.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }))
    socket.on('message', (data, isBinary) => {
      const message = isBinary ? data : JSON.parse(data)
      const resolve = this.#waiting.shift()
      if (resolve) resolve(message)
      else this.#arrived.push(message)
    })
  }

  /** Sends a string or a Buffer unchanged, anything else as JSON. */
  send(message) {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message))
  }

  /** The next message: parsed, or as a Buffer if it came in a binary frame. */
  next() {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Sends a request and returns the next message. */
  async ask(message) {
    this.send(message)
    return await this.next()
  }
}

/** The error message of a refused upgrade. */
export async function refusal(t, url) {
  const socket = new WebSocket(url)
  t.after(() => socket.terminate())
  const [error] = await once(socket, 'error')
  return error.message
}

/** A connection whose client is a bare TCP socket, past the upgrade. */
export async function upgradeByHand(t, server) {
  const socket = connectTcp(server.port, '127.0.0.1')
  t.after(() => socket.destroy())
  const key = `${'A'.repeat(22)}==`
  const headers = [
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
  ]
  socket.write(['GET /mcp-ws HTTP/1.1', ...headers, '', ''].join('\r\n'))
  const connection = await server.nextConnection()
  await once(socket, 'data')
  return { socket, connection }
}
