/**
 * What functions of the user's throw. It may contain a secret, a token or a password, so it is a cause in its own
 * process only: what leaves it, or is made for others to read, has the class alone. PROTOCOL.md rule 18.
 */
import { MCPError } from './errors.js'
import { isError } from './foreign.js'

/** The class of what was thrown. */
export function classOf(thrown: unknown): string {
  const name: unknown = isError(thrown) ? thrown.constructor.name : typeof thrown
  return typeof name === 'string' && CLASS_NAME.test(name) ? name : 'Error'
}

/** Whether the cause of an error is, or may be, what a function of the user's threw: that may be anything. */
export function isCausedByUser({ code, phase, proxy, message, cause }: MCPError): boolean {
  if (cause === undefined) return false
  // A proxy function that has failed has named no proxy.
  const isOfProxyFunction = phase === 'proxy' && proxy === undefined
  // The words are the core's own.
  const isOfUrlFunction = code === 'CONNECT_FAILED' && message.startsWith('the url function ')
  return code === 'AUTH_FAILED' || isOfProxyFunction || isOfUrlFunction
}

/** The same error, or one like it that has the class of what was thrown in its place. */
export function withoutThrown(error: unknown): unknown {
  if (!(error instanceof MCPError)) return error
  const { cause } = error
  const shown = isCausedByUser(error) ? classOf(cause) : withoutThrown(cause)
  if (shown === cause) return error
  const { stack = '' } = error
  return Object.assign(new MCPError(error.message, { ...error, cause: shown }), { stack })
}

const CLASS_NAME = /^[\w$]{1,64}$/
