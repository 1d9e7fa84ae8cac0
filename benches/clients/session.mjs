/**
 * What a user writes over a WebSocket for the guide's dialect: a map of pending calls, a timeout for each, `JSON.parse`
 * of every frame, the guide's heartbeat and backoff.
 */
export class Session {
  #open
  #options
  #socket
  #heartbeat
  #pongTimeout
  #attempt = 0
  #isClosed = false
  #ready
  pending = new Map()
  #next = 0

  /** `open({ onOpen, onText, onClose })` makes a socket with `send` and `close`. */
  constructor(open, options = {}) {
    this.#open = open
    this.#options = options
  }

  connect() {
    return new Promise((resolve, reject) => {
      this.#ready = { resolve, reject }
      this.#dial()
    })
  }

  call(parameters) {
    return new Promise((resolve, reject) => {
      const id = `req_${Date.now()}_${this.#next++}`
      const timeout = setTimeout(() => {
        this.pending.delete(id)
        reject(new Error(`no answer to ${id}`))
      }, REQUEST_TIMEOUT)
      this.pending.set(id, { resolve, reject, timeout })
      this.#socket.send(JSON.stringify({ id, name: 'bench', parameters }))
    })
  }

  close() {
    this.#isClosed = true
    this.#socket.close()
  }

  #dial() {
    this.#socket = this.#open({
      onOpen: () => this.#socket.send(JSON.stringify({ id: 'auth', token: 'anonymous' })),
      onText: (text) => this.#receive(JSON.parse(text)),
      onClose: () => this.#lose(),
    })
  }

  #receive(message) {
    const call = this.pending.get(message.id)
    if (call !== undefined) {
      this.pending.delete(message.id)
      clearTimeout(call.timeout)
      if (message.error) call.reject(new Error(String(message.error)))
      else call.resolve(message.results)
    } else if (message.messageType === 'pong') {
      clearTimeout(this.#pongTimeout)
    } else if (message.id === 'auth') {
      this.#attempt = 0
      this.#startHeartbeat()
      this.#ready.resolve()
      this.#options.onReady?.()
    }
  }

  #startHeartbeat() {
    const { heartbeat } = this.#options
    if (!heartbeat) return
    this.#heartbeat = setInterval(() => {
      this.#socket.send(JSON.stringify({ messageType: 'ping', timestamp: Date.now() }))
      clearTimeout(this.#pongTimeout)
      this.#pongTimeout = setTimeout(() => this.#socket.close(), PONG_TIMEOUT)
    }, heartbeat)
  }

  #lose() {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#pongTimeout)
    for (const { reject, timeout } of this.pending.values()) {
      clearTimeout(timeout)
      reject(new Error('the connection was lost'))
    }
    this.pending.clear()
    const { backoff, onLost } = this.#options
    if (this.#isClosed) return
    if (backoff === undefined) return this.#ready.reject(new Error('the connection was lost'))
    if (this.#attempt === 0) onLost?.()
    const delay = Math.min(backoff.base * backoff.factor ** this.#attempt++, backoff.max)
    setTimeout(() => this.#dial(), delay * (0.8 + Math.random() * 0.4))
  }
}

export const REQUEST_TIMEOUT = 30_000
export const PONG_TIMEOUT = 10_000

/** A socket with the browser's WebSocket API. */
export function openWebSocket(WebSocket, url, { onOpen, onText, onClose }) {
  const socket = new WebSocket(url)
  socket.onopen = onOpen
  socket.onmessage = (event) => onText(event.data)
  socket.onclose = onClose
  socket.onerror = () => {}
  return socket
}
