/** Carries messages to the other end: over one port, or over one socket after another. */
import type { MCPError } from '../shared/errors.js'
import { messageOf } from '../shared/foreign.js'
import { connectionLost } from './errors.js'
import type { ToServer } from './messages.js'
import { openChannel, type BridgePort, type Channel, type PortClosing } from './port.js'

/** What a transport reports. Only `post` and `drop` report something before they return. */
export interface TransportEvents {
  /** There is a new port. The other end knows nothing of what was sent through an earlier one. */
  opened(): void
  message(value: unknown): void
  /** Something for the log; the port stays open. */
  problem(words: string): void
  /** The port is lost. */
  lost(loss: Loss): void
}

/** Why a port was lost, and what follows. */
export interface Loss {
  readonly error: MCPError
  /** The wait before the next attempt; `null` if there is none. */
  readonly retry: Retry | null
}

/** A wait before an attempt. */
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
  /** Closes the port, and reports it as lost for this reason. */
  drop(error: MCPError): void
  /** Opens a new port now, also after `close()`. @returns false if that is not possible */
  reopen(): boolean
  /** Closes the port and makes no further attempt; reports nothing more. */
  close(): void
}

/** A port that was given. When it is lost there is no other one. */
export class PortTransport implements Transport {
  readonly #events: TransportEvents
  readonly #channel: Channel
  #isOver = false

  /** @throws TypeError if the port cannot be used */
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

/** Posts a message; a port that throws is reported as lost. */
export function postThrough(channel: Channel, message: ToServer, lost: (error: MCPError) => void): void {
  try {
    channel.post(message)
  } catch (cause) {
    lost(connectionLost(`the port of the bridge takes no messages: ${messageOf(cause)}`))
  }
}

/** The error if the other end has closed the port. */
export function portLost({ code, reason }: PortClosing): MCPError {
  const details = [code, reason].filter((detail) => detail !== null && detail !== '').join(': ')
  return connectionLost(`the port of the bridge was closed${details && ` (${details})`}`)
}

/** Logged for a message that could not be deserialised. */
export const UNREADABLE = 'a message through the bridge was dropped: it cannot be read'
