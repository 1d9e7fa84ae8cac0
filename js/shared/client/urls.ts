/** The endpoints of a client: from what users write to what the core takes. */
import { isUrl } from '../foreign.js'
import { URL } from '../globals.js'
import { isLoopback } from '../loopback.js'
import type { MCPClientOptions } from '../types.js'
import { runtime } from './runtime.js'

/** What the option `url` may be. */
export type UrlOption = NonNullable<MCPClientOptions['url']>

/**
 * The endpoints as the core takes them, each with scheme and path. Without one given, that of the environment or of the
 * page.
 * @param root the path of those without one
 * @throws TypeError that names the option, or the place in its list, and the remedy
 */
export function endpointsOf(
  given: Exclude<UrlOption, (...args: never[]) => unknown> | undefined,
  root = '/mcp-ws',
): string[] {
  if (Array.isArray(given)) {
    if (given.length === 0) throw new TypeError('option "url" is an empty list: give at least one endpoint')
    return given.map((url) => endpointOf(url, root))
  }
  const url = given === undefined ? (runtime.environment('MCP_WS_URL') ?? fromLocation()) : given
  if (url === undefined) {
    throw new TypeError('option "url" is missing: give one, such as wss://example.com/mcp-ws, or set MCP_WS_URL')
  }
  return [endpointOf(url, root)]
}

/** What a url function has returned. */
export function endpointsReturned(returned: unknown): string[] {
  if (returned === undefined || returned === null || typeof returned === 'function')
    throw new TypeError(
      `the url function returned ${returned === null ? 'null' : typeof returned}: it must return a URL, or a list of URLs`,
    )
  try {
    return endpointsOf(returned as string)
  } catch (error) {
    throw new TypeError(`what the url function returned cannot be used: ${(error as Error).message}`)
  }
}

/** The one of `urls` that is shown as `shown`, without its query. If several are, the core says which is in use. */
export function wholeUrl(shown: string, urls: readonly string[], inUse: () => number): string {
  const candidates = urls.filter((url) => url.split('?')[0] === shown)
  return (candidates.length > 1 ? urls[inUse()] : candidates[0]) ?? shown
}

/** Whether it is a URL or a list of them, or a function that gives them. */
export function isUrlOption(value: unknown): value is UrlOption {
  return typeof value === 'string' || isUrl(value) || Array.isArray(value) || typeof value === 'function'
}

function endpointOf(url: unknown, root: string): string {
  if (typeof url !== 'string' && !isUrl(url))
    throw wrongKind('url', 'a string or a URL, a list of them, or a function that returns them', url)
  return normalise(url, root)
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

function normalise(given: string | { toString(): string }, root: string): string {
  const whole = withPage(String(given).trim())
  const [text, zone] = runtime.withoutZone?.(whole) ?? [whole, '']
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
  const path = url.pathname === '/' ? root : url.pathname
  return `${scheme}//${url.host.replace(']', `${zone}]`)}${path}${url.search}`
}

const SCHEMES: Readonly<Record<string, string>> = { 'ws:': 'ws:', 'http:': 'ws:', 'wss:': 'wss:', 'https:': 'wss:' }

/** The error for an option that is not `wanted`. */
export function wrongKind(option: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`option "${option}" must be ${wanted}, got ${value === null ? 'null' : typeof value}`)
}
