/**
 * What the core of one client needs of the page: sockets, one timer, the news that the page has woken up. It does what
 * the core says, and knows no rule.
 */
import type { Item } from '../shared/client/binding.js'
import { ITEM } from '../shared/client/binding-constants.js'
import type { CheckedOptions } from './options.js'
import { Instance, times } from './instance.js'
import { Sockets, type SocketListener } from './sockets.js'
import { cancel, crypto, now, wallClock, type WasmModule } from './globals.js'
import { watchPage } from './page-events.js'
import { nextTurn, sleep } from './turns.js'
import { encoder, textIn } from './utf8.js'

/** Whose driver it is. */
export interface DriverOwner {
  /** Its number in the mailbox. */
  readonly recipient: number
  /** The id that users see. */
  id(): number
  /** There are items to take, at the end of an event of the browser. */
  itemsCame(): void
  /** There are items to take, which a command or an answer of the user's code has led to. */
  itemsWait(isNobodyLooking: boolean): void
  /** The core has broken: the driver has ended. */
  broke(error: unknown): void
}

/** The numbers of a client that only ever increase, whichever core it has. */
export interface Numbers {
  readonly revision: number
  readonly reasons: number
}

export class Driver implements SocketListener {
  readonly #owner: DriverOwner
  readonly #core: Instance
  readonly #sockets: Sockets
  #stopWatching: (() => void) | undefined
  #timer: unknown
  /** When the timer fires. */
  #armed = Infinity
  /** What the core was told last of the bytes that sockets keep. */
  #backlog = 0
  #hasEnded = false

  constructor(module: WasmModule, options: CheckedOptions, beginning: Numbers, owner: DriverOwner) {
    this.#owner = owner
    this.#core = new Instance(module)
    this.#sockets = new Sockets(options.protocols, this)
    this.#create(options, beginning)
  }

  #create({ numbers, token, urls }: CheckedOptions, { revision, reasons }: Numbers): void {
    const seed = new Uint8Array(32)
    crypto.getRandomValues(seed)
    const [key, list] = [token, (urls ?? []).map((url) => `${url}\n`).join('')].map((text) => encoder.encode(text))
    this.#core.writeBytes(seed, new Uint8Array(Float64Array.from(numbers).buffer), key!, list!)
    this.#core.exports.create(
      this.#owner.id(),
      numbers.length,
      key!.length,
      list!.length,
      revision,
      reasons,
      ...times(),
    )
  }

  // ── Commands. They may throw if the core breaks. ───────────────────────────────────────────────────────────

  connect(slot: number): string {
    this.#core.exports.connect(slot, ...times())
    return this.#afterCommand()
  }

  reconnect(slot: number): string {
    this.#core.exports.reconnect(slot, ...times())
    return this.#afterCommand()
  }

  authenticate(token: string | null, slot: number): string {
    this.#core.exports.authenticate(token === null ? -1 : this.#core.write(token), slot, ...times())
    return this.#afterCommand()
  }

  close(code: number, reason: string, drain: number, slot: number): string {
    this.#core.exports.close(code, this.#core.write(reason), drain, slot, ...times())
    return this.#afterCommand()
  }

  request(slot: number, name: string, parameters: string, timeout: number, flags: number): number | string {
    const core = this.#core
    this.#noteBacklog()
    const [one, two] = core.writeTwo(name, parameters)
    const key = core.exports.request(slot, one, two, timeout, flags, now(), wallClock())
    return key < 0 ? core.text! : key
  }

  tools(slot: number, timeout: number, flags: number): number | string {
    const key = this.#core.exports.tools(slot, timeout, flags, ...times())
    const result = key < 0 ? this.#core.text! : key
    this.settle()
    return result
  }

  /** Sends what waits. Returns whether a call was refused since the last time. */
  flush(): boolean {
    this.settle()
    return this.#core.exports.take_refused() !== 0
  }

  abort(key: number): boolean {
    const isAborted = this.#core.exports.abort(key, ...times()) !== 0
    this.settle()
    return isAborted
  }

  discardResults(slot: number): void {
    this.#core.exports.discard_results(slot)
  }

  sendToolRequest(name: string, parameters: string): string | null {
    this.#noteBacklog()
    const isSent = this.#core.exports.send_tool_request(...this.#core.writeTwo(name, parameters), ...times())
    return isSent === 0 ? null : this.#core.text!
  }

  send(text: string): boolean {
    this.#noteBacklog()
    return this.#core.exports.send(this.#core.write(text), ...times()) !== 0
  }

  answerToken(connection: number, token: string, expiresAt: number | null): void {
    const length = this.#core.write(token)
    this.#core.exports.answer_token(connection, length, expiresAt === null ? 0 : 1, expiresAt ?? 0, ...times())
    this.#afterAnswer()
  }

  failToken(connection: number, thrown: string): void {
    this.#core.exports.fail_token(connection, this.#core.write(thrown), ...times())
    this.#afterAnswer()
  }

  /** The urls were checked. False if they are not asked for any more. */
  answerUrls(asked: number, urls: readonly string[]): boolean {
    const length = this.#core.write(urls.map((url) => `${url}\n`).join(''))
    const isAccepted = this.#core.exports.answer_urls(asked, length, ...times()) === 1
    this.#afterAnswer()
    return isAccepted
  }

  failUrls(asked: number, thrown: string): void {
    this.#core.exports.fail_urls(asked, this.#core.write(thrown), ...times())
    this.#afterAnswer()
  }

  openTold(): void {
    this.#core.exports.open_told(...times())
    this.#afterAnswer()
  }

  setInterest(interest: number): void {
    this.#core.exports.set_interest(interest)
  }

  warn(message: string): void {
    this.#core.exports.warn(this.#core.write(message))
    this.#afterAnswer()
  }

  snapshot(): string {
    this.#core.exports.snapshot()
    return this.#core.text!
  }

  stats(): string {
    this.#core.exports.stats()
    return this.#core.text!
  }

  dump(): string {
    this.#core.exports.dump()
    return this.#core.text!
  }

  bufferedAmount(): number {
    this.#noteBacklog()
    return this.#core.exports.buffered_amount()
  }

  endpoint(): number {
    return this.#core.exports.endpoint()
  }

  /** The next item for the mailbox. */
  take(): Item | null {
    const core = this.#core
    if (core.exports.take_item() === 0) return null
    const { kind, hasItems } = core
    const payload = kind === ITEM.BYTES ? core.bytes?.slice() : core.text
    return [kind, OF_CLIENTS.has(kind) ? this.#owner.recipient : core.a, core.b, payload, hasItems]
  }

  get hasItems(): boolean {
    return this.#core.hasItems
  }

  /** The numbers of the client; also of a core that has broken. */
  get numbers(): Numbers {
    return this.#core.numbers
  }

  /** What the core said when it broke. */
  get lastWords(): string {
    return this.#core.lastWords
  }

  /** Lets everything go. */
  end(): void {
    this.#hasEnded = true
    this.#disarm()
    this.#watch(false)
    this.#sockets.dropAll()
  }

  // ── From the page ──────────────────────────────────────────────────────────────────────────────────────────

  opened(connection: number): void {
    this.#event(() => this.#core.exports.opened(connection, ...times()))
  }

  textCame(connection: number, text: string): void {
    this.#event(() => this.#core.exports.text_message(connection, this.#core.write(text), now(), wallClock()))
  }

  bytesCame(connection: number, bytes: ArrayBuffer): void {
    const text = textIn(new Uint8Array(bytes))
    if (text !== undefined) return this.textCame(connection, text)
    this.#event(() => this.#core.exports.binary_message(connection, bytes.byteLength, ...times()))
  }

  closed(connection: number, code: number, reason: string, wasClean: boolean): void {
    this.#event(() => {
      this.#core.exports.closed(connection, code, this.#core.write(reason), wasClean ? 1 : 0, ...times())
    })
  }

  dialFailed(connection: number, kind: number, words: string): void {
    this.#event(() => this.#core.exports.dial_failed(connection, kind, this.#core.write(words), ...times()))
  }

  /** Lets the core handle an event, does what follows, and tells what is to be told. */
  #event(act: () => void): void {
    if (this.#hasEnded) return
    try {
      act()
      this.#settle()
      if (this.#core.hasItems) this.#owner.itemsCame()
    } catch (error) {
      this.#owner.broke(error)
    }
  }

  /** Shows the snapshot that a command has left. The text must be read before anything else. */
  #afterCommand(): string {
    const snapshot = this.#core.text!
    this.settle()
    return snapshot
  }

  /** What the user's functions answer is no event, and nobody looks for what it has led to. */
  #afterAnswer(): void {
    this.#settle()
    if (this.#core.hasItems) this.#owner.itemsWait(true)
  }

  /** What a command has led to. Whoever calls sees to it that items are taken. */
  settle(): void {
    this.#settle()
    if (this.#core.hasItems) this.#owner.itemsWait(false)
  }

  /** Does what the core asks of the sockets, and sets the timer. */
  #settle(): void {
    const core = this.#core
    for (let kind = core.exports.next_output(); kind !== 0; kind = core.exports.next_output()) {
      const connection = core.a
      switch (kind) {
        case OUTPUT.dial:
          this.#sockets.dial(connection, core.text!)
          break
        case OUTPUT.send:
          if (!this.#sockets.isOpen(connection)) break
          this.#sockets.send(connection, core.text!)
          core.exports.sent(connection)
          break
        case OUTPUT.close:
          this.#sockets.close(connection, core.b, core.text!)
          break
        case OUTPUT.drop:
          this.#sockets.drop(connection, core.b)
      }
    }
    this.#arm()
    this.#watch(this.#armed < Infinity || this.#sockets.areSome)
  }

  /** Tells the core what the sockets still have to send: they take everything, and only the core knows a limit. */
  #noteBacklog(): void {
    const bytes = this.#sockets.bufferedAmount
    if (bytes === this.#backlog) return
    this.#backlog = bytes
    this.#core.exports.set_backlog(bytes)
  }

  /** Only while there is something to wake up for: else the page would hold the client for ever. */
  #watch(isNeeded: boolean): void {
    if (isNeeded === (this.#stopWatching !== undefined)) return
    this.#stopWatching?.()
    this.#stopWatching = isNeeded
      ? watchPage(() => this.#event(() => this.#core.exports.network_changed(...times())))
      : undefined
  }

  /** The one timer sleeps until the core wants to be called. One that is no longer needed stays: it does no harm. */
  #arm(): void {
    const { deadline } = this.#core
    if (deadline === Infinity) return this.#disarm()
    if (deadline >= this.#armed) return
    cancel(this.#timer)
    this.#armed = deadline
    this.#timer = sleep(() => this.#wakeUp(), deadline - now())
  }

  #disarm(): void {
    if (this.#armed === Infinity) return
    cancel(this.#timer)
    this.#armed = Infinity
  }

  /** A timer that fires late may do so before messages that have come meanwhile: these are read first. */
  #wakeUp(): void {
    nextTurn(() => {
      this.#armed = Infinity
      this.#event(() => this.#core.exports.timeout(...times()))
    })
  }
}

/** Kinds of outputs (crates/page/src/border.rs). */
const OUTPUT = { dial: 1, send: 2, close: 3, drop: 4 } as const

/** Items that are about a client, and not about a slot. */
const OF_CLIENTS: ReadonlySet<number> = new Set([ITEM.NOTICE, ITEM.MESSAGE, ITEM.ASK_TOKEN, ITEM.ASK_URLS])
