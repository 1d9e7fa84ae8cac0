/**
 * Serves the pages that run tests, and has the sockets of their MCPTestServers: a page cannot listen. It decides
 * nothing; page/relay.mjs is its other end.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, STATUS_CODES } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { WebSocketServer } from 'ws'

/**
 * @param {(url: URL) => { type: string, body: string | Uint8Array, headers?: object } | undefined} find what is served
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function startRelay(find) {
  const server = createServer((request, response) => {
    const found = find(new URL(request.url, 'http://localhost'))
    response.writeHead(found === undefined ? 404 : 200, {
      'content-type': found?.type ?? 'text/plain',
      ...found?.headers,
    })
    response.end(found?.body)
  })
  const controls = new WebSocketServer({ server, path: '/relay', maxPayload: MOST_BYTES })
  const ends = new Set()
  controls.on('connection', (control) => {
    const page = new PageSockets((message) => control.readyState === 1 && control.send(JSON.stringify(message)))
    ends.add(page)
    control.on('message', (data) => page.obey(JSON.parse(String(data))))
    control.once('close', () => {
      ends.delete(page)
      page.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      for (const page of ends) page.end()
      for (const control of controls.clients) control.terminate()
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The listeners and sockets of one page, by the numbers that the page gave them. */
class PageSockets {
  #tell
  #listeners = new Map()
  #upgrades = new Map()
  #sockets = new Map()
  #upgradeCount = 0

  constructor(tell) {
    this.#tell = tell
  }

  obey({ type, ...facts }) {
    const acts = {
      listen: () => this.#listen(facts),
      unlisten: () => this.#listeners.get(facts.number)?.(),
      stuck: () => this.#beStuck(facts),
      refuse: () => this.#refuse(facts),
      accept: () => this.#accept(facts),
      send: () => this.#socket(facts)?.send(facts.text ?? Uint8Array.from(facts.bytes)),
      close: () => this.#socket(facts)?.close(facts.code, facts.reason),
      terminate: () => this.#socket(facts)?.terminate(),
      ping: () => this.#socket(facts)?.ping(),
      pong: () => this.#socket(facts)?.pong(),
    }
    acts[type]()
  }

  end() {
    for (const stop of this.#listeners.values()) stop()
    for (const socket of this.#sockets.values()) socket.terminate()
  }

  #socket({ number }) {
    const socket = this.#sockets.get(number)
    return socket?.readyState === 1 || socket?.readyState === 2 ? socket : undefined
  }

  #listen({ number, port }) {
    const server = createServer((_request, response) => response.writeHead(426).end())
    server.on('upgrade', (request, socket, head) => {
      const upgrade = ++this.#upgradeCount
      socket.on('error', () => socket.destroy())
      this.#upgrades.set(upgrade, { request, socket, head })
      this.#tell({ to: number, type: 'upgrade', upgrade, headers: request.headers, url: request.url })
    })
    server.once('error', ({ message, code }) => this.#tell({ to: number, type: 'failed', message, code }))
    server.listen(port, '127.0.0.1', () => this.#tell({ to: number, type: 'listening', port: server.address().port }))
    this.#listeners.set(number, () => {
      this.#listeners.delete(number)
      server.close(() => this.#tell({ to: number, type: 'drained' }))
      server.closeAllConnections()
    })
  }

  #refuse({ upgrade, status, text }) {
    const { socket } = this.#take(upgrade)
    const length = Buffer.byteLength(text)
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\nConnection: close\r\nContent-Length: ${length}`
    socket.once('finish', () => socket.destroy())
    socket.end(`${head}\r\n\r\n${text}`)
  }

  #accept({ upgrade, number, options }) {
    const { request, socket, head } = this.#take(upgrade)
    const server = new WebSocketServer({ noServer: true, clientTracking: false, autoPong: false, ...options })
    server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#sockets.set(number, webSocket)
      webSocket.on('error', () => {})
      webSocket.on('message', (data) => this.#tell({ to: number, type: 'message', text: String(data) }))
      webSocket.on('ping', () => this.#tell({ to: number, type: 'ping' }))
      webSocket.once('close', (code, reason) => {
        this.#sockets.delete(number)
        this.#tell({ to: number, type: 'closed', code, reason: String(reason) })
      })
    })
    // The client had gone before.
    if (!this.#sockets.has(number)) this.#tell({ to: number, type: 'closed', code: 1006, reason: '' })
  }

  #take(upgrade) {
    const taken = this.#upgrades.get(upgrade)
    this.#upgrades.delete(upgrade)
    return taken
  }

  /** Without texts it never answers; with some it upgrades, sends them, and from then on neither reads nor closes. */
  #beStuck({ number, texts }) {
    const sockets = new Set()
    const server = createTcpServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).once('close', () => sockets.delete(socket))
      if (texts !== undefined) socket.once('data', (request) => upgradeAndStop(socket, String(request), texts))
    })
    server.listen(0, '127.0.0.1', () => {
      this.#tell({ to: number, type: 'listening', url: `ws://127.0.0.1:${server.address().port}/mcp-ws` })
    })
    this.#listeners.set(number, () => {
      this.#listeners.delete(number)
      for (const socket of sockets) socket.destroy()
      server.close()
    })
  }
}

function upgradeAndStop(socket, request, texts) {
  const [, key] = /^sec-websocket-key: (.+)\r$/im.exec(request)
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}`
  socket.write(`${head}\r\n\r\n`)
  for (const text of texts) socket.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]))
  socket.pause()
}

/** A test sends large texts, and JSON makes them larger. */
const MOST_BYTES = 512 * 1024 * 1024
