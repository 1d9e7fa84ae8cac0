/** The error classes, in a file of their own: a program that makes no client loads nothing else of js/shared. */
import type { DialPhase, FlightEvent, MCPErrorCode } from './native-types.js'

/** The properties of an {@link MCPError} besides its message. */
export interface MCPErrorDetails {
  /** What went wrong, for programs. */
  code: MCPErrorCode
  /** Whether the same call, unchanged, may succeed later. */
  retryable: boolean
  /** The tool that was called. */
  toolName?: string | undefined
  /** The id of the request. */
  requestId?: string | undefined
  /** Whether the request may have been sent; false is a guarantee. */
  sent?: boolean | undefined
  /** The part of the dial that failed. */
  phase?: DialPhase | undefined
  /** The HTTP status that refused the dial. */
  status?: number | undefined
  /** Where that answer leads to. */
  location?: string | undefined
  /** The first line of its body. */
  body?: string | undefined
  /** The proxy that the dial went through. */
  proxy?: string | undefined
  /** The error that caused this one. */
  cause?: unknown
}

/** The properties of an error that only some have, in the order in which they are printed. */
const FACTS = ['toolName', 'requestId', 'sent', 'phase', 'status', 'location', 'body', 'proxy'] as const

/** Every error of the client that is not a mistake in the calling code. */
export class MCPError extends Error {
  /** The name of the class. */
  override readonly name: string = 'MCPError'
  /** What went wrong, for programs. */
  readonly code: MCPErrorCode
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean
  /** The tool that was called, if the error belongs to a call. */
  declare readonly toolName?: string
  /** The id of the request, if there was one. */
  declare readonly requestId?: string
  /** false: the request was certainly not sent. true: it was passed to the socket, so the tool may have run. */
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
  /**
   * Of the error of a client that has 'failed': the newest events of its flight recorder, at most 16, oldest first.
   * They hold neither a key nor a content. They are not shown where the error is printed.
   */
  declare readonly recentEvents?: readonly FlightEvent[]

  /** Made by the client; in your own code, for tests say. */
  constructor(message: string, details: MCPErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.retryable = details.retryable
    // Properties only for what is known, so that a printed error has no lines with `undefined`.
    for (const fact of FACTS) if (details[fact] !== undefined) Object.assign(this, { [fact]: details[fact] })
  }
}

/** The server answered a call with an error. */
export class MCPToolError extends MCPError {
  /** The name of the class. */
  override readonly name = 'MCPToolError'
  /** Always the same; the server's own code is `toolCode`. */
  declare readonly code: 'TOOL_ERROR'
  /** The server's `error.code` if that is a string, else `null`. */
  readonly toolCode: string | null
  /** The complete error value of the server. */
  readonly data: unknown

  /** Made by the client; in your own code, for tests say. */
  constructor(message: string, details: Omit<MCPErrorDetails, 'code'> & { toolCode: string | null; data: unknown }) {
    super(message, { ...details, code: 'TOOL_ERROR' })
    this.toolCode = details.toolCode
    this.data = details.data
  }
}

// There may be several copies of these classes: one in each bundle of the package, and in each copy of the package.
recogniseCopies(MCPError, Symbol.for('@mcp-integration/client MCPError'))
recogniseCopies(MCPToolError, Symbol.for('@mcp-integration/client MCPToolError'))

/** Lets `instanceof` recognise the errors of every copy of a class, by a mark. Derived classes work as usual. */
function recogniseCopies(errorClass: { readonly prototype: object }, mark: symbol): void {
  Object.defineProperty(errorClass.prototype, mark, { value: true })
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== errorClass) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && mark in value
    },
  })
}
