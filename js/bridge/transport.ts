/** What carries messages between the two ends: one port, or one socket after the other. */
import type { MCPError } from '../shared/errors.js'
import { connectionLost } from './errors.js'
import type { ToServer } from './messages.js'
import { openChannel, type BridgePort, type Channel, type PortClosing } from './port.js'

/** What a transport tells. None of it is told inside of a call to the transport, but by `post` and `drop`. */
export interface TransportEvents {
  /** There is a port now. Nothing that was said before can be answered through it. */
  opened(): void
  message(value: unknown): void
  /** Something is wrong, and the port goes on. */
  problem(words: string): void
  /** There is no port any more. */
  lost(loss: Loss): void
}

/** The end of a port. */
export interface Loss {
  readonly error: MCPError
  /** When there will be another one; `null` for never. */
  readonly retry: Retry | null
}

/** A wait before another attempt. */
export interface Retry {
  /** Counts from 1. */
  readonly attempt: number
  /** ms. */
  readonly delay: number
  /** When it ends, epoch ms. */
  readonly at: number
}

export interface Transport {
  post(message: ToServer): void
  /** Gives the port up, as if it had been lost for this reason. */
  drop(error: MCPError): void
  /** Makes another port now, also after `close()`. @returns false where there is but one */
  reopen(): boolean
  /** Ends it; nothing is told any more. */
  close(): void
}

/** A port by itself: when it is gone, that is the end. */
export class PortTransport implements Transport {
  readonly #events: TransportEvents
  readonly #channel: Channel
  #isOver = false

  /** @throws TypeError for what is no port */
  constructor(port: BridgePort, events: TransportEvents) {
    this.#events = events
    this.#channel = openChannel(port, {
      message: (message) => events.message(message),
      unreadable: () => events.problem(UNREADABLE),
      failed: (words) => events.problem(`the port of the bridge reports: ${words}`),
      closed: (info) => this.drop(portLost(info)),
    })
  }

  post(message: ToServer): void {
    postThrough(this.#channel, message, (error) => this.drop(error))
  }

  drop(error: MCPError): void {
    if (this.#isOver) return
    this.close()
    this.#events.lost({ error, retry: null })
  }

  reopen(): boolean {
    return false
  }

  close(): void {
    this.#isOver = true
    this.#channel.close()
  }
}

/** A port that takes no messages is as good as lost. */
export function postThrough(channel: Channel, message: ToServer, lost: (error: MCPError) => void): void {
  try {
    channel.post(message)
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    lost(connectionLost(`the port of the bridge takes no messages: ${words}`))
  }
}

export function portLost({ code, reason }: PortClosing): MCPError {
  const details = [code, reason].filter((detail) => detail !== null && detail !== '').join(': ')
  return connectionLost(`the port of the bridge was closed${details && ` (${details})`}`)
}

export const UNREADABLE = 'a message through the bridge was dropped: it cannot be read'
