/** The newest events of the flight recorder, as they come with an error. */
import type { MCPError } from '../error-classes.js'
import type { FlightEvent } from '../native-types.js'

/**
 * The same error, with these events. They are not shown where it is printed: Node.js prints an error that nobody has
 * caught with all that it has, however long that is.
 */
export function withRecentEvents(error: MCPError, events: readonly FlightEvent[] | undefined): MCPError {
  if (events === undefined) return error
  return Object.defineProperty(error, 'recentEvents', { value: events, configurable: true, writable: true })
}

/** Events, from their JSON. */
export function recentEvents(json: string): readonly FlightEvent[] {
  return Object.freeze(JSON.parse(json) as FlightEvent[])
}
