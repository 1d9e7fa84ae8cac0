/** The options of Node.js alone: headers, TLS and the proxy, as the native core takes them. */
import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { environment } from '../native/environment.js'
import { wrongKind } from '../shared/client/urls.js'
import type { MCPClientOptions } from '../shared/types.js'

/** @throws TypeError if the headers are not a plain object */
export function routeOptions({ headers, tls, proxy }: MCPClientOptions): object {
  checkHeaders(headers)
  return { ...tlsAsText(tls), proxy: proxy === undefined ? proxyVariables() : proxy }
}

/** JSON would make an empty object of a `Map` or `Headers`, and no header would be sent. */
function checkHeaders(headers: unknown): void {
  if (headers === undefined || (typeof headers === 'object' && headers !== null && !(Symbol.iterator in headers)))
    return
  throw wrongKind('headers', 'a plain object of strings', headers)
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

/** What the core chooses a proxy by. */
function proxyVariables(): { $environment: Record<string, string> } {
  const $environment: Record<string, string> = {}
  for (const name of PROXY_VARIABLES) {
    const value = environment(name)
    if (value !== undefined) $environment[name] = value
  }
  return { $environment }
}

const PROXY_VARIABLES = [
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name.toLowerCase(), name]),
  // Set in CGI programs, where HTTP_PROXY comes from whoever asks.
  'REQUEST_METHOD',
]
