/** Which events the core is asked for: it sends none that nobody hears. */
import { DIALED } from '../internals.js'
import type { SocketFace } from '../socket-face.js'
import type { NativeClient } from './binding.js'
import * as INTEREST from './interest-bits.js'
import type { Listeners } from './listeners.js'
import { runtime } from './runtime.js'

/** What one client asks for. */
export class Interest {
  readonly #native: NativeClient
  readonly #listeners: Listeners
  readonly #face: SocketFace
  /** All of them at first: listeners that are added in the turn in which the client is made miss nothing. */
  #asked: number = INTEREST.messages | INTEREST.heartbeats | INTEREST.logs
  #isFirstTurn = true

  constructor(native: NativeClient, listeners: Listeners, face: SocketFace) {
    this.#native = native
    this.#listeners = listeners
    this.#face = face
  }

  endFirstTurn(): void {
    this.#isFirstTurn = false
  }

  /** There may be more or fewer listeners. */
  update(): void {
    if (this.#face.has('open')) this.holdOpenings()
    if (this.#listeners.hear(DIALED)) this.#add(INTEREST.dials)
    if (this.#isFirstTurn) return
    const wanted = this.#wanted
    if (wanted !== this.#asked) this.#native.setInterest(wanted)
    this.#asked = wanted
  }

  /** The core waits with the authentication until the 'open' listeners have run. */
  holdOpenings(): void {
    this.#face.holdsOpenings = true
    this.#add(INTEREST.opens)
  }

  /** A dial may follow. Who hears of dials may have begun to at any time, and nobody says when. */
  observeDials(): void {
    if (runtime.observers?.hearsDials()) this.#add(INTEREST.dials)
  }

  get #wanted(): number {
    return (
      (this.#listeners.hearMessages || this.#face.has('message') ? INTEREST.messages : 0) |
      (this.#listeners.hear('heartbeat') ? INTEREST.heartbeats : 0) |
      // Who observes all clients may begin at any time, and nobody says when.
      (runtime.observers !== undefined || this.#listeners.hear('log') ? INTEREST.logs : 0) |
      (this.#face.has('open') ? INTEREST.opens : 0) |
      (runtime.observers?.hearsDials() || this.#listeners.hear(DIALED) ? INTEREST.dials : 0)
    )
  }

  #add(interest: number): void {
    if (this.#asked & interest) return
    this.#asked |= interest
    this.#native.setInterest(this.#asked)
  }
}
