/**
 * The sockets of MCPTestServer in a page. The process that drives the browser listens and accepts; what comes in and
 * goes out crosses one WebSocket, in order (helpers/chromium/relay.mjs).
 */
import { EventEmitter } from './node.mjs'

const control = new WebSocket(`ws://${location.host}/relay`)
const opened = new Promise((resolve) => control.addEventListener('open', resolve, { once: true }))
/** Who is told of what concerns this number. */
const parties = new Map()
let lastNumber = 0

control.addEventListener('message', ({ data }) => {
  const { to, type, ...facts } = JSON.parse(data)
  parties.get(to)?.(type, facts)
})

function newParty(hear) {
  lastNumber += 1
  parties.set(lastNumber, hear)
  return lastNumber
}

function say(message) {
  control.send(JSON.stringify(message))
}

/** A URL where somebody accepts connections and says nothing, or `texts` as a WebSocket. */
export async function stuck(t, texts) {
  await opened
  return new Promise((resolve) => {
    const number = newParty((_type, { url }) => resolve(url))
    t.after(() => say({ type: 'unlisten', number }))
    say({ type: 'stuck', number, texts })
  })
}

/** In place of js/testing/listener.ts. */
export class Listener {
  port = 0
  #number
  #drained
  #isClosed = false

  static async open(port, _host, onUpgrade) {
    await opened
    const listener = new Listener()
    await new Promise((resolve, reject) => listener.#begin(port, onUpgrade, resolve, reject))
    return listener
  }

  #begin(port, onUpgrade, resolve, reject) {
    let drained
    this.#drained = new Promise((resolve) => (drained = resolve))
    this.#number = newParty((type, facts) => {
      if (type === 'listening') {
        this.port = facts.port
        resolve()
      } else if (type === 'failed') reject(Object.assign(new Error(facts.message), { code: facts.code }))
      else if (type === 'drained') drained()
      else if (this.#isClosed) refuseUpgrade(facts.upgrade, 503)
      else onUpgrade({ headers: facts.headers, url: facts.url, socket: {} }, facts.upgrade)
    })
    say({ type: 'listen', number: this.#number, port })
  }

  close() {
    this.#isClosed = true
    say({ type: 'unlisten', number: this.#number })
    return this.#drained
  }
}

export function refuseUpgrade(upgrade, status, text = '') {
  say({ type: 'refuse', upgrade, status, text })
}

export const dialableHost = (host) => host

/** In place of that of `ws`. */
export class WebSocketServer {
  #options

  constructor(options) {
    this.#options = options
  }

  handleUpgrade(request, upgrade, _head, accepted) {
    const { path, maxPayload, perMessageDeflate } = this.#options
    if (request.url.split('?')[0] !== path) return refuseUpgrade(upgrade, 400)
    accepted(new RelayedSocket(upgrade, request.headers, { maxPayload, perMessageDeflate }))
  }
}

class RelayedSocket extends EventEmitter {
  OPEN = 1
  readyState = 1
  protocol
  #number

  constructor(upgrade, headers, options) {
    super()
    this.protocol = (headers['sec-websocket-protocol'] ?? '').split(',')[0].trim()
    this.#number = newParty((type, facts) => this.#hear(type, facts))
    say({ type: 'accept', upgrade, number: this.#number, options })
  }

  send(data) {
    if (typeof data === 'string') say({ type: 'send', number: this.#number, text: data })
    else say({ type: 'send', number: this.#number, bytes: [...data] })
  }

  close(code, reason) {
    this.readyState = 2
    say({ type: 'close', number: this.#number, code, reason })
  }

  terminate() {
    this.readyState = 2
    say({ type: 'terminate', number: this.#number })
  }

  ping() {
    say({ type: 'ping', number: this.#number })
  }

  pong() {
    say({ type: 'pong', number: this.#number })
  }

  #hear(type, { text, code, reason }) {
    if (type === 'message') this.emit('message', text)
    else if (type === 'ping') this.emit('ping', '')
    else {
      this.readyState = 3
      this.emit('close', code, reason)
    }
  }
}
