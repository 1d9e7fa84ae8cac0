/** What this package asks of a client for diagnosis, and its users do not. */
import type { DialReport } from './native-types.js'

/** An event of a client: a dial is over. */
export const DIALED = Symbol.for('@mcp-integration/client dialed')

/** The events of a client that are no part of its types. */
export interface InternalEvents {
  /** Before any event that follows from the dial. */
  [DIALED]: [dial: DialReport, ask: AskForPage]
}

/**
 * Asks the endpoint in use for a page over HTTP, by the way that the WebSocket takes, without key and headers. The
 * promise never rejects.
 * @param path - begins with a slash
 * @param limit - ms
 */
export type AskForPage = (path: string, limit: number) => Promise<Page | { readonly error: string }>

/** What a server says at an open page. */
export interface Page {
  /** The HTTP status. */
  readonly status: number
  /** The first 64 KiB of the body. */
  readonly body: string
  /** Whether the body is longer. */
  readonly isCut: boolean
}
