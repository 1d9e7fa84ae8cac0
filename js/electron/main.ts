/**
 * `@mcp-integration/client/electron/main`: serves a client of the main process, or of a utility process, to renderers.
 * It takes what it needs of Electron as arguments and imports nothing of it.
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

/** Of Electron's `WebFrameMain` what tells who asks. */
export interface SenderFrame {
  readonly url: string
  /** As in RFC 6454: `https://example.com`, `app://bundle`; of a file it is `file://`. */
  readonly origin: string
  /** `null` for the page itself, else it is a frame within. */
  readonly parent: object | null
}

/** Of Electron's `IpcMainEvent` what is used. */
export interface PortEvent {
  readonly sender: SenderLike
  readonly senderFrame: SenderFrame | null
  readonly ports: readonly BridgePort[]
}

/** Of Electron's `ipcMain` what is used. */
export interface IpcMainLike {
  on(channel: string, listener: (event: any) => void): unknown
  off(channel: string, listener: (event: any) => void): unknown
}

/** Of Electron's `UtilityProcess` what is used. */
export interface UtilityProcessLike {
  postMessage(message: any, transfer?: any[]): void
}

/** Of Electron's `process.parentPort`, in a utility process, what is used. */
export interface ParentPortLike {
  on(event: 'message', listener: (event: any) => void): unknown
  off(event: 'message', listener: (event: any) => void): unknown
}

/** Who may use the client. */
export interface SenderOptions {
  /** Electron's. */
  ipcMain: IpcMainLike
  /**
   * The origins whose pages may use the client, `file://` or `app://bundle` say; frames within a page may not. Or a
   * function that says so of each frame that asks.
   */
  allowSenders: readonly string[] | ((frame: SenderFrame) => boolean)
  /** Gets who was refused. @default `console.warn` with the message */
  onLog?: ServeClientOptions['onLog']
}

/** Options of {@link serveRenderers}. */
export interface ServeRenderersOptions extends SenderOptions, ServeClientOptions {}

/** Renderers being served. */
export interface ServedRenderers {
  /** Ends it, for those that are connected too. */
  close(): void
}

/**
 * In the main process: serves this client to every renderer whose preload script is
 * `@mcp-integration/client/electron/preload`, until its page or its process is gone.
 * @throws TypeError for options that are wrong
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
 * In the main process, where the client is in a utility process: hands that the ports of the renderers that may use it.
 * @throws TypeError for options that are wrong
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

/** What the main process says to a utility process. The latter's own messages are told apart by the channel. */
interface Forwarded {
  readonly channel?: typeof CHANNEL
  readonly type: 'port' | 'gone'
  readonly window: number
}

/** Who uses the ports of the windows, which are known by the ids of their `WebContents`. */
interface Ports {
  add(port: BridgePort, window: number): void
  /** The page of this window is gone, and with it the far ends of its ports. */
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

/** Returns what stops it. */
function acceptPorts(options: SenderOptions, ports: Ports): () => void {
  checkSenderOptions(options)
  const windows = new Windows((window) => ports.drop(window))
  const accept = ({ sender, senderFrame, ports: [port] }: PortEvent) => {
    if (port === undefined) return
    if (isAllowed(senderFrame, options)) {
      windows.watch(sender)
      return ports.add(port, sender.id)
    }
    const words = `a renderer was refused: ${senderFrame === null ? 'its frame is gone' : `${senderFrame.origin} is not one of allowSenders, or it is a frame within a page`}`
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
  return notAllowed('this page may not use the client: the main process must have its origin in allowSenders')
}

function tooManyPorts(): MCPError {
  const message = `this window has ${MAX_PORTS} clients already: a page needs one, call connectMain() once`
  return makeError('QUEUE_FULL', { message, retryable: false, sent: false })
}

function log({ onLog }: SenderOptions, entry: LogEntry): void {
  if (onLog) onLog(entry)
  else console.warn(entry.message)
}

function checkSenderOptions({ ipcMain, allowSenders }: SenderOptions): void {
  if (typeof ipcMain?.on !== 'function') throw new TypeError('option "ipcMain" must be that of Electron')
  if (typeof allowSenders === 'function') return
  if (!Array.isArray(allowSenders) || !allowSenders.every((origin) => typeof origin === 'string')) {
    throw new TypeError(
      'option "allowSenders" must be an array of origins or a function: it says which pages may use the client',
    )
  }
}

/** Of one window. What one port may take up is bounded; so must be their number. */
const MAX_PORTS = 16
