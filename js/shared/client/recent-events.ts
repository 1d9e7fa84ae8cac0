/** The newest events of the flight recorder, as they come with an error. */
import type { MCPError } from '../error-classes.js'
import type { FlightEvent } from '../native-types.js'

/** Events, from their JSON, that `inspect` shows in one line: an error that is printed is to be read. */
export function recentEvents(json: string): readonly FlightEvent[] {
  const events = JSON.parse(json) as FlightEvent[]
  return Object.freeze(Object.defineProperty(events, INSPECT, { value: () => shown(events) }))
}

/** The same error. */
export function withRecentEvents(error: MCPError, events: readonly FlightEvent[] | undefined): MCPError {
  return events === undefined ? error : Object.assign(error, { recentEvents: events })
}

function shown(events: readonly FlightEvent[]): string {
  const kinds = events.slice(-SHOWN).map((event) => String(event.state ?? event.code ?? '') || event.kind)
  return `[${events.length} events: ${events.length > SHOWN ? '… ' : ''}${kinds.join(', ')}]`
}

/** What Node.js calls to show a value. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** How many of them are named. */
const SHOWN = 6
