/** What the far end makes of checked messages. */
import type { Snapshot } from '../shared/native-types.js'
import type { ConnectionSnapshot } from '../shared/types.js'
import { asMCPError } from './errors.js'
import type { BridgeError, EventName } from './messages.js'

/** @param revisionOffset added to the revision */
export function decodeSnapshot({ error, revision, ...snapshot }: Snapshot, revisionOffset: number): ConnectionSnapshot {
  return Object.freeze({ ...snapshot, revision: revision + revisionOffset, error: error ? asMCPError(error) : null })
}

/** The argument of an event's listeners. */
export function decodeDetail(name: EventName, detail: unknown): unknown {
  switch (name) {
    case 'message':
      return detail
    case 'failed':
    case 'error':
      return asMCPError(detail as BridgeError)
    case 'reconnecting': {
      const info = detail as { maxAttempts: number | null }
      // JSON has no Infinity.
      return { ...info, maxAttempts: info.maxAttempts ?? Infinity }
    }
    default:
      return Object.freeze(detail)
  }
}
