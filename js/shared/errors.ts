/** The error classes. What went wrong is decided in the native core; here it becomes an instance. */
import {
  ERROR_CODES,
  type DialPhase,
  type ErrorCode,
  type ErrorData,
  type MCPErrorCode,
  type SystemCause,
} from './native-types.js'

export type { MCPErrorCode } from './native-types.js'

/** What an {@link MCPError} carries beside its message. */
export interface MCPErrorDetails {
  code: MCPErrorCode
  retryable: boolean
  toolName?: string | undefined
  requestId?: string | undefined
  sent?: boolean | undefined
  phase?: DialPhase | undefined
  status?: number | undefined
  location?: string | undefined
  body?: string | undefined
  proxy?: string | undefined
  cause?: unknown
}

/** Every error of the client that is not a mistake in the calling code. */
export class MCPError extends Error {
  override readonly name: string = 'MCPError'
  readonly code: MCPErrorCode
  /** A retry of the same call may succeed. */
  readonly retryable: boolean
  declare readonly toolName?: string
  declare readonly requestId?: string
  /** false: the request certainly never left. true: it was handed to the socket, so the tool may have run. */
  declare readonly sent?: boolean
  /** Where the dial failed; `proxy` until a proxy has opened its tunnel. Missing if it ran out of time. */
  declare readonly phase?: DialPhase
  /** The HTTP status that the server or the proxy answered with. */
  declare readonly status?: number
  /** Where that answer leads to, without the query. The client never follows it. */
  declare readonly location?: string
  /** The first line of that answer's body, if it is text; of HTML the title. */
  declare readonly body?: string
  /** The proxy that the dial went through, as `scheme://host:port`. */
  declare readonly proxy?: string

  constructor(message: string, details: MCPErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.retryable = details.retryable
    // Only what is known becomes a property: a printed error shows no rows of `undefined`.
    const { toolName, requestId, sent, phase, status, location, body, proxy } = details
    Object.assign(
      this,
      toolName !== undefined && { toolName },
      requestId !== undefined && { requestId },
      sent !== undefined && { sent },
      phase !== undefined && { phase },
      status !== undefined && { status },
      location !== undefined && { location },
      body !== undefined && { body },
      proxy !== undefined && { proxy },
    )
  }
}

/** The server answered a call with an error. */
export class MCPToolError extends MCPError {
  override readonly name = 'MCPToolError'
  declare readonly code: 'TOOL_ERROR'
  /** The server's `error.code`, where it is a string. */
  readonly toolCode: string | null
  /** The server's error value, whole. */
  readonly data: unknown

  constructor(message: string, details: Omit<MCPErrorDetails, 'code'> & { toolCode: string | null; data: unknown }) {
    super(message, { ...details, code: 'TOOL_ERROR' })
    this.toolCode = details.toolCode
    this.data = details.data
  }
}

// There are copies of these classes: parts of the package bring their own, and a program may have the package twice.
knowEverywhere(MCPError, Symbol.for('@mcp-integration/client MCPError'))
knowEverywhere(MCPToolError, Symbol.for('@mcp-integration/client MCPToolError'))

/**
 * Lets `instanceof` know the errors of every copy of a class by a mark. One that a user derives from it is known as
 * always.
 */
function knowEverywhere(errorClass: { readonly prototype: object }, mark: symbol): void {
  Object.defineProperty(errorClass.prototype, mark, { value: true })
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== errorClass) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && mark in value
    },
  })
}

/**
 * Where the native core has no part in an error. Its message, and whether it is retryable, are those of its code by
 * default.
 */
export function makeError(
  code: ErrorCode,
  details: Partial<Omit<MCPErrorDetails, 'code'>> & { message?: string } = {},
): MCPError {
  const { message, retryable } = ERROR_CODES[code]
  return new MCPError(details.message ?? message, { retryable, ...details, code })
}

/** The error of one of the calls that `why` has ended. */
export function errorOfCall(
  { code, message, retryable }: MCPError,
  call: Pick<MCPErrorDetails, 'toolName' | 'sent'>,
): MCPError {
  return new MCPError(message, { code, retryable, ...call })
}

/** Whose error it is, and what the user's own functions threw. */
interface ErrorContext {
  toolName?: string | undefined
  tokenFailure?: unknown
  proxyFailure?: unknown
}

/** The instance that stands for what the native core reports. */
export function errorOf(data: ErrorData, context: ErrorContext = {}): MCPError {
  const details = {
    retryable: data.retryable,
    toolName: context.toolName,
    requestId: data.requestId,
    sent: data.sent,
    phase: data.phase,
    status: data.status,
    location: data.location,
    body: data.body,
    proxy: data.proxy,
    cause: causeOf(data, context),
  }
  if (data.code === 'TOOL_ERROR') {
    return new MCPToolError(data.message, { ...details, toolCode: data.toolCode ?? null, data: data.data })
  }
  return new MCPError(data.message, { ...details, code: data.code })
}

function causeOf(data: ErrorData, context: ErrorContext): unknown {
  if (data.fromTokenFunction === true) return context.tokenFailure
  if (data.fromProxyFunction === true) return context.proxyFailure
  if (data.systemCause !== undefined) return systemErrorOf(data.systemCause)
  return data.cause === undefined ? undefined : errorOf(data.cause, context)
}

/** Like an error of Node.js itself: with `code`, and with `address` and `port` where there are any. */
function systemErrorOf({ message, ...facts }: SystemCause): Error {
  return Object.assign(new Error(message), facts)
}
