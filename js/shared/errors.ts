/** Errors. The core decides what went wrong; here that becomes an instance. */
import { MCPError, MCPToolError, type MCPErrorDetails } from './error-classes.js'
import { ERROR_CODES, type ErrorCode, type ErrorData, type SystemCause } from './native-types.js'

export { MCPError, MCPToolError, type MCPErrorDetails } from './error-classes.js'
export type { MCPErrorCode } from './native-types.js'

/**
 * An error that does not come from the native core. Its message, and whether it is retryable, are those of its code
 * unless `details` has others.
 */
export function makeError(
  code: ErrorCode,
  details: Partial<Omit<MCPErrorDetails, 'code'>> & { message?: string } = {},
): MCPError {
  const { message, retryable } = ERROR_CODES[code]
  return new MCPError(details.message ?? message, { retryable, ...details, code })
}

/** The error of one of the calls that another error has ended. */
export function errorOfCall(
  { code, message, retryable }: MCPError,
  call: Pick<MCPErrorDetails, 'toolName' | 'sent'>,
): MCPError {
  return new MCPError(message, { code, retryable, ...call })
}

/** Whose error it is, and its cause if that is known already. */
interface ErrorContext {
  toolName?: string | undefined
  cause?: unknown
}

/** The instance for what the native core reports. */
export function errorOf(data: ErrorData, { toolName, cause = causeOf(data) }: ErrorContext = {}): MCPError {
  const { code, message } = data
  const details = { ...data, toolName, cause }
  if (code !== 'TOOL_ERROR') return new MCPError(message, details)
  return new MCPToolError(message, { ...details, toolCode: data.toolCode ?? null, data: data.data })
}

function causeOf({ cause, systemCause }: ErrorData): unknown {
  if (systemCause !== undefined) return systemErrorOf(systemCause)
  return cause === undefined ? undefined : errorOf(cause)
}

/** Like an error of Node.js itself: with `code`, and with `address` and `port` where there are any. */
function systemErrorOf({ message, ...facts }: SystemCause): Error {
  return Object.assign(new Error(message), facts)
}
