/**
 * Decides which clients may connect. Browsers let every page open WebSockets to this machine, and send its origin as
 * `Origin`. If a page's owner has made its name point to this machine (DNS rebinding), `Host` shows that. Programs send
 * no `Origin`.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { isLoopback } from '../shared/loopback.js'
import { describe } from './describe.js'

export interface AccessRules {
  /** The address that the server is bound to. */
  readonly host: string
  /** From {@link checkOrigins}. */
  readonly allowedOrigins: ReadonlySet<string>
  /** From {@link checkHosts}. */
  readonly allowedHosts: ReadonlySet<string>
}

/** Why an upgrade is refused, and how to allow it; `undefined` if it is allowed. */
export function refusalOf(request: IncomingMessage, rules: AccessRules): string | undefined {
  const { host = '', origin } = request.headers
  const name = nameIn(host)
  if (!isLoopback(name) && !isOwn(name, request, rules) && !rules.allowedHosts.has(name)) {
    return refusal('Host', host, 'allowedHosts', '--allow-host', name)
  }
  if (origin === undefined || isLoopbackOrigin(origin) || isOriginOf(origin, host)) return undefined
  if (rules.allowedOrigins.has(normalised(origin))) return undefined
  return refusal('Origin', origin, 'allowedOrigins', '--allow-origin', normalised(origin))
}

/** @throws TypeError that names an entry that no browser sends */
export function checkOrigins(origins: unknown): ReadonlySet<string> {
  const all = checkList('allowedOrigins', origins)
  const misfit = all.find((origin) => !ORIGIN.test(origin))
  if (misfit !== undefined) {
    throw new TypeError(
      `option "allowedOrigins": ${describe(misfit)} is not an origin: use one like 'https://example.com', without a path`,
    )
  }
  return new Set(all.map(normalised))
}

/** @throws TypeError that names an entry that is not the name or address of a host */
export function checkHosts(hosts: unknown): ReadonlySet<string> {
  const all = checkList('allowedHosts', hosts)
  const misfit = all.find((host) => !isIPv6(host) && !HOST.test(host))
  if (misfit !== undefined) {
    throw new TypeError(
      `option "allowedHosts": ${describe(misfit)} is not a host: use one like 'dev.example.com', without scheme and port`,
    )
  }
  return new Set(all.map(inUrl))
}

function checkList(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
    throw new TypeError(`option "${option}" must be an array of strings, not ${describe(value)}`)
  return value as string[]
}

/** Whether it is the address that the server is bound to, or the one at which this connection arrived. */
function isOwn(name: string, { socket }: IncomingMessage, { host }: AccessRules): boolean {
  // A client does not say which interface of its own machine leads here.
  const address = socket.localAddress?.replace(/^::ffff:|%.*$/g, '') ?? ''
  return name !== '' && [host, address].some((own) => own !== '' && name === inUrl(own))
}

function isLoopbackOrigin(origin: string): boolean {
  const { protocol, hostname } = urlOf(origin) ?? { protocol: '', hostname: '' }
  return /^https?:$/.test(protocol) && isLoopback(hostname)
}

/** Whether the page was loaded from the host that it connects to. */
function isOriginOf(origin: string, host: string): boolean {
  const url = urlOf(origin)
  return url !== undefined && /^https?:$/.test(url.protocol) && url.host === urlOf(`${url.protocol}//${host}`)?.host
}

/** A name or an address as in a URL. */
function inUrl(host: string): string {
  return nameIn(isIPv6(host) ? `[${host}]` : host)
}

/** The name or address in a `Host` header, as in a URL; '' if there is none. */
function nameIn(host: string): string {
  return /[/?#@\\]/.test(host) ? '' : (urlOf(`http://${host}`)?.hostname ?? '')
}

/** As browsers send it: in lower case, without the default port of the scheme. */
function normalised(origin: string): string {
  const url = urlOf(origin)
  return url !== undefined && url.origin !== 'null' ? url.origin : origin.toLowerCase()
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** The value comes from the client: `describe` removes characters that control a terminal. */
function refusal(header: string, value: string, option: string, flag: string, remedy: string): string {
  const [shown, named] = [value, remedy].map((text) => describe(text.slice(0, LONGEST_SHOWN)))
  const said = `${header} ${shown} may not use this server`
  return remedy === '' ? said : `${said}. To let it in, name ${named} in ${option} (mcp-client serve: ${flag})`
}

const LONGEST_SHOWN = 200

/** What browsers send: `null` for pages without an origin of their own, such as sandboxed ones. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]*)$/i

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)$/i
