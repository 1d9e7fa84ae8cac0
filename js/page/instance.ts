/**
 * The WebAssembly instance of one client: its functions, and the texts in its memory. crates/page/src/border.rs
 * describes them.
 */
import * as NAMES from './exports.js'
import { now, wallClock, WebAssembly, type WasmModule } from './globals.js'
import type { FlightRecorder } from './recorder.js'
import { decoder, encoder } from './utf8.js'

/** A function of the module. The last two arguments are the times where there are any. */
type Exported = (...args: (number | boolean)[]) => number

/** Functions that are not called for every call, as {@link Instance.call} calls them. */
export interface Rare {
  [NAMES.create](id: number, numbers: number, token: number, urls: number, revision: number, reasons: number): void
  [NAMES.connect](slot: number): void
  [NAMES.reconnect](slot: number): void
  /** Without a token, -1 takes its place. */
  [NAMES.authenticate](token: string | -1, slot: number): void
  [NAMES.close](code: number, reason: string, drain: number, slot: number): void
  [NAMES.tools](slot: number, timeout: number, flags: number): number
  [NAMES.abort](key: number): number
  [NAMES.discard_results](slot: number): void
  [NAMES.send_tool_request](name: string, parameters: string): number
  [NAMES.send](text: string): number
  [NAMES.answer_token](connection: number, token: string, ends: number, expiresAt: number): void
  [NAMES.fail_token](connection: number, thrown: string): void
  [NAMES.answer_urls](asked: number, urls: string): number
  [NAMES.fail_urls](asked: number, thrown: string): void
  [NAMES.open_told](): void
  [NAMES.set_interest](interest: number): void
  [NAMES.warn](message: string): void
  [NAMES.snapshot](): void
  [NAMES.stats](): void
  [NAMES.buffered_amount](): number
  [NAMES.endpoint](): number
  [NAMES.opened](connection: number): void
  [NAMES.dial_failed](connection: number, kind: number, words: string): void
  [NAMES.binary_message](connection: number, bytes: number): void
  [NAMES.closed](connection: number, code: number, reason: string, wasClean: number): void
  [NAMES.timeout](): void
  [NAMES.network_changed](): void
}

/** Of {@link Instance.work} (crates/page/src/client.rs). */
export const NOTHING = 0
export const MAY_GATHER = 1

const NO_BYTES: Uint8Array = new Uint8Array()

export class Instance {
  /** The functions that every call uses. */
  readonly request: Exported
  readonly textMessage: Exported
  readonly nextOutput: Exported
  readonly takeItem: Exported
  readonly setBacklog: Exported
  readonly #functions: Readonly<Record<string, Exported>>
  readonly #memory: { readonly buffer: ArrayBuffer }
  readonly #block: number
  readonly #recorder: FlightRecorder
  /** The memory, and the room for texts that are not long. Both are empty when it has grown since. */
  #bytes: Uint8Array = NO_BYTES
  #room: Uint8Array = NO_BYTES
  #view!: DataView

  constructor(module: WasmModule, recorder: FlightRecorder) {
    this.#recorder = recorder
    const exports = new WebAssembly!.Instance(module).exports as any
    this.request = exports[NAMES.request]
    this.textMessage = exports[NAMES.text_message]
    this.nextOutput = exports[NAMES.next_output]
    this.takeItem = exports[NAMES.take_item]
    this.setBacklog = exports[NAMES.set_backlog]
    this.#functions = exports
    this.#memory = exports[NAMES.memory]
    this.#block = exports[NAMES.block]()
  }

  /** Calls a function. Texts are written to the room, and their lengths take their places; the times follow. */
  call<Name extends keyof Rare>(name: Name, ...args: Parameters<Rare[Name]>): number {
    const given: readonly (number | string)[] = args
    this.#recorder.noteInput(name, given)
    const texts = given.filter((arg) => typeof arg === 'string')
    const room = texts.length > 0 ? this.#makeRoom(texts.join('').length * MOST_BYTES) : NO_BYTES
    let at = 0
    const numbers = given.map((arg) => {
      if (typeof arg === 'number') return arg
      const { written } = encoder.encodeInto(arg, room.subarray(at))
      at += written
      return written
    })
    // A function ignores arguments that it does not take.
    return this.#functions[name]!(...numbers, now(), wallClock())
  }

  // ── What a function has left ───────────────────────────────────────────────────────────────────────────────

  /** When the core is to be called, in ms of {@link now}; `Infinity` if there is no need. */
  get deadline(): number {
    return this.#current.getFloat64(this.#block + DEADLINE, true)
  }

  get hasItems(): boolean {
    return this.#number(HAS_ITEMS) !== 0
  }

  /** What {@link nextOutput} has, and when that is to be done: {@link NOTHING}, {@link MAY_GATHER} or now. */
  get work(): number {
    return this.#number(WORK)
  }

  get numbers(): { revision: number; reasons: number } {
    return { revision: this.#number(REVISION), reasons: this.#number(REASONS) }
  }

  get kind(): number {
    return this.#number(KIND)
  }

  get a(): number {
    return this.#number(A)
  }

  get b(): number {
    return this.#number(B)
  }

  /** The text; `undefined` if there is none. */
  get text(): string | undefined {
    const bytes = this.bytes
    return bytes === undefined ? undefined : (readAscii(bytes) ?? decoder.decode(bytes))
  }

  /** The bytes of the text. They are only there until the next call. */
  get bytes(): Uint8Array | undefined {
    const at = this.#number(TEXT)
    return at === 0 ? undefined : this.#bytes.subarray(at, at + this.size)
  }

  /** How many there are. */
  get size(): number {
    return this.#number(LENGTH)
  }

  /** The text, which is a part of this message. */
  partOf(message: string): string {
    return message.slice(this.#number(BEFORE), message.length - this.#number(AFTER))
  }

  #number(at: number): number {
    return this.#current.getUint32(this.#block + at, true)
  }

  /** The memory moves when it grows. */
  get #current(): DataView {
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#memory.buffer)
      this.#view = new DataView(this.#memory.buffer)
    }
    return this.#view
  }

  // ── Texts for a function ───────────────────────────────────────────────────────────────────────────────────

  /** Writes a text to the room, and returns its length in bytes. */
  write(text: string): number {
    const { length } = text
    if (length <= TINY && writeAscii(text, this.#roomForShort())) return length
    // Most long texts are ASCII: room for three times their length would be wasted.
    const { read, written } = encoder.encodeInto(text, length > SHORT ? this.#makeRoom(length) : this.#roomForShort())
    return read === length ? written : encoder.encodeInto(text, this.#makeRoom(length * MOST_BYTES)).written
  }

  /** Writes two texts, one after the other. */
  writeTwo(first: string, second: string): [first: number, second: number] {
    const both = first + second
    if (this.write(both) === both.length) return [first.length, second.length]
    const room = this.#makeRoom(both.length * MOST_BYTES)
    const { written } = encoder.encodeInto(first, room)
    return [written, encoder.encodeInto(second, room.subarray(written)).written]
  }

  /** Writes bytes to the room. */
  writeBytes(...parts: readonly Uint8Array[]): void {
    const room = this.#makeRoom(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      room.set(part, at)
      at += part.length
    }
  }

  #roomForShort(): Uint8Array {
    if (this.#room.length === 0) this.#room = this.#makeRoom(SHORT * MOST_BYTES)
    return this.#room
  }

  /** Room for one text, or for some. It is the only room then. */
  #makeRoom(bytes: number): Uint8Array {
    this.#room = NO_BYTES
    const at = this.#functions[NAMES.room]!(bytes)
    void this.#current
    return this.#bytes.subarray(at, at + bytes)
  }
}

/** Writes a text if it is ASCII. Calling the encoder of a browser takes longer than this for a short text. */
function writeAscii(text: string, room: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 127) return false
    room[at] = code
  }
  return true
}

/** Reads a short text if it is ASCII. */
function readAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length > TINY) return undefined
  const text = String.fromCharCode.apply(null, bytes as unknown as number[])
  return NOT_ASCII.test(text) ? undefined : text
}

const NOT_ASCII = /[^\0-\x7f]/
/** Units. */
const TINY = 256
/** Bytes of UTF-8 that a unit of a JavaScript string takes at most. */
const MOST_BYTES = 3
/** Units. A shorter text gets room for whatever it is, which stays: the core takes none of so few bytes along. */
const SHORT = 16 * 1024

/** Where the numbers of the block are, in bytes. */
const DEADLINE = 0
const KIND = 8
const A = 12
const B = 16
const TEXT = 20
const LENGTH = 24
const HAS_ITEMS = 28
const BEFORE = 32
const AFTER = 36
const REVISION = 40
const REASONS = 44
const WORK = 48
