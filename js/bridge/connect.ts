/** How the far end of a bridge is made: on a port, or on a WebSocket that is dialled again. */
import { checkMillis } from '../shared/arguments.js'
import type { BridgeClient } from './bridge-client.js'
import { FarClient } from './far-client.js'
import { checkHeartbeatOptions, type HeartbeatOptions } from './heartbeat.js'
import { PAGE } from './page.js'
import type { BridgePort } from './port.js'
import { SocketTransport, type Dialling } from './socket-transport.js'
import { PortTransport } from './transport.js'
import type { SocketLike } from './web-socket-port.js'

/** Options of {@link connectBridge}. Every duration is in ms. */
export interface ConnectBridgeOptions extends HeartbeatOptions {
  /** Subprotocols to offer. */
  protocols?: string | readonly string[] | undefined
  /**
   * The class of the sockets: that of `ws`, where the platform has none of its own.
   * @default globalThis.WebSocket
   */
  WebSocket?: (new (url: string, protocols?: string | string[]) => SocketLike) | undefined
  /** From a dial to the first message of the other end. @default 10000 */
  connectTimeout?: number | undefined
  /** 0 never dials again. @default Infinity */
  maxReconnectAttempts?: number | undefined
  /** The first wait before another attempt; each is half as long again as the one before. @default 1000 */
  baseReconnectDelay?: number | undefined
  /** The longest wait. @default 30000 */
  maxReconnectDelay?: number | undefined
}

/**
 * The client that `serveClient` serves at the other end of this port.
 *
 * Until the other end has answered, its snapshot is that of a client that is `idle`, and what is called waits.
 * `close()` ends this end alone; when the port goes away it is `failed`, and what is in flight rejects with
 * CONNECTION_LOST. Neither can be undone: make another one.
 *
 * A call rejects with REQUEST_TIMEOUT a second after its `timeout` at the latest, whatever has become of the other end.
 *
 * @throws TypeError for what is no port
 */
export function connectClient(port: BridgePort): BridgeClient {
  return new FarClient((events) => new PortTransport(port, events))
}

/**
 * The client that a process serves over `webSocketPort()` at this URL. A socket that is lost is dialled again, after a
 * wait that grows; meanwhile the client is `reconnecting`. Calls made then wait for the next socket, within their
 * timeouts. Of those in flight, `idempotent` ones are sent again, at most twice; others reject with CONNECTION_LOST.
 * `connect()` dials at once, also after `close()`.
 *
 * @param url `ws:`, `wss:`, or as `http:` and `https:`; in a page it may be relative: `/bridge`
 * @throws TypeError or RangeError that names what is wrong with the url or an option
 */
export function connectBridge(url: string | URL, options: ConnectBridgeOptions = {}): BridgeClient {
  const dialling = diallingOf(url, options)
  return new FarClient((events) => new SocketTransport(dialling, events))
}

function diallingOf(url: string | URL, options: ConnectBridgeOptions): Dialling {
  checkOptions(options)
  const checkedUrl = checkUrl(url)
  const { protocols, WebSocket = ownWebSocket() } = options
  return {
    url: checkedUrl,
    protocols: typeof protocols === 'object' ? [...protocols] : protocols,
    WebSocket,
    connectTimeout: options.connectTimeout ?? 10_000,
    maxReconnectAttempts: options.maxReconnectAttempts ?? Infinity,
    baseReconnectDelay: options.baseReconnectDelay ?? 1_000,
    maxReconnectDelay: options.maxReconnectDelay ?? 30_000,
    pingInterval: options.pingInterval,
    pingTimeout: options.pingTimeout,
  }
}

/** The query stays out of the error: it may hold a key. */
function checkUrl(url: string | URL): string {
  const shown = String(url).replace(/[?#].*/s, '')
  let parsed: URL
  try {
    parsed = new URL(url, PAGE.location?.href)
  } catch {
    throw new TypeError(
      `the url of the bridge must be one of ws or wss, and outside of a page a whole one, got "${shown}"`,
    )
  }
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws')
  if (!/^wss?:$/.test(parsed.protocol))
    throw new TypeError(`the url of the bridge must be one of ws or wss, got "${shown}"`)
  if (parsed.username !== '' || parsed.password !== '')
    throw new TypeError('the url of the bridge must not contain credentials')
  parsed.hash = ''
  return parsed.href
}

function checkOptions(options: ConnectBridgeOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('the options of connectBridge must be an object')
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name))
      throw new TypeError(`"${name}" is not an option of connectBridge: use ${[...OPTIONS].join(', ')}`)
  }
  checkHeartbeatOptions(options)
  for (const name of ['connectTimeout', 'baseReconnectDelay', 'maxReconnectDelay'] as const) {
    if (options[name] !== undefined) checkMillis(name, options[name])
  }
  const { maxReconnectAttempts: attempts = 0, WebSocket } = options
  if (attempts !== Infinity && !(Number.isSafeInteger(attempts) && attempts >= 0))
    throw new RangeError(`option "maxReconnectAttempts" must be a whole number or Infinity, got ${String(attempts)}`)
  if (WebSocket !== undefined && typeof WebSocket !== 'function')
    throw new TypeError('option "WebSocket" must be the class of a WebSocket')
}

function ownWebSocket(): Dialling['WebSocket'] {
  if (OWN_WEB_SOCKET !== undefined) return OWN_WEB_SOCKET
  throw new TypeError(
    'there is no WebSocket here: give one as the option "WebSocket", that of the package ws for example',
  )
}

/** Node.js has one from version 22 on. */
const { WebSocket: OWN_WEB_SOCKET } = globalThis as { WebSocket?: Dialling['WebSocket'] }

const OPTIONS = new Set([
  'protocols',
  'WebSocket',
  'connectTimeout',
  'maxReconnectAttempts',
  'baseReconnectDelay',
  'maxReconnectDelay',
  'pingInterval',
  'pingTimeout',
])
