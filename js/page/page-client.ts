/**
 * The core's half of one client in a page: the core in its WebAssembly instance, or what stands in for it. If the core
 * breaks, which is a bug, its instance is not used again, and the client has failed; `connect()` makes another one.
 */
import { BROKEN, type Item, type NativeClient } from '../shared/client/binding.js'
import { ERROR_CODES } from '../shared/native-types.js'
import { Driver, type DriverOwner } from './driver.js'
import type { WasmModule } from './globals.js'
import type { ModuleSource } from './module.js'
import { checkOptions, checkUrls, type CheckedOptions } from './options.js'
import { StandIn, type StandInOwner } from './stand-in.js'

/** Who has items for the mailbox. */
export interface ItemSource {
  take(): Item | null
  readonly hasItems: boolean
}

/** What the mailbox does for its clients. */
export interface PageMailbox {
  /** This client has items. */
  note(client: ItemSource): void
  /** Has the items taken, now: in an event of the browser. */
  deliver(): void
  /** Has them taken in a task of its own. */
  deliverSoon(): void
  /** What waits for this client. */
  slotsOf(client: number): number[]
}

export class PageClient implements NativeClient, ItemSource, DriverOwner, StandInOwner {
  /** Its number in the mailbox. */
  readonly recipient: number
  readonly #source: ModuleSource
  readonly #mailbox: PageMailbox
  readonly #options: CheckedOptions
  /** Items that are not the core's. */
  readonly #items: Item[] = []
  #standIn: StandIn
  #core: Driver | undefined
  #isLoading = false

  /** @throws Error whose message is the JSON of an `OptionError` */
  constructor(source: ModuleSource, mailbox: PageMailbox, id: number, options: string) {
    this.recipient = id
    this.#source = source
    this.#mailbox = mailbox
    this.#options = checkOptions(options)
    this.#standIn = new StandIn(this, this.#url, { revision: 0, reasons: 0 })
    this.load()
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────

  /** From 1 upwards. */
  id(): number {
    return this.recipient + 1
  }

  number(): number {
    return this.recipient
  }

  requestTimeout(): number {
    return this.#options.requestTimeout
  }

  connect(slot: number): string {
    return this.#do(
      (core) => core.connect(slot),
      (standIn) => standIn.connect(slot),
      (standIn) => standIn.snapshot(),
    )
  }

  reconnect(slot: number): string {
    return this.#do(
      (core) => core.reconnect(slot),
      (standIn) => standIn.reconnect(slot),
      (standIn) => standIn.snapshot(),
    )
  }

  authenticate(token: string | null, slot: number): string {
    return this.#do(
      (core) => core.authenticate(token, slot),
      (standIn) => standIn.authenticate(token, slot),
      (standIn) => standIn.snapshot(),
    )
  }

  close(code: number, reason: string, drain: number, slot: number): string {
    return this.#do(
      (core) => core.close(code, reason, drain, slot),
      (standIn) => standIn.close(code, reason, drain, slot),
      (standIn) => standIn.snapshot(),
    )
  }

  /** Returns as `request` of the addon does. */
  request(slot: number, name: string, parameters: string, timeout: number, flags: number): number | string {
    return this.#do(
      (core) => core.request(slot, name, parameters, timeout, flags),
      (standIn) => standIn.request(slot, name, parameters, timeout, flags),
      () => NO_KEY,
    )
  }

  tools(timeout: number, flags: number, slot: number): number | string {
    return this.#do(
      (core) => core.tools(slot, timeout, flags),
      (standIn) => standIn.tools(slot, timeout, flags),
      () => NO_KEY,
    )
  }

  /** Returns as `flush` of the addon does. */
  flush(): boolean {
    return this.#do(
      (core) => core.flush(),
      () => this.#items.length > 0,
    )
  }

  abort(key: number): boolean {
    return (
      this.#standIn.abort(key) ||
      this.#do(
        (core) => core.abort(this.#standIn.keyOf(key)),
        () => false,
      )
    )
  }

  discardResults(slot: number): void {
    this.#do(
      (core) => core.discardResults(slot),
      () => {},
    )
  }

  sendToolRequest(name: string, parameters: string): string | null {
    return this.#do(
      (core) => core.sendToolRequest(name, parameters),
      () => null,
    )
  }

  send(text: string): boolean {
    return this.#do(
      (core) => core.send(text),
      () => false,
    )
  }

  answerToken(connection: number, token: string, expiresAt: number | null): void {
    this.#do(
      (core) => core.answerToken(connection, token, expiresAt),
      () => {},
    )
  }

  failToken(connection: number, thrown: string): void {
    this.#do(
      (core) => core.failToken(connection, thrown),
      () => {},
    )
  }

  answerUrls(asked: number, urls: string[]): boolean {
    checkUrls(urls)
    return this.#do(
      (core) => core.answerUrls(asked, urls),
      () => false,
    )
  }

  failUrls(asked: number, thrown: string): void {
    this.#do(
      (core) => core.failUrls(asked, thrown),
      () => {},
    )
  }

  openTold(): void {
    this.#do(
      (core) => core.openTold(),
      () => {},
    )
  }

  setInterest(interest: number): void {
    this.#doOrLater((core) => core.setInterest(interest))
  }

  warn(message: string): void {
    this.#doOrLater((core) => core.warn(message))
  }

  snapshot(): string {
    return this.#do(
      (core) => core.snapshot(),
      (standIn) => standIn.snapshot(),
    )
  }

  stats(): string {
    return this.#do(
      (core) => core.stats(),
      (standIn) => standIn.stats(),
    )
  }

  dump(): string {
    return this.#do(
      (core) => core.dump(),
      (standIn) => standIn.dump(this.id()),
    )
  }

  bufferedAmount(): number {
    return this.#do(
      (core) => core.bufferedAmount(),
      () => 0,
    )
  }

  endpoint(): number {
    return this.#do(
      (core) => core.endpoint(),
      () => 0,
    )
  }

  /** There is no other thread. */
  awaitCommit(): void {}

  /** A page has no proxy function, and the core has all that it needs: nothing of these is ever asked for. */
  answerProxy(): void {}
  resume(): void {}
  answerRoots(): void {}

  // ── For the mailbox ────────────────────────────────────────────────────────────────────────────────────────

  take(): Item | null {
    const item =
      this.#items.shift() ??
      this.#do(
        (core) => core.take(),
        () => null,
      )
    if (item !== null) item[4] = this.hasItems
    return item
  }

  get hasItems(): boolean {
    return this.#items.length > 0 || this.#core?.hasItems === true
  }

  // ── For the core, and what stands in for it ────────────────────────────────────────────────────────────────

  itemsCame(): void {
    this.#mailbox.note(this)
    this.#mailbox.deliver()
  }

  itemsWait(isNobodyLooking: boolean): void {
    this.#mailbox.note(this)
    if (isNobodyLooking) this.#mailbox.deliverSoon()
  }

  broke(thrown: unknown): void {
    const core = this.#core
    if (core === undefined) return
    const slots = this.#mailbox.slotsOf(this.recipient)
    this.#core = undefined
    core.end()
    this.#standIn = new StandIn(this, this.#url, core.numbers, 'ready')
    const { message, retryable } = ERROR_CODES.INTERNAL_ERROR
    const words = `${message}: the WebAssembly core broke (${wordsOf(core.lastWords, thrown)}); please report it`
    const error = this.#standIn.fail('INTERNAL_ERROR', words, retryable)
    this.tell([BROKEN, this.recipient, 0, JSON.stringify({ error, slots }), false])
  }

  tell(item: Item): void {
    this.#items.push(item)
    this.itemsWait(true)
  }

  /** Gets the core, now or later. */
  load(): void {
    if (this.#isLoading || this.#core !== undefined) return
    if (this.#source.module !== undefined) return this.#begin(this.#source.module)
    this.#isLoading = true
    void this.#source.load().then(
      (module) => this.#arrived(() => this.#begin(module)),
      (error: unknown) => this.#arrived(() => this.#hasNoCore(error)),
    )
  }

  #arrived(act: () => void): void {
    this.#isLoading = false
    act()
  }

  #begin(module: WasmModule): void {
    try {
      this.#core = new Driver(module, this.#options, this.#standIn.beginning, this)
      this.#standIn.hand(this.#core)
      this.#core.settle()
      if (this.hasItems) this.itemsWait(true)
    } catch (error) {
      this.#core?.end()
      this.#core = undefined
      this.#hasNoCore(error)
    }
  }

  #hasNoCore(error: unknown): void {
    this.#standIn.fail('CONNECT_FAILED', `no client can be made here: ${(error as Error).message}`, false)
  }

  /** @param whenBroken what is done if the core breaks in this; the slot, if there is one, is settled then */
  #do<T>(withCore: (core: Driver) => T, without: (standIn: StandIn) => T, whenBroken = without): T {
    if (this.#core === undefined) return without(this.#standIn)
    try {
      return withCore(this.#core)
    } catch (thrown) {
      this.broke(thrown)
      return whenBroken(this.#standIn)
    }
  }

  #doOrLater(act: (core: Driver) => void): void {
    this.#do(act, (standIn) => standIn.later(act))
  }

  /** As the core will show it. */
  get #url(): string {
    return this.#options.urls?.[0]?.split('?')[0] ?? ''
  }
}

/** What a panic said, or else what WebAssembly says of it. */
function wordsOf(lastWords: string, thrown: unknown): string {
  return lastWords === '' ? String((thrown as Error).message) : lastWords
}

/** Of a call that cannot be aborted any more. */
const NO_KEY = 0
