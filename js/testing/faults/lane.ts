/**
 * One direction of a connection through the proxy: it writes what it reads on one socket to the other, later, slower or
 * damaged.
 */
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { clearImmediate, clearTimeout, now as readClock, setImmediate, setTimeout } from '../node.js'
import type { LaneFaults } from './options.js'
import { endSocket, whenWritten } from './socket.js'

/** What a lane may do to its whole connection. */
export interface Ending {
  end(): void
  reset(): void
}

/** Data on its way: bytes, or the end of the side that they came from. */
interface Parcel {
  /** When it arrives, on the clock of `performance.now()`. */
  readonly due: number
  readonly bytes?: Buffer
  readonly ending?: keyof Ending
}

export class Lane {
  /** Bytes passed on. */
  passed = 0
  readonly #source: Socket
  readonly #sink: Socket
  readonly #connection: Ending
  readonly #random: () => number
  #faults: LaneFaults
  #parcels: Parcel[] = []
  /** The number of bytes in the parcels. */
  #held = 0
  #lastDue = 0
  #windowEnd = 0
  /** When the bandwidth allows the next write. */
  #roomAt = 0
  /** Bytes passed on since the faults were set. */
  #counted = 0
  /** How many good bytes come before the next bad one. */
  #goodBytes = 0
  #isFrozen = false
  /** It has passed on its last byte. */
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined

  constructor(source: Socket, sink: Socket, connection: Ending, faults: LaneFaults, random: () => number) {
    this.#source = source
    this.#sink = sink
    this.#connection = connection
    this.#random = random
    this.#faults = faults
    this.#goodBytes = this.#drawGoodBytes()
    let hasEnded = false
    source.on('data', (bytes) => this.#take(bytes as Buffer))
    source.once('end', () => {
      hasEnded = true
      this.#send({ ending: 'end' })
    })
    source.once('close', () => hasEnded || this.#send({ ending: 'reset' }))
    sink.on('drain', () => this.#pump())
  }

  /** Begins to pass on. */
  start(): void {
    this.#pump()
  }

  setFaults(faults: LaneFaults): void {
    this.#faults = faults
    this.#counted = 0
    this.#roomAt = 0
    this.#goodBytes = this.#drawGoodBytes()
    this.#pump()
  }

  freeze(): void {
    this.#isFrozen = true
    this.#source.pause()
    this.#stopWaiting()
  }

  thaw(): void {
    this.#isFrozen = false
    this.#pump()
  }

  /** Passes on nothing more; what still comes is dropped. */
  stop(): void {
    this.#isOver = true
    this.#parcels = []
    this.#stopWaiting()
    this.#source.resume()
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return
    this.#corrupt(bytes)
    this.#held += bytes.length
    this.#send({ bytes })
  }

  #send(parcel: Omit<Parcel, 'due'>): void {
    if (this.#isOver) return
    const { latency, jitter, merge } = this.#faults
    const now = readClock()
    if (merge > 0 && now >= this.#windowEnd) this.#windowEnd = now + merge
    const left = merge > 0 ? this.#windowEnd : now
    this.#lastDue = Math.max(this.#lastDue, left + latency + (jitter > 0 ? jitter * this.#random() : 0))
    this.#parcels.push({ ...parcel, due: this.#lastDue })
    this.#pump()
  }

  /** Passes on what is due now, and schedules itself for the rest. */
  #pump(): void {
    this.#stopWaiting()
    while (!this.#isFrozen && !this.#isOver) {
      if (this.#hasReachedItsLimit()) return
      const [parcel] = this.#parcels
      if (parcel === undefined) break
      const wait = Math.max(parcel.due, this.#roomAt) - readClock()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(wait))
        break
      }
      if (parcel.ending !== undefined) return this.#finish(parcel.ending)
      // It is called again on 'drain'; if the socket has closed, the other lane handles that.
      if (this.#sink.writableNeedDrain) break
      this.#write(this.#nextPiece())
      if (this.#faults.split < Infinity) {
        // In another turn, because the system would put both into one segment.
        this.#turn = setImmediate(() => this.#pump())
        break
      }
    }
    this.#regulate()
  }

  #write(piece: Buffer): void {
    const { bandwidth } = this.#faults
    this.#held -= piece.length
    this.#counted += piece.length
    this.passed += piece.length
    if (bandwidth < Infinity) this.#roomAt = Math.max(this.#roomAt, readClock()) + (piece.length / bandwidth) * 1000
    if (!this.#sink.destroyed) this.#sink.write(piece)
  }

  /** Takes as many bytes from the front as may be sent in one write. */
  #nextPiece(): Buffer {
    const { bandwidth, split, merge } = this.#faults
    const longest = Math.max(1, Math.min(this.#bytesLeft(), Math.ceil(bandwidth / WRITES_A_SECOND)))
    const length = split < Infinity ? Math.min(longest, 1 + Math.floor(this.#random() * split)) : longest
    if (merge > 0) this.#joinWhatIsDue()
    const first = this.#parcels.shift()!
    const bytes = first.bytes!
    if (bytes.length > length) this.#parcels.unshift({ ...first, bytes: bytes.subarray(length) })
    return bytes.subarray(0, length)
  }

  #joinWhatIsDue(): void {
    const now = readClock()
    const end = this.#parcels.findIndex(({ due, bytes }) => due > now || bytes === undefined)
    const joined = this.#parcels.splice(0, end === -1 ? this.#parcels.length : end)
    this.#parcels.unshift({ due: now, bytes: Buffer.concat(joined.map(({ bytes }) => bytes!)) })
  }

  /** How many bytes are left before a fault that counts bytes. */
  #bytesLeft(): number {
    const { freezeAfter, endAfter, resetAfter } = this.#faults
    return Math.min(freezeAfter, endAfter, resetAfter) - this.#counted
  }

  #hasReachedItsLimit(): boolean {
    if (this.#bytesLeft() > 0) return false
    const { freezeAfter, endAfter, resetAfter } = this.#faults
    if (freezeAfter <= this.#counted) {
      // After a thaw it continues until the other limits.
      this.#faults = { ...this.#faults, freezeAfter: Infinity }
      this.freeze()
    } else {
      const ending = resetAfter <= endAfter ? 'reset' : 'end'
      this.#isOver = true
      // The bytes before the end must arrive.
      whenWritten(this.#sink, () => this.#connection[ending]())
    }
    return true
  }

  #finish(ending: keyof Ending): void {
    this.#isOver = true
    if (ending === 'reset') this.#connection.reset()
    else endSocket(this.#sink)
  }

  /** Reads only while not too much is on its way. */
  #regulate(): void {
    if (this.#isFrozen || this.#isOver) return
    if (this.#held >= MOST_HELD) this.#source.pause()
    else this.#source.resume()
  }

  #corrupt(bytes: Buffer): void {
    while (this.#goodBytes < bytes.length) {
      bytes[this.#goodBytes]! ^= 1 << Math.floor(this.#random() * 8)
      this.#goodBytes += 1 + this.#drawGoodBytes()
    }
    this.#goodBytes -= bytes.length
  }

  /** The distance to the next damaged byte, distributed as if each byte were drawn separately. */
  #drawGoodBytes(): number {
    const { corruption } = this.#faults
    if (corruption === 0) return Infinity
    return corruption === 1 ? 0 : Math.floor(Math.log(1 - this.#random()) / Math.log(1 - corruption))
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
  }
}

/** How many bytes may be on their way in one direction; then the proxy stops reading, which slows the sender down. */
const MOST_HELD = 1 << 20

/** Writes per second at a limited bandwidth: large enough to be efficient, small enough for an even flow. */
const WRITES_A_SECOND = 50
