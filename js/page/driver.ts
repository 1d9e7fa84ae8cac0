/**
 * What the core of one client needs of the page: sockets, one timer, the news that the page has woken up. It does what
 * the core says, and knows no rule.
 */
import type { Item } from '../shared/client/binding.js'
import * as ITEM from '../shared/client/item.js'
import type { CheckedOptions } from './options.js'
import * as NAMES from './exports.js'
import { Instance, MAY_GATHER, NOTHING, type Rare } from './instance.js'
import { Sockets, type SocketListener } from './sockets.js'
import { cancel, crypto, now, wallClock, type WasmModule } from './globals.js'
import { watchPage } from './page-events.js'
import type { FlightRecorder } from './recorder.js'
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
  readonly #recorder: FlightRecorder
  /** An item that the core has given without being asked. It comes before those that the core has. */
  #given: Item | undefined
  #stopWatching: (() => void) | undefined
  #timer: unknown
  /** When the timer fires. */
  #armed = Infinity
  /** Something was sent since the core was told last what sockets keep; and whether that was anything. */
  #hasSent = false
  #hasBacklog = false
  /** When the newest call was made, and when the newest message came. What is no call waits for no burst. */
  #calledAt = 0
  #heardAt = NEVER
  /** Texts wait for a turn of their own, which comes. */
  #willGather = false
  #hasEnded = false

  constructor(
    module: WasmModule,
    options: CheckedOptions,
    beginning: Numbers,
    owner: DriverOwner,
    recorder: FlightRecorder,
  ) {
    this.#owner = owner
    this.#recorder = recorder
    this.#core = new Instance(module, recorder)
    this.#sockets = new Sockets(options.protocols, this)
    this.#create(options, beginning)
  }

  #create({ numbers, token, urls }: CheckedOptions, { revision, reasons }: Numbers): void {
    const seed = crypto.getRandomValues(new Uint8Array(32))
    const [key, list] = [encoder.encode(token), encoder.encode(linesOf(urls ?? []))]
    this.#core.writeBytes(seed, new Uint8Array(Float64Array.from(numbers).buffer), key, list)
    this.#core.call(NAMES.create, this.#owner.id(), numbers.length, key.length, list.length, revision, reasons)
  }

  // ── Commands. They may throw if the core breaks. ───────────────────────────────────────────────────────────

  connect(slot: number): string {
    return this.#command(NAMES.connect, slot)
  }

  reconnect(slot: number): string {
    return this.#command(NAMES.reconnect, slot)
  }

  authenticate(token: string | null, slot: number): string {
    return this.#command(NAMES.authenticate, token ?? -1, slot)
  }

  close(code: number, reason: string, drain: number, slot: number): string {
    return this.#command(NAMES.close, code, reason, drain, slot)
  }

  request(slot: number, name: string, parameters: string, timeout: number, flags: number): number | string {
    const core = this.#core
    this.#noteBacklog()
    const [one, two] = core.writeTwo(name, parameters)
    const [mono, wall] = [now(), wallClock()]
    this.#calledAt = mono
    this.#recorder.noteText('call', 0, one + two, mono, wall)
    const key = core.request(slot, one, two, timeout, flags, mono, wall)
    return key < 0 ? core.text! : key
  }

  tools(timeout: number, flags: number, slot: number): number | string {
    const key = this.#core.call(NAMES.tools, slot, timeout, flags)
    const result = key < 0 ? this.#core.text! : key
    this.settle()
    return result
  }

  /** Sends the calls of a turn, or gathers those of a burst. Returns whether there are items, such as refusals. */
  flush(): boolean {
    const isOfBurst = this.#calledAt - this.#heardAt < BURST
    if (isOfBurst && this.#core.work === MAY_GATHER) this.#gather()
    else this.#settle()
    return this.#tellOfItems()
  }

  abort(key: number): boolean {
    const isAborted = this.#core.call(NAMES.abort, key) !== 0
    this.settle()
    return isAborted
  }

  discardResults(slot: number): void {
    this.#core.call(NAMES.discard_results, slot)
  }

  sendToolRequest(name: string, parameters: string): string | null {
    this.#noteBacklog()
    this.#heardAt = NEVER
    return this.#core.call(NAMES.send_tool_request, name, parameters) === 0 ? null : this.#core.text!
  }

  send(text: string): boolean {
    this.#noteBacklog()
    this.#heardAt = NEVER
    return this.#core.call(NAMES.send, text) !== 0
  }

  answerToken(connection: number, token: string, expiresAt: number | null): void {
    this.#answer(NAMES.answer_token, connection, token, expiresAt === null ? 0 : 1, expiresAt ?? 0)
  }

  failToken(connection: number, thrown: string): void {
    this.#answer(NAMES.fail_token, connection, thrown)
  }

  /** The urls were checked. False if they are not asked for any more. */
  answerUrls(asked: number, urls: readonly string[]): boolean {
    return this.#answer(NAMES.answer_urls, asked, linesOf(urls)) !== 0
  }

  failUrls(asked: number, thrown: string): void {
    this.#answer(NAMES.fail_urls, asked, thrown)
  }

  openTold(): void {
    this.#answer(NAMES.open_told)
  }

  setInterest(interest: number): void {
    this.#core.call(NAMES.set_interest, interest)
  }

  warn(message: string): void {
    this.#answer(NAMES.warn, message)
  }

  snapshot(): string {
    return this.#textOf(NAMES.snapshot)
  }

  stats(): string {
    return this.#textOf(NAMES.stats)
  }

  bufferedAmount(): number {
    this.#noteBacklog()
    return this.#core.call(NAMES.buffered_amount)
  }

  endpoint(): number {
    return this.#core.call(NAMES.endpoint)
  }

  /** The next item for the mailbox. */
  take(): Item | null {
    const given = this.#given
    this.#given = undefined
    return given ?? (this.#core.takeItem() === 0 ? null : this.#shownItem())
  }

  get hasItems(): boolean {
    return this.#given !== undefined || this.#core.hasItems
  }

  /** The numbers of the client; also of a core that has broken. */
  get numbers(): Numbers {
    return this.#core.numbers
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
    this.#event(NAMES.opened, connection)
  }

  textCame(connection: number, text: string): void {
    this.#handle((core) => {
      const [size, mono, wall] = [core.write(text), now(), wallClock()]
      this.#heardAt = mono
      this.#recorder.noteText('received', connection, size, mono, wall)
      // While another client is busy, that of an earlier message may not be taken yet.
      const mayTake = this.#given === undefined
      if (core.textMessage(connection, size, mayTake, mono, wall) !== 0) this.#given = this.#shownItem(text)
      if (core.work > (this.#willGather ? MAY_GATHER : NOTHING)) this.#settle()
      else this.#rest()
    })
  }

  bytesCame(connection: number, bytes: ArrayBuffer): void {
    const text = textIn(new Uint8Array(bytes))
    if (text !== undefined) return this.textCame(connection, text)
    this.#event(NAMES.binary_message, connection, bytes.byteLength)
  }

  closed(connection: number, code: number, reason: string, wasClean: boolean): void {
    this.#event(NAMES.closed, connection, code, reason, wasClean ? 1 : 0)
  }

  dialFailed(connection: number, kind: number, words: string): void {
    this.#event(NAMES.dial_failed, connection, kind, words)
  }

  #event<Name extends keyof Rare>(name: Name, ...args: Parameters<Rare[Name]>): void {
    this.#handle((core) => {
      core.call(name, ...args)
      this.#settle()
    })
  }

  /** Does something in a task of its own, and tells what is to be told then. */
  #handle(act: (core: Instance) => void): void {
    if (this.#hasEnded) return
    try {
      act(this.#core)
      if (this.hasItems) this.#owner.itemsCame()
    } catch (error) {
      this.#owner.broke(error)
    }
  }

  /** Has a command done, after what was accepted before was sent. Returns the snapshot that it has left. */
  #command<Name extends keyof Rare>(name: Name, ...args: Parameters<Rare[Name]>): string {
    this.#settle()
    const snapshot = this.#textOf(name, ...args)
    this.settle()
    return snapshot
  }

  /** Tells the core what user's code has answered: that is no event, and nobody looks for what it has led to. */
  #answer<Name extends keyof Rare>(name: Name, ...args: Parameters<Rare[Name]>): number {
    const returned = this.#core.call(name, ...args)
    this.#settle()
    if (this.hasItems) this.#owner.itemsWait(true)
    return returned
  }

  /** The text must be read before anything else. */
  #textOf<Name extends keyof Rare>(name: Name, ...args: Parameters<Rare[Name]>): string {
    this.#core.call(name, ...args)
    return this.#core.text!
  }

  /** What a command has led to. Whoever calls sees to it that items are taken. */
  settle(): void {
    this.#settle()
    this.#tellOfItems()
  }

  #tellOfItems(): boolean {
    const { hasItems } = this
    if (hasItems) this.#owner.itemsWait(false)
    return hasItems
  }

  /** Texts are sent in a turn of their own: a browser takes less time for those that follow one another. */
  #gather(): void {
    if (this.#willGather) return
    this.#willGather = true
    nextTurn(() => {
      this.#willGather = false
      this.#handle(() => this.#settle())
    })
  }

  /** The item that the core shows, whose text may be a part of this message. */
  #shownItem(message?: string): Item {
    const core = this.#core
    const { kind } = core
    let payload = kind === ITEM.BYTES ? core.bytes?.slice() : message === undefined ? core.text : core.partOf(message)
    if (kind === ITEM.NOTICE) payload = this.#recorder.noteNotice(payload as string)
    else if (kind === ITEM.FAILED) this.#recorder.noteFailure(payload as string)
    else if (kind === ITEM.ASK_TOKEN) this.#recorder.note('askToken', { connection: core.b })
    else if (kind === ITEM.ASK_URLS) this.#recorder.note('askUrls', { connection: core.b })
    // The others are about the client.
    const isOfSlot = kind < ITEM.NOTICE
    return [kind, isOfSlot ? core.a : this.#owner.recipient, core.b, payload, core.hasItems]
  }

  /** Does what the core asks of the sockets. */
  #settle(): void {
    const core = this.#core
    let wasSent = false
    for (let kind = core.nextOutput(wasSent); kind !== 0; kind = core.nextOutput(wasSent)) wasSent = this.#perform(kind)
    this.#rest()
  }

  /** Sets the timer. */
  #rest(): void {
    this.#arm()
    this.#watch(this.#armed < Infinity || this.#sockets.areSome)
  }

  /** Returns whether a text was given to its socket. */
  #perform(kind: number): boolean {
    const core = this.#core
    const { a: connection, b: code } = core
    switch (kind) {
      case SEND:
        this.#recorder.noteText('sent', connection, core.size, now(), wallClock())
        this.#hasSent = true
        return this.#sockets.send(connection, core.text!)
      case DIAL:
        this.#recorder.note('dial', { connection })
        this.#sockets.dial(connection, core.text!)
        break
      case CLOSE:
        this.#recorder.note('closeFrame', { connection, code })
        this.#sockets.close(connection, code, core.text!)
        break
      case DROP:
        this.#recorder.note('drop', { connection, code })
        this.#sockets.drop(connection, code)
    }
    return false
  }

  /** Tells the core what the sockets still have to send: they take everything, and only the core knows a limit. */
  #noteBacklog(): void {
    if (!this.#hasSent && !this.#hasBacklog) return
    this.#hasSent = false
    const bytes = this.#sockets.bufferedAmount
    if (bytes === 0 && !this.#hasBacklog) return
    this.#hasBacklog = bytes > 0
    this.#core.setBacklog(bytes)
  }

  /** Only while there is something to wake up for: else the page would hold the client for ever. */
  #watch(isNeeded: boolean): void {
    if (isNeeded === (this.#stopWatching !== undefined)) return
    this.#stopWatching?.()
    this.#stopWatching = isNeeded ? watchPage(() => this.#event(NAMES.network_changed)) : undefined
  }

  /**
   * The one timer sleeps until the core wants to be called. One that is no longer needed stays while there are sockets:
   * the next call would need another one. The core ignores a call that is too early.
   */
  #arm(): void {
    const { deadline } = this.#core
    if (deadline === Infinity && !this.#sockets.areSome) return this.#disarm()
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
      this.#event(NAMES.timeout)
    })
  }
}

/** Each ended by a line break. */
function linesOf(urls: readonly string[]): string {
  return urls.map((url) => `${url}\n`).join('')
}

/** ms. A call that is made so soon after a message may follow from it, and others from messages that came with it. */
const BURST = 1

const NEVER = -Infinity

/** Kinds of outputs (crates/page/src/border.rs). */
const DIAL = 1
const SEND = 2
const CLOSE = 3
const DROP = 4
