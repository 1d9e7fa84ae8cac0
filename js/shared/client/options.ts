/**
 * From the options of users to those of the core. The core knows defaults and ranges; here is only what it cannot know:
 * the environment, the page, functions.
 */
import { checkKey } from '../arguments.js'
import { isError } from '../foreign.js'
import type { OptionError } from '../native-types.js'
import type { MCPClientOptions, MCPKey } from '../types.js'
import { runtime } from './runtime.js'
import { endpointsOf, isUrlOption, wrongKind, type UrlOption } from './urls.js'

/** Options sorted by who uses them. */
export interface SortedOptions {
  /** JSON for the core. */
  readonly native: string
  /** None if a function gives them. */
  readonly urls: readonly string[]
  /** The API key as it was given, or the variable that takes its place. */
  readonly key: unknown
  readonly autoConnect: boolean
  readonly onMessage: ((message: unknown) => void) | null
  readonly askToken: TokenFunction | null
  readonly askUrls: UrlFunction | null
  readonly askProxy: ProxyFunction | null
}

/** The option `apiKey` as a function. */
export type TokenFunction = () => MCPKey | Promise<MCPKey>

/** The option `url` as a function. */
export type UrlFunction = Extract<UrlOption, (...args: never[]) => unknown>

/** The option `proxy` as a function. */
export type ProxyFunction = Extract<MCPClientOptions['proxy'], (...args: never[]) => unknown>

/**
 * @throws TypeError if the options are not an object, the url cannot be used, or a callback is not a function
 */
export function sortOptions(options: MCPClientOptions): SortedOptions {
  checkOptions(options)
  const { url, apiKey, autoConnect = true, onMessage = null, ...rest } = options
  if (typeof autoConnect !== 'boolean') throw wrongKind('autoConnect', 'true or false', autoConnect)
  if (onMessage !== null && typeof onMessage !== 'function')
    throw wrongKind('onMessage', 'a function or null', onMessage)
  const route = runtime.routeOptions(rest)
  const askUrls = typeof url === 'function' ? url : null
  const urls = typeof url === 'function' ? [] : endpointsOf(url, isWithoutDialect(rest) ? '/' : undefined)
  const key = apiKey === undefined ? runtime.environment('MCP_API_KEY') : apiKey
  if (typeof key === 'string') checkKey(apiKey === undefined ? '$MCP_API_KEY' : 'option "apiKey"', key)
  return {
    native: JSON.stringify({ ...rest, ...route, url: askUrls ?? urls, apiKey: key }, replaceNonJson),
    urls,
    key,
    autoConnect,
    onMessage,
    askToken: typeof apiKey === 'function' ? apiKey : null,
    askUrls,
    askProxy: typeof rest.proxy === 'function' ? rest.proxy : null,
  }
}

/** For another protocol over the same socket. No option of users. */
function isWithoutDialect({ dialect }: { dialect?: unknown }): boolean {
  return dialect === 'none'
}

/** The constructor's arguments as options: a url and options, or subprotocols, or options alone. */
export function mergeArguments(
  first: UrlOption | MCPClientOptions,
  second: MCPClientOptions | string | readonly string[],
): MCPClientOptions {
  if (!isUrlOption(first)) return first
  if (typeof second === 'string' || Array.isArray(second)) return { protocols: second, url: first }
  checkOptions(second)
  return { ...(second as MCPClientOptions), url: first }
}

/** @throws TypeError for anything but an object */
function checkOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(`the options of MCPClient must be an object, got ${options === null ? 'null' : typeof options}`)
}

/** The error that the core reports for an option. */
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
