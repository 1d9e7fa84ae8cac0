/** The environment variables that change what a client does, without what may be secret in them. */
import { ok, type Step } from './step.js'

/** @param apiKey - that of the command line */
export function environmentStep(apiKey: string | undefined): Step {
  const set = VARIABLES.filter((name) => process.env[name]?.trim()).map((name) => `${name}=${shown(name)}`)
  const found = [`the key is ${sourceOfKey(apiKey)}`, ...set]
  if (set.length === 0) found.push('no variable changes anything')
  return ok('environment', found.join('; '))
}

/** Where the API key comes from. */
export function sourceOfKey(apiKey: string | undefined): 'that of --api-key' | 'that of MCP_API_KEY' | "'anonymous'" {
  if (apiKey !== undefined) return 'that of --api-key'
  return process.env.MCP_API_KEY ? 'that of MCP_API_KEY' : "'anonymous'"
}

function shown(name: string): string {
  const value = process.env[name]!
  return /^(https?|all)_proxy$/i.test(name) ? withoutLogin(value) : withoutQuery(value)
}

/** Also if it is no URL at all. */
function withoutLogin(url: string): string {
  return url.replace(/^([a-z0-9+.-]*:\/\/)?.*@/i, '$1…@')
}

function withoutQuery(url: string): string {
  return url.replace(/\?.*/, '?…')
}

/** Proxies in lower case too: that spelling comes first. */
const PROXIES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name.toLowerCase(), name])

const VARIABLES = [
  'MCP_WS_URL',
  ...PROXIES,
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_SYSTEM_CA',
  'MCP_CLIENT_NATIVE_PATH',
]
