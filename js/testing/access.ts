/**
 * Who may use a server. Browsers let every page open WebSockets to this machine, and name the page in `Origin`; a page
 * whose name its owner has let point to this machine (DNS rebinding) is given away by `Host`. Programs send no
 * `Origin`.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { isLoopback } from '../shared/loopback.js'
import { describe } from './describe.js'

export interface AccessRules {
  /** The address that the server is bound to. */
  readonly host: string
  /** As {@link checkOrigins} hands them out. */
  readonly allowedOrigins: ReadonlySet<string>
  /** As {@link checkHosts} hands them out. */
  readonly allowedHosts: ReadonlySet<string>
}

/** Why an upgrade is refused, and what lets it in; `undefined` when it may come in. */
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

/** @throws TypeError that names the entry that no browser would send */
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

/** @throws TypeError that names the entry that is not the name or address of a host */
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

/** The address that the server is bound to, or the one at which this connection came in. */
function isOwn(name: string, { socket }: IncomingMessage, { host }: AccessRules): boolean {
  const address = socket.localAddress?.replace(/^::ffff:/, '') ?? ''
  return name !== '' && [host, address].some((own) => own !== '' && name === inUrl(own))
}

function isLoopbackOrigin(origin: string): boolean {
  const { protocol, hostname } = urlOf(origin) ?? { protocol: '', hostname: '' }
  return /^https?:$/.test(protocol) && isLoopback(hostname)
}

/** A page that came from where it connects to. */
function isOriginOf(origin: string, host: string): boolean {
  const url = urlOf(origin)
  return url !== undefined && /^https?:$/.test(url.protocol) && url.host === urlOf(`${url.protocol}//${host}`)?.host
}

/** A name or an address as it stands in a URL. */
function inUrl(host: string): string {
  return nameIn(isIPv6(host) ? `[${host}]` : host)
}

/** The name or address in a `Host` header, as URLs write it; '' for what is none. */
function nameIn(host: string): string {
  return /[/?#@\\]/.test(host) ? '' : (urlOf(`http://${host}`)?.hostname ?? '')
}

/** As browsers write it: in lower case, without the scheme's own port. */
function normalised(origin: string): string {
  const url = urlOf(origin)
  return url !== undefined && url.origin !== 'null' ? url.origin : origin.toLowerCase()
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** The value comes from whoever was refused: `describe` leaves nothing in it that could steer a terminal. */
function refusal(header: string, value: string, option: string, flag: string, remedy: string): string {
  const [shown, named] = [value, remedy].map((text) => describe(text.slice(0, LONGEST_SHOWN)))
  const said = `${header} ${shown} may not use this server`
  return remedy === '' ? said : `${said}. To let it in, name ${named} in ${option} (mcp-client serve: ${flag})`
}

const LONGEST_SHOWN = 200

/** What browsers send: `null` for pages without an origin of their own, sandboxed ones say. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]*)$/i

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)$/i
