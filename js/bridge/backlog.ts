/** Limits how much waits to be sent to a far end, which may never read it. */
import type { ToClient } from './messages.js'
import type { Channel } from './port.js'

export class Backlog {
  readonly #channel: Channel
  readonly #max: number
  /** Bytes that were posted while more than `max` waited. */
  #excess = 0

  /** @param max bytes */
  constructor(channel: Channel, max: number) {
    this.#channel = channel
    this.#max = max
  }

  /** Whether no result may be sent now. A result may be larger than the limit if little waits before it. */
  get isFull(): boolean {
    return this.#channel.bufferedAmount > this.#max
  }

  /** Whether too much waits even without further results. */
  get isOverflowing(): boolean {
    return this.#excess > this.#max
  }

  /** @throws what the port throws */
  post(message: ToClient): void {
    const before = this.#channel.bufferedAmount
    this.#channel.post(message)
    if (before <= this.#max) this.#excess = 0
    else this.#excess += this.#channel.bufferedAmount - before
  }
}
