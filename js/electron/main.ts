/**
 * `@mcp-integration/client/electron/main`: serves a client of the main process, or of a utility process, to renderers.
 * It gets the parts of Electron that it needs as arguments, and imports nothing of it.
 *
 * @packageDocumentation
 */
import { checkServeOptions, serveClient, type ServeClientOptions } from '../bridge/serve.js'
import { encodeError, notAllowed } from '../bridge/errors.js'
import { VERSION } from '../bridge/messages.js'
import type { BridgePort } from '../bridge/port.js'
import type { LogEntry, MCPClientLike } from '../shared/types.js'
import { CHANNEL } from './channel.js'

export type { ServeClientOptions } from '../bridge/serve.js'

/** The part of Electron's `WebFrameMain` that identifies a frame. */
export interface SenderFrame {
  /** The URL of the frame. */
  readonly url: string
  /** Its origin (RFC 6454): `https://example.com`, `app://bundle`; for a file, `file://`. */
  readonly origin: string
  /** `null` for the page itself; otherwise the frame is inside of another one. */
  readonly parent: object | null
}

/** The part of Electron's `IpcMainEvent` that is used. */
export interface PortEvent {
  /** The frame that sent it; `null` if it is gone. */
  readonly senderFrame: SenderFrame | null
  /** The ports that came with it. */
  readonly ports: readonly BridgePort[]
}

/** The part of Electron's `ipcMain` that is used. */
export interface IpcMainLike {
  /** Adds a listener. */
  on(channel: string, listener: (event: any) => void): unknown
  /** Removes a listener. */
  off(channel: string, listener: (event: any) => void): unknown
}

/** The part of Electron's `UtilityProcess` that is used. */
export interface UtilityProcessLike {
  /** Sends a message and ports to the process. */
  postMessage(message: any, transfer?: any[]): void
}

/** The part of Electron's `process.parentPort`, in a utility process, that is used. */
export interface ParentPortLike {
  /** Adds a listener. */
  on(event: 'message', listener: (event: any) => void): unknown
  /** Removes a listener. */
  off(event: 'message', listener: (event: any) => void): unknown
}

/** Which renderers may use the client. */
export interface SenderOptions {
  /** Electron's `ipcMain`. */
  ipcMain: IpcMainLike
  /**
   * The origins whose pages may use the client, such as `file://` or `app://bundle`; frames inside of a page may not.
   * Or a function that returns whether a frame may.
   */
  allowSenders: readonly string[] | ((frame: SenderFrame) => boolean)
  /** Called for renderers that were refused. @default `console.warn` */
  onLog?: ServeClientOptions['onLog']
}

/** Options of {@link serveRenderers}. */
export interface ServeRenderersOptions extends SenderOptions, ServeClientOptions {}

/** Renderers being served. */
export interface ServedRenderers {
  /** Serves no more renderers, and closes the connected ones. */
  close(): void
}

/**
 * In the main process: serves this client to every renderer whose preload script is
 * `@mcp-integration/client/electron/preload`.
 * @throws TypeError if an option is wrong
 */
export function serveRenderers(client: MCPClientLike, options: ServeRenderersOptions): ServedRenderers {
  const { ipcMain, allowSenders, ...serveOptions } = options
  const served = serveAll(client, serveOptions)
  const stop = acceptPorts(options, (port) => served.add(port))
  return {
    close() {
      stop()
      served.close()
    },
  }
}

/**
 * In the main process, if the client is in a utility process: passes the ports of the renderers that may use the client
 * on to that process.
 * @throws TypeError if an option is wrong
 */
export function forwardRenderers(utility: UtilityProcessLike, options: SenderOptions): ServedRenderers {
  return { close: acceptPorts(options, (port) => utility.postMessage(CHANNEL, [port])) }
}

/**
 * In a utility process: serves this client to the renderers that the main process forwards, with `forwardRenderers`.
 * @param parentPort Electron's `process.parentPort`
 */
export function serveForwarded(
  client: MCPClientLike,
  parentPort: ParentPortLike,
  options: ServeClientOptions = {},
): ServedRenderers {
  const served = serveAll(client, options)
  const accept = ({ data, ports }: { data: unknown; ports: readonly BridgePort[] }) => {
    if (data === CHANNEL && ports[0] !== undefined) served.add(ports[0])
  }
  parentPort.on('message', accept)
  return {
    close() {
      parentPort.off('message', accept)
      served.close()
    },
  }
}

function serveAll(client: MCPClientLike, options: ServeClientOptions): { add(port: BridgePort): void; close(): void } {
  checkServeOptions(options)
  const open = new Set<{ close(): void }>()
  return {
    add(port) {
      const served = serveClient(client, port, options)
      open.add(served)
      void served.closed.then(() => open.delete(served))
    },
    close() {
      for (const served of open) served.close()
    },
  }
}

/** Returns a function that stops it. */
function acceptPorts(options: SenderOptions, use: (port: BridgePort) => void): () => void {
  checkSenderOptions(options)
  const accept = ({ senderFrame, ports: [port] }: PortEvent) => {
    if (port === undefined) return
    if (isAllowed(senderFrame, options)) return use(port)
    const words = `a renderer was refused: ${senderFrame === null ? 'its frame is gone' : `allowSenders does not allow ${senderFrame.origin}, or it is a frame inside of a page`}`
    log(options, { level: 'warn', message: words, fields: {} })
    refuse(port)
  }
  options.ipcMain.on(CHANNEL, accept)
  return () => void options.ipcMain.off(CHANNEL, accept)
}

function isAllowed(frame: SenderFrame | null, options: SenderOptions): boolean {
  const { allowSenders } = options
  if (frame === null) return false
  if (typeof allowSenders !== 'function') return frame.parent === null && allowSenders.includes(frame.origin)
  try {
    return allowSenders(frame) === true
  } catch (error) {
    log(options, {
      level: 'warn',
      message: `the function allowSenders failed, so the renderer was refused: ${String(error)}`,
      fields: {},
    })
    return false
  }
}

function refuse(port: BridgePort): void {
  port.start?.()
  port.postMessage({
    mcpBridge: VERSION,
    type: 'bye',
    error: encodeError(
      notAllowed('this page may not use the client: add its origin to allowSenders in the main process'),
    ),
  })
  port.close?.()
}

function log({ onLog }: SenderOptions, entry: LogEntry): void {
  if (onLog) onLog(entry)
  else console.warn(entry.message)
}

function checkSenderOptions({ ipcMain, allowSenders }: SenderOptions): void {
  if (typeof ipcMain?.on !== 'function') throw new TypeError('option "ipcMain" must be the ipcMain of Electron')
  if (typeof allowSenders === 'function') return
  if (!Array.isArray(allowSenders) || !allowSenders.every((origin) => typeof origin === 'string')) {
    throw new TypeError('option "allowSenders" must be an array of the origins that may use the client, or a function')
  }
}
