/** Makes the far end of a bridge: over a port, or over a WebSocket that reconnects. */
import { checkMillis } from '../shared/arguments.js'
import { checkNames } from '../shared/option-names.js'
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
  /** The subprotocols to offer. */
  protocols?: string | readonly string[] | undefined
  /**
   * The WebSocket class to use, for example that of `ws` where the platform has none.
   * @default globalThis.WebSocket
   */
  WebSocket?: (new (url: string, protocols?: string | string[]) => SocketLike) | undefined
  /** Time from the start of an attempt to the first message of the other end. @default 10000 */
  connectTimeout?: number | undefined
  /** How many attempts there are after a lost connection; 0 for none. @default Infinity */
  maxReconnectAttempts?: number | undefined
  /** The wait before the first attempt; it grows by half for each further one. @default 1000 */
  baseReconnectDelay?: number | undefined
  /** The longest wait before an attempt. @default 30000 */
  maxReconnectDelay?: number | undefined
}

/**
 * The client that `serveClient` serves at the other end of this port.
 *
 * Until the other end has answered, its state is 'idle', and calls wait. `close()` closes only this end. If the port
 * closes, the state is 'failed', and calls in flight reject with CONNECTION_LOST. Neither can be undone: connect again.
 *
 * A call is settled at the latest one second after its `timeout`, even if the other end never answers.
 *
 * @throws TypeError if the port cannot be used
 */
export function connectClient(port: BridgePort): BridgeClient {
  return new FarClient((events) => new PortTransport(port, events))
}

/**
 * The client that a process serves with `webSocketPort()` at this URL. It reconnects by itself, after waits that grow;
 * meanwhile its state is 'reconnecting', and calls wait, within their timeouts. Of the calls in flight when a
 * connection is lost, `idempotent` ones are sent again, at most twice, and others reject with CONNECTION_LOST.
 * `connect()` makes the next attempt at once, and reopens a bridge that is closed or has failed.
 *
 * @param url a `ws:` or `wss:` URL, or the same with `http:` or `https:`; in a page it may be relative, like `/bridge`
 * @throws TypeError or RangeError that names what is wrong with the URL or an option
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

/** The query is left out of errors, because it may contain a key. */
function checkUrl(url: string | URL): string {
  const shown = String(url).replace(/[?#].*/s, '')
  let parsed: URL
  try {
    parsed = new URL(url, PAGE.location?.href)
  } catch {
    throw new TypeError(`the url of the bridge must be a ws or wss URL, and complete outside of a page, got "${shown}"`)
  }
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws')
  if (!/^wss?:$/.test(parsed.protocol))
    throw new TypeError(`the url of the bridge must be a ws or wss URL, got "${shown}"`)
  if (parsed.username !== '' || parsed.password !== '')
    throw new TypeError('the url of the bridge must not contain credentials')
  parsed.hash = ''
  return parsed.href
}

function checkOptions(options: ConnectBridgeOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('the options of connectBridge must be an object')
  checkNames(options, OPTIONS, 'connectBridge')
  checkHeartbeatOptions(options)
  for (const name of ['connectTimeout', 'baseReconnectDelay', 'maxReconnectDelay'] as const) {
    if (options[name] !== undefined) checkMillis(name, options[name])
  }
  const { maxReconnectAttempts: attempts = 0, WebSocket } = options
  if (attempts !== Infinity && !(Number.isSafeInteger(attempts) && attempts >= 0))
    throw new RangeError(`option "maxReconnectAttempts" must be a whole number or Infinity, got ${String(attempts)}`)
  if (WebSocket !== undefined && typeof WebSocket !== 'function')
    throw new TypeError('option "WebSocket" must be a WebSocket class')
}

function ownWebSocket(): Dialling['WebSocket'] {
  if (OWN_WEB_SOCKET !== undefined) return OWN_WEB_SOCKET
  throw new TypeError(
    'this platform has no WebSocket: set the option "WebSocket", for example to that of the package ws',
  )
}

/** Node.js has it from version 22 on. */
const { WebSocket: OWN_WEB_SOCKET } = globalThis as { WebSocket?: Dialling['WebSocket'] }

const OPTIONS = [
  'protocols',
  'WebSocket',
  'connectTimeout',
  'maxReconnectAttempts',
  'baseReconnectDelay',
  'maxReconnectDelay',
  'pingInterval',
  'pingTimeout',
]
