/** What a diagnosis is made of, and what it says. */
import type { MCPError } from '../../index.js'

/** Why something failed, and what to try next. */
export interface Diagnosis {
  readonly cause: string
  readonly next: string
}

/** What is known of a failed dial. */
export interface FailedDial {
  readonly host: string
  readonly port: string
  /** Of the system: `ECONNREFUSED`, say; '' if there is none. */
  readonly code: string
  /** What the client and the system say. */
  readonly words: string
  readonly error: MCPError
}
