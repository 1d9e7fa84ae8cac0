/**
 * A stand-in for the parts of Electron that the package uses, built after Electron's documentation: the main process, a
 * window with `contextIsolation` and `sandbox`, a utility process. Ports and structured clone are those of Node.js; the
 * context bridge copies as Electron's does.
 */
import { EventEmitter } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { compileFunction } from 'node:vm'

const PRELOAD = createRequire(import.meta.url).resolve('@mcp-integration/client/electron/preload')

/** A port in the main process: an EventEmitter that emits nothing before start(). */
class MessagePortMain extends EventEmitter {
  #port

  constructor(port) {
    super()
    this.#port = port
    port.once('close', () => this.emit('close'))
  }

  postMessage(message, transfer = []) {
    this.#port.postMessage(message, transfer)
  }

  start() {
    this.#port.on('message', (data) => this.emit('message', { data, ports: [] }))
  }

  close() {
    this.#port.close()
  }
}

/** The `ipcMain` of the main process. */
export const ipcMain = () => new EventEmitter()

/** A utility process, and its `process.parentPort`. */
export function utilityProcess() {
  const parentPort = new EventEmitter()
  return {
    parentPort,
    child: {
      postMessage: (message, ports = []) =>
        setImmediate(() => parentPort.emit('message', { data: structuredClone(message), ports })),
    },
  }
}

/** The frame of a page. Unlike in Node.js, the origin of a scheme that is registered as standard is not `null`. */
export function frame(url, parent = null) {
  const { protocol, host } = new URL(url)
  return { url, origin: `${protocol}//${host}`, parent }
}

/** A `WebContents`, on which the main process receives the events of its page. */
export function webContents() {
  lastWindow += 1
  return Object.assign(new EventEmitter(), { id: lastWindow })
}

let lastWindow = 0

/**
 * Opens a window: runs the preload script in a sandbox, and returns what it has exposed on the page's `window`.
 * @param senderFrame the sender that the main process sees
 * @param sender the window's `WebContents`
 */
export async function openWindow(main, senderFrame, sender = webContents()) {
  const exposed = {}
  const electron = {
    contextBridge: {
      exposeInMainWorld(key, api) {
        if (key in exposed)
          throw new Error(`Cannot bind an API on top of an existing property on the window object: ${key}`)
        exposed[key] = Object.freeze(across(api))
      },
    },
    ipcRenderer: {
      postMessage(channel, message, transfer = []) {
        const { port1, port2 } = new MessageChannel()
        // A port that has been transferred cannot be used any more.
        const [given] = transfer
        port1.postMessage(given, [given])
        port2.once('message', (port) =>
          main.emit(channel, { sender, senderFrame, ports: [new MessagePortMain(port)] }, structuredClone(message)),
        )
        port2.once('message', () => port1.close())
      },
    },
  }
  const asked = []
  const ports = []
  /** Keeps the preload script's ports, so that they can be closed as when the page is left. */
  class MessageChannelOfPage extends MessageChannel {
    constructor() {
      super()
      ports.push(this.port1)
    }
  }
  // A sandboxed preload script can require only this.
  const require = (name) => {
    asked.push(name)
    if (name === 'electron') return electron
    throw new Error(`module not found: ${name}`)
  }
  const run = compileFunction(
    await readFile(PRELOAD, 'utf8'),
    ['require', 'MessageChannel', 'module', 'exports', 'process', 'Buffer', '__dirname'],
    { filename: PRELOAD },
  )
  run(require, MessageChannelOfPage, { exports: {} }, {})
  return {
    exposed,
    asked,
    leave: () => {
      for (const port of ports) port.close()
    },
  }
}

/**
 * What the context bridge turns a value into: functions are wrapped and copy their arguments and results, everything
 * else is copied, and prototypes are lost.
 */
function across(value, depth = 0) {
  if (depth > 1_000) throw new Error('Electron contextBridge recursion depth exceeded.')
  if (typeof value === 'function')
    return (...args) =>
      across(
        Reflect.apply(
          value,
          undefined,
          args.map((arg) => across(arg)),
        ),
      )
  if (typeof value === 'symbol') throw new Error('An object could not be cloned.')
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return structuredClone(value)
  if (Array.isArray(value)) return value.map((entry) => across(entry, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, across(entry, depth + 1)]))
}
