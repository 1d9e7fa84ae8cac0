/**
 * The WebAssembly instance of one client: its functions, and the texts in its memory. crates/page/src/border.rs
 * describes them.
 */
import { now, wallClock, WebAssembly, type WasmModule } from './globals.js'
import { decoder, encoder } from './utf8.js'

/** What the module exports. Times are the last two arguments where there are any. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  block(): number
  room(bytes: number): number
  create(
    id: number,
    numbers: number,
    token: number,
    urls: number,
    revision: number,
    reasons: number,
    mono: number,
    wall: number,
  ): void
  connect(slot: number, mono: number, wall: number): void
  reconnect(slot: number, mono: number, wall: number): void
  authenticate(token: number, slot: number, mono: number, wall: number): void
  close(code: number, reason: number, drain: number, slot: number, mono: number, wall: number): void
  request(
    slot: number,
    name: number,
    parameters: number,
    timeout: number,
    flags: number,
    mono: number,
    wall: number,
  ): number
  tools(slot: number, timeout: number, flags: number, mono: number, wall: number): number
  abort(key: number, mono: number, wall: number): number
  discard_results(slot: number): void
  send_tool_request(name: number, parameters: number, mono: number, wall: number): number
  send(text: number, mono: number, wall: number): number
  answer_token(connection: number, token: number, ends: number, expiresAt: number, mono: number, wall: number): void
  fail_token(connection: number, thrown: number, mono: number, wall: number): void
  answer_urls(asked: number, urls: number, mono: number, wall: number): number
  fail_urls(asked: number, thrown: number, mono: number, wall: number): void
  open_told(mono: number, wall: number): void
  set_interest(interest: number): void
  warn(message: number): void
  snapshot(): void
  stats(): void
  dump(): void
  buffered_amount(): number
  endpoint(): number
  take_refused(): number
  opened(connection: number, mono: number, wall: number): void
  dial_failed(connection: number, kind: number, words: number, mono: number, wall: number): void
  sent(connection: number): void
  set_backlog(bytes: number): void
  text_message(connection: number, length: number, mono: number, wall: number): void
  binary_message(connection: number, length: number, mono: number, wall: number): void
  closed(connection: number, code: number, reason: number, wasClean: number, mono: number, wall: number): void
  timeout(mono: number, wall: number): void
  network_changed(mono: number, wall: number): void
  next_output(): number
  take_item(): number
}

/** Where the numbers of the block are, in bytes. */
const BLOCK = {
  deadline: 0,
  kind: 8,
  a: 12,
  b: 16,
  text: 20,
  length: 24,
  hasItems: 28,
  revision: 32,
  reasons: 36,
} as const

export class Instance {
  readonly exports: Exports
  readonly #block: number
  #bytes = new Uint8Array()
  #view = new DataView(new ArrayBuffer(0))

  constructor(module: WasmModule) {
    this.exports = new WebAssembly!.Instance(module).exports as unknown as Exports
    this.#block = this.exports.block()
  }

  // ── What a function has left ───────────────────────────────────────────────────────────────────────────────

  /** When the core is to be called, in ms of {@link now}; `Infinity` if there is no need. */
  get deadline(): number {
    return this.#memory.getFloat64(this.#block + BLOCK.deadline, true)
  }

  get hasItems(): boolean {
    return this.#number(BLOCK.hasItems) !== 0
  }

  get numbers(): { revision: number; reasons: number } {
    return { revision: this.#number(BLOCK.revision), reasons: this.#number(BLOCK.reasons) }
  }

  /** What a panic said. Memory can be read when no function may be called any more. */
  get lastWords(): string {
    return ''
  }

  get kind(): number {
    return this.#number(BLOCK.kind)
  }

  get a(): number {
    return this.#number(BLOCK.a)
  }

  get b(): number {
    return this.#number(BLOCK.b)
  }

  /** The text; `undefined` if there is none. */
  get text(): string | undefined {
    const bytes = this.bytes
    return bytes === undefined ? undefined : decoder.decode(bytes)
  }

  /** The bytes of the text. They are only there until the next call. */
  get bytes(): Uint8Array | undefined {
    const at = this.#number(BLOCK.text)
    if (at === 0) return undefined
    const length = this.#number(BLOCK.length)
    return this.#bytes.subarray(at, at + length)
  }

  #number(at: number): number {
    return this.#memory.getUint32(this.#block + at, true)
  }

  /** The memory moves when it grows. */
  get #memory(): DataView {
    if (this.#view.buffer !== this.exports.memory.buffer) {
      this.#view = new DataView(this.exports.memory.buffer)
      this.#bytes = new Uint8Array(this.exports.memory.buffer)
    }
    return this.#view
  }

  // ── Texts for a function ───────────────────────────────────────────────────────────────────────────────────

  /** Writes a text to the room, and returns its length in bytes. */
  write(text: string): number {
    if (text.length > SHORT) return this.#writeLong(text)
    const at = this.exports.room(text.length * MOST_BYTES)
    return this.#encode(text, at, text.length * MOST_BYTES).written
  }

  /** Writes two texts, one after the other. */
  writeTwo(first: string, second: string): [first: number, second: number] {
    const room = (first.length + second.length) * MOST_BYTES
    const at = this.exports.room(room)
    const one = this.#encode(first, at, room).written
    return [one, this.#encode(second, at + one, room - one).written]
  }

  /** Writes bytes to the room. */
  writeBytes(...parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    let at = this.exports.room(length)
    void this.#memory
    for (const part of parts) {
      this.#bytes.set(part, at)
      at += part.length
    }
  }

  /** Most long texts are ASCII: room for three times their length would be wasted. */
  #writeLong(text: string): number {
    const { read, written } = this.#encode(text, this.exports.room(text.length), text.length)
    if (read === text.length) return written
    const room = text.length * MOST_BYTES
    return this.#encode(text, this.exports.room(room), room).written
  }

  #encode(text: string, at: number, room: number): { read: number; written: number } {
    void this.#memory
    return encoder.encodeInto(text, this.#bytes.subarray(at, at + room))
  }
}

/** Both clocks, as arguments of a function. */
export function times(): [mono: number, wall: number] {
  return [now(), wallClock()]
}

/** Bytes of UTF-8 that a unit of a JavaScript string takes at most. */
const MOST_BYTES = 3
/** Units. A shorter text gets room for whatever it is. */
const SHORT = 16 * 1024
