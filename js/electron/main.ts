/**
 * `@mcp-integration/client/electron/main`: serves a client of the main process, or of a utility process, to renderers.
 * It gets the parts of Electron that it needs as arguments, and imports nothing of it.
 *
 * @packageDocumentation
 */
import { serveClient, type ServedPort } from '../bridge/serve.js'
import { checkServeOptions, type ServeClientOptions } from '../bridge/serve-options.js'
import { encodeError, notAllowed } from '../bridge/errors.js'
import { VERSION } from '../bridge/messages.js'
import type { BridgePort } from '../bridge/port.js'
import { makeError, type MCPError } from '../shared/errors.js'
import type { LogEntry, MCPClientLike } from '../shared/types.js'
import { CHANNEL } from './channel.js'
import { textPort } from './text-port.js'
import { Windows, type SenderLike } from './windows.js'

export type { ServeClientOptions } from '../bridge/serve-options.js'
export type { SenderLike } from './windows.js'

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
  /** The page that sent it. */
  readonly sender: SenderLike
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
 * `@mcp-integration/client/electron/preload`, until its page or its process is gone.
 * @throws TypeError if an option is wrong
 */
export function serveRenderers(client: MCPClientLike, options: ServeRenderersOptions): ServedRenderers {
  const { ipcMain, allowSenders, ...serveOptions } = options
  const served = serveAll(client, serveOptions)
  const stop = acceptPorts(options, served)
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
  const post = (message: Forwarded, ports?: BridgePort[]) =>
    utility.postMessage({ channel: CHANNEL, ...message }, ports)
  return {
    close: acceptPorts(options, {
      add: (port, window) => post({ type: 'port', window }, [port]),
      drop: (window) => post({ type: 'gone', window }),
    }),
  }
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
  const accept = ({ data, ports: [port] }: { data: Partial<Forwarded> | null; ports: readonly BridgePort[] }) => {
    if (data?.channel !== CHANNEL || data.window === undefined) return
    if (data.type === 'gone') served.drop(data.window)
    else if (port !== undefined) served.add(port, data.window)
  }
  parentPort.on('message', accept)
  return {
    close() {
      parentPort.off('message', accept)
      served.close()
    },
  }
}

/** What the main process sends to a utility process. The channel tells it from the user's own messages. */
interface Forwarded {
  readonly channel?: typeof CHANNEL
  readonly type: 'port' | 'gone'
  readonly window: number
}

/** Takes the ports of windows, which are identified by the ids of their `WebContents`. */
interface Ports {
  add(port: BridgePort, window: number): void
  /** Closes the ports of this window, whose page is gone. */
  drop(window: number): void
}

function serveAll(client: MCPClientLike, options: ServeClientOptions): Ports & { close(): void } {
  checkServeOptions(options)
  const open = new Map<ServedPort, number>()
  const closeOf = (isMeant: (window: number) => boolean) => {
    for (const [served, window] of open) if (isMeant(window)) served.close()
  }
  return {
    add(port, window) {
      if ([...open.values()].filter((other) => other === window).length >= MAX_PORTS)
        return refuse(port, tooManyPorts())
      const served = serveClient(client, textPort(port), options)
      open.set(served, window)
      void served.closed.then(() => open.delete(served))
    },
    drop: (gone) => closeOf((window) => window === gone),
    close: () => closeOf(() => true),
  }
}

/** Returns a function that stops it. */
function acceptPorts(options: SenderOptions, ports: Ports): () => void {
  checkSenderOptions(options)
  const windows = new Windows((window) => ports.drop(window))
  const accept = ({ sender, senderFrame, ports: [port] }: PortEvent) => {
    if (port === undefined) return
    if (isAllowed(senderFrame, options)) {
      windows.watch(sender)
      return ports.add(port, sender.id)
    }
    const words = `a renderer was refused: ${senderFrame === null ? 'its frame is gone' : `allowSenders does not allow ${senderFrame.origin}, or it is a frame inside of a page`}`
    log(options, { level: 'warn', message: words, fields: {} })
    refuse(port, pageNotAllowed())
  }
  options.ipcMain.on(CHANNEL, accept)
  return () => {
    options.ipcMain.off(CHANNEL, accept)
    windows.close()
  }
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

function refuse(bare: BridgePort, error: MCPError): void {
  const port = textPort(bare)
  port.start?.()
  port.postMessage({ mcpBridge: VERSION, type: 'bye', error: encodeError(error) })
  port.close?.()
}

function pageNotAllowed(): MCPError {
  return notAllowed('this page may not use the client: add its origin to allowSenders in the main process')
}

function tooManyPorts(): MCPError {
  const message = `this window has ${MAX_PORTS} ports already: a page needs only one, so call connectMain() once`
  return makeError('QUEUE_FULL', { message, retryable: false, sent: false })
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

/** How many ports a window may have open: the limits of `serveClient` are for each port. */
const MAX_PORTS = 16
