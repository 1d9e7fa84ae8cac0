/** What waits to be read by a far end: it is bounded, because the far end may never read. */
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

  /** No result may be added. One that is larger than the bound by itself passes, if nothing waits before it. */
  get isFull(): boolean {
    return this.#channel.bufferedAmount > this.#max
  }

  /** Even without results too much waits. */
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
