/**
 * From the options of users to those of the native core. The core knows defaults and ranges; here is only what it
 * cannot know: the environment, the page, functions.
 */
import { Buffer } from 'node:buffer'
import { URL } from 'node:url'
import { types } from 'node:util'
import { environment } from '../native/environment.js'
import { checkKey } from '../shared/arguments.js'
import { isError, isUrl } from '../shared/foreign.js'
import type { OptionError } from '../shared/native-types.js'
import type { MCPClientOptions } from '../shared/types.js'

/** Options sorted by who uses them. */
export interface SortedOptions {
  /** JSON for the native core. */
  readonly native: string
  readonly url: string
  /** The API key as it was given, or the variable that takes its place. */
  readonly key: unknown
  readonly autoConnect: boolean
  readonly onMessage: ((message: unknown) => void) | null
  readonly askToken: (() => string | Promise<string>) | null
  readonly askProxy: ProxyFunction | null
}

/** The option `proxy` as a function. */
export type ProxyFunction = Extract<MCPClientOptions['proxy'], (...args: never[]) => unknown>

/**
 * @throws TypeError if the options are not an object, the url cannot be used, or a callback is not a function
 */
export function sortOptions(options: MCPClientOptions): SortedOptions {
  checkOptions(options)
  const { url, apiKey, proxy, autoConnect = true, onMessage = null, ...rest } = options
  if (typeof autoConnect !== 'boolean') throw wrongKind('autoConnect', 'true or false', autoConnect)
  if (onMessage !== null && typeof onMessage !== 'function')
    throw wrongKind('onMessage', 'a function or null', onMessage)
  checkHeaders(rest.headers)
  const endpoint = endpointOf(url)
  const key = apiKey === undefined ? environment('MCP_API_KEY') : apiKey
  if (typeof key === 'string') checkKey(apiKey === undefined ? '$MCP_API_KEY' : 'option "apiKey"', key)
  return {
    native: JSON.stringify(
      {
        ...rest,
        ...tlsAsText(rest.tls),
        url: endpoint,
        apiKey: key,
        proxy: proxy === undefined ? proxyVariables() : proxy,
      },
      replaceNonJson,
    ),
    url: endpoint,
    key,
    autoConnect,
    onMessage,
    askToken: typeof apiKey === 'function' ? apiKey : null,
    askProxy: typeof proxy === 'function' ? proxy : null,
  }
}

/** JSON has no buffers. PEM is ASCII; of anything else the core says that it is no PEM. */
function tlsAsText(tls: unknown): { tls?: unknown } {
  if (typeof tls !== 'object' || tls === null || Array.isArray(tls)) return {}
  const text = (value: unknown): unknown => {
    if (types.isUint8Array(value)) return Buffer.from(value).toString('latin1')
    return Array.isArray(value) ? value.map(text) : value
  }
  const { ca, cert, key } = tls as Record<string, unknown>
  return { tls: { ...tls, ca: text(ca), cert: text(cert), key: text(key) } }
}

/** The constructor's arguments as options: a url and options, or subprotocols, or options alone. */
export function mergeArguments(
  first: string | URL | MCPClientOptions,
  second: MCPClientOptions | string | readonly string[],
): MCPClientOptions {
  if (typeof first !== 'string' && !isUrl(first)) return first
  if (typeof second === 'string' || Array.isArray(second)) return { protocols: second, url: first }
  checkOptions(second)
  return { ...(second as MCPClientOptions), url: first }
}

/** @throws TypeError for anything but an object */
function checkOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(`the options of MCPClient must be an object, got ${options === null ? 'null' : typeof options}`)
}

/** The error that the native core reports for an option. */
export function optionErrorOf(thrown: unknown): unknown {
  // Native code makes errors of Node.js's own realm, whichever this one is.
  if (!isError(thrown) || !thrown.message.startsWith('{')) return thrown
  const { kind, message } = JSON.parse(thrown.message) as OptionError
  return kind === 'RangeError' ? new RangeError(message) : new TypeError(message)
}

/** JSON has no NaN and no functions: they are replaced by objects that the core recognises. */
function replaceNonJson(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  if (['function', 'symbol', 'bigint'].includes(typeof value)) return { $type: typeof value }
  return value
}

/** JSON would make an empty object of a `Map` or `Headers`, and no header would be sent. */
function checkHeaders(headers: unknown): void {
  if (headers === undefined || (typeof headers === 'object' && headers !== null && !(Symbol.iterator in headers)))
    return
  throw wrongKind('headers', 'a plain object of strings', headers)
}

/** What the core chooses a proxy by. */
function proxyVariables(): { $environment: Record<string, string> } {
  const $environment: Record<string, string> = {}
  for (const name of PROXY_VARIABLES) {
    const value = environment(name)
    if (value !== undefined) $environment[name] = value
  }
  return { $environment }
}

function endpointOf(given: MCPClientOptions['url']): string {
  if (Array.isArray(given)) {
    if (given.length === 1) return endpointOf(given[0] as string | URL)
    throw new TypeError(`option "url" has ${given.length} endpoints: this version takes exactly one`)
  }
  const url = given === undefined ? (environment('MCP_WS_URL') ?? fromLocation()) : given
  if (url === undefined) {
    throw new TypeError('option "url" is missing: give one, such as wss://example.com/mcp-ws, or set MCP_WS_URL')
  }
  if (typeof url !== 'string' && !isUrl(url)) throw wrongKind('url', 'a string or a URL', url)
  return normalise(url)
}

/** The URL as the guide derives it from the page. */
function fromLocation(): string | undefined {
  const { location } = globalThis as { location?: { protocol?: unknown; host?: unknown } }
  if (typeof location?.host !== 'string' || location.host === '') return undefined
  if (location.protocol === 'https:') return `wss://${location.host}`
  return location.protocol === 'http:' ? `ws://${location.host}` : undefined
}

/** A path alone is one of the page. */
function withPage(text: string): string {
  if (!text.startsWith('/')) return text
  const page = fromLocation()
  if (page !== undefined) return new URL(text, page).href
  const path = text.replace(/[?#].*/, '')
  throw new TypeError(
    `option "url" is only a path (${path}), and there is no page that it belongs to: give a whole one, ` +
      'such as wss://example.com/mcp-ws',
  )
}

function normalise(given: string | { toString(): string }): string {
  const [text, zone] = withoutZone(withPage(String(given).trim()))
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  let url: URL
  try {
    url = new URL(hasScheme ? text : `ws://${text}`)
  } catch {
    // It is not shown, because a URL that cannot be parsed may still contain a password.
    throw new TypeError('option "url" is not a valid URL: give one such as wss://example.com/mcp-ws, or host:port')
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('option "url" contains credentials: remove them, and give the key as "apiKey"')
  }
  const scheme = hasScheme ? SCHEMES[url.protocol] : isLoopback(url.hostname) ? 'ws:' : 'wss:'
  if (scheme === undefined)
    throw new TypeError(`option "url" begins with ${url.protocol}//: use ws, wss, http or https`)
  const path = url.pathname === '/' ? '/mcp-ws' : url.pathname
  return `${scheme}//${url.host.replace(']', `${zone}]`)}${path}${url.search}`
}

/**
 * The zone of an IPv6 address, as `%25eth0`, apart from the rest: the standard of URLs knows none (RFC 6874 does), but
 * a link-local address leads nowhere without it.
 */
function withoutZone(url: string): [rest: string, zone: string] {
  const found = /^([a-z][a-z0-9+.-]*:\/\/)?(\[[0-9a-f:.]+)%(?:25)?([\w.~-]+)\]/i.exec(url)
  if (found === null) return [url, '']
  const [whole, scheme = '', address, zone] = found
  return [`${scheme}${address}]${url.slice(whole.length)}`, `%25${zone}`]
}

const PROXY_VARIABLES = [
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name.toLowerCase(), name]),
  // Set in CGI programs, where HTTP_PROXY comes from whoever asks.
  'REQUEST_METHOD',
]

const SCHEMES: Readonly<Record<string, string>> = { 'ws:': 'ws:', 'http:': 'ws:', 'wss:': 'wss:', 'https:': 'wss:' }

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

function wrongKind(option: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`option "${option}" must be ${wanted}, got ${value === null ? 'null' : typeof value}`)
}
