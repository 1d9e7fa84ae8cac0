/** The errors of one client. What the native core reports of the same error is always the same instance. */
import { errorOf, type MCPError } from '../errors.js'
import type { ErrorData } from '../native-types.js'
import { recentEvents, withRecentEvents } from './recent-events.js'

export class ClientErrors {
  /** What the user's token function threw last. */
  tokenFailure: unknown
  /** What the user's url function threw last. */
  urlFailure: unknown
  /** What the user's proxy function threw last. */
  proxyFailure: unknown
  /** The newest ones by their numbers. Made when something goes wrong. */
  #known: Map<number, MCPError> | undefined

  /** Why the client is not connected; or an error without a number. */
  reason(data: ErrorData): MCPError {
    if (data.number === undefined) return errorOf(data)
    return this.#known?.get(data.number) ?? this.#remember(data.number, errorOf(data, { cause: this.#causeOf(data) }))
  }

  /** Why the client has failed, with what the flight recorder has had last, as JSON. */
  final(data: ErrorData, events: string): MCPError {
    return withRecentEvents(this.reason(data), events === NO_EVENTS ? undefined : recentEvents(events))
  }

  /**
   * Makes the error of a call or a command: an instance of its own, whose cause is the same for all of them. It is the
   * one that is known now.
   */
  failure(data: ErrorData, toolName?: string): () => MCPError {
    if (data.number === undefined) {
      const cause = this.#causeOf(data)
      return () => errorOf(data, { toolName, cause })
    }
    const { requestId, sent, ...shared } = data
    const { message, cause, recentEvents } = this.reason(shared)
    return () => withRecentEvents(errorOf({ ...data, message }, { toolName, cause }), recentEvents)
  }

  #causeOf({ cause, fromTokenFunction, fromUrlFunction, fromProxyFunction }: ErrorData): unknown {
    if (fromTokenFunction === true) return this.tokenFailure
    if (fromUrlFunction === true) return this.urlFailure
    if (fromProxyFunction === true) return this.proxyFailure
    return cause === undefined ? undefined : this.reason(cause)
  }

  #remember(number: number, error: MCPError): MCPError {
    const known = (this.#known ??= new Map())
    known.set(number, error)
    const [oldest] = known.keys()
    if (known.size > REMEMBERED) known.delete(oldest as number)
    return error
  }
}

/** A call may still fail with an error that the client has left behind, but not with an old one. */
const REMEMBERED = 8

/** Of a client of pages whose core could not be loaded. */
const NO_EVENTS = '[]'
