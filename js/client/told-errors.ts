/**
 * Errors as those are told of them who observe all clients. What a function of the user's has thrown may contain a
 * secret, and observers send what they hear to other machines: of it they get the class alone. Source: PROTOCOL.md
 * rule 18.
 */
import { classOf, isThrownByUser } from '../shared/client/errors.js'
import { MCPError } from '../shared/errors.js'
import type { ConnectionSnapshot } from '../shared/types.js'

/** The same error, or a copy of it without what was thrown. */
export function toldError(error: unknown): unknown {
  if (!(error instanceof MCPError) || error.cause === undefined) return error
  const { cause } = error
  const told = isThrownByUser(cause) ? new Error(classOf(cause)) : toldError(cause)
  return told === cause ? error : copyOf(error, told)
}

/** The same snapshot, or a copy of it without what was thrown. */
export function toldSnapshot(snapshot: ConnectionSnapshot): ConnectionSnapshot {
  const error = toldError(snapshot.error) as MCPError | null
  return error === snapshot.error ? snapshot : Object.freeze({ ...snapshot, error })
}

function copyOf(error: MCPError, cause: unknown): MCPError {
  const copy = new MCPError(error.message, { ...error, cause })
  return Object.defineProperty(copy, 'stack', { value: error.stack, configurable: true, writable: true })
}
