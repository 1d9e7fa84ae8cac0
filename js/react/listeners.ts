/** Adds one listener to a client for all components, because Node.js warns if an emitter has more than ten. */
import { runSafely } from '../shared/socket-events.js'
import type { MCPClientEvents, MCPClientLike } from '../shared/types.js'

type Listener = (argument: unknown) => void

interface Heard {
  readonly listeners: Set<Listener>
  stop(): void
}

/** The listeners of each client, by event. */
const heard = new WeakMap<MCPClientLike, Map<string, Heard>>()

/** @returns a function that removes the listener */
export function listen<E extends 'state' | 'message'>(
  client: MCPClientLike,
  event: E,
  listener: (argument: MCPClientEvents[E][0]) => void,
): () => void {
  const events = heard.get(client) ?? new Map<string, Heard>()
  heard.set(client, events)
  const { listeners } = events.get(event) ?? begin(client, event, events)
  // A function of its own, because the same listener may be added twice.
  const own: Listener = (argument) => listener(argument as MCPClientEvents[E][0])
  listeners.add(own)
  return () => {
    listeners.delete(own)
    if (listeners.size > 0 || events.get(event)?.listeners !== listeners) return
    events.get(event)?.stop()
    events.delete(event)
  }
}

function begin(client: MCPClientLike, event: 'state' | 'message', events: Map<string, Heard>): Heard {
  const listeners = new Set<Listener>()
  const tellAll = (...[argument]: unknown[]) => {
    for (const listener of [...listeners]) runSafely(() => listener(argument))
  }
  client.on(event, tellAll)
  const begun = { listeners, stop: () => void client.off(event, tellAll) }
  events.set(event, begun)
  return begun
}
