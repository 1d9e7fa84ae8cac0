/**
 * `ws`, tuned with the help of a profiler: one write for all calls of a turn of the event loop, one timer for all
 * timeouts, a counter for ids.
 */
import { createRequire } from 'node:module'
import { REQUEST_TIMEOUT, Session } from './session.mjs'

let WebSocket

export function load() {
  WebSocket = createRequire(import.meta.url)('ws')
}

export async function connect(url, options) {
  let socket
  const session = new TunedSession(
    ({ onOpen, onText, onClose }) => {
      socket = new WebSocket(url, { maxPayload: 256 << 20, perMessageDeflate: false })
      socket.on('open', onOpen)
      socket.on('message', onText)
      socket.on('close', onClose)
      socket.on('error', () => {})
      return socket
    },
    options,
    () => socket,
  )
  await session.connect()
  return session
}

class TunedSession extends Session {
  #socket
  #next = 0
  #isCorked = false
  #sweeper = setInterval(() => this.#sweep(), 1000).unref()

  constructor(open, options, socket) {
    super(open, options)
    this.#socket = socket
  }

  call(parameters) {
    return new Promise((resolve, reject) => {
      const id = `req_${this.#next++}`
      this.pending.set(id, { resolve, reject, deadline: performance.now() + REQUEST_TIMEOUT })
      this.#cork()
      this.#socket().send(JSON.stringify({ id, name: 'bench', parameters }))
    })
  }

  close() {
    clearInterval(this.#sweeper)
    super.close()
  }

  #cork() {
    if (this.#isCorked) return
    this.#isCorked = true
    const stream = this.#socket()._socket
    stream.cork()
    queueMicrotask(() => {
      this.#isCorked = false
      stream.uncork()
    })
  }

  /** All calls have the same timeout, so the oldest one is the first. */
  #sweep() {
    const now = performance.now()
    for (const [id, { deadline, reject }] of this.pending) {
      if (deadline > now) return
      this.pending.delete(id)
      reject(new Error(`no answer to ${id}`))
    }
  }
}
