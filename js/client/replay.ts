/** Replays the record of a client. The core does it: it has the rules. */
import type { FlightEvent } from '../shared/native-types.js'
import { replayByCore } from './node-client.js'

/** What came of a replay. */
export interface ReplayReport {
  /** How many events the record has. */
  readonly events: number
  /** How many of them are inputs, which were given to the rules again; up to the first difference. */
  readonly inputs: number
  /** Where the rules decide otherwise than was recorded; `null` if they decide the same. */
  readonly difference: {
    /** The place of the event in the record, from 0. */
    readonly event: number
    /** What was recorded; `null` if nothing was. */
    readonly recorded: FlightEvent | null
    /** What the rules say; `null` if they say nothing. */
    readonly rules: FlightEvent | null
  } | null
}

/**
 * @param record - the JSON of a `FlightRecord`
 * @throws TypeError if it is none; RangeError if it is larger than 16 MiB, or its messages would take too much memory;
 * Error if another version of the package has made it, or it cannot be replayed
 */
export function replay(record: string): ReplayReport {
  const told = JSON.parse(replayByCore(record)) as ReplayReport | { kind: keyof typeof CLASSES; message: string }
  if ('kind' in told) throw new CLASSES[told.kind](told.message)
  return told
}

const CLASSES = { TypeError, RangeError, Error }
