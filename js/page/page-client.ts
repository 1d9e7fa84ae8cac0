/**
 * The core's half of one client in a page: the core in its WebAssembly instance, or what stands in for it. If the core
 * breaks, which is a bug, its instance is not used again, and the client has failed; `connect()` makes another one.
 */
import { BROKEN, type Item, type NativeClient } from '../shared/client/binding.js'
import { INTERNAL_ERROR, type Snapshot } from '../shared/native-types.js'
import { Driver, type DriverOwner } from './driver.js'
import type { WasmModule } from './globals.js'
import type { ModuleSource } from './module.js'
import { checkOptions, checkUrls, type CheckedOptions } from './options.js'
import { FlightRecorder } from './recorder.js'
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

/** What the core and its stand-in have under the same name as the client. Calls are apart: they come often. */
const SAME = [
  'connect',
  'reconnect',
  'authenticate',
  'close',
  'tools',
  'discardResults',
  'sendToolRequest',
  'send',
  'answerToken',
  'failToken',
  'failUrls',
  'openTold',
  'setInterest',
  'warn',
  'snapshot',
  'stats',
  'bufferedAmount',
  'endpoint',
] as const satisfies (keyof NativeClient & keyof Driver & keyof StandIn)[]

type Same = Pick<NativeClient, (typeof SAME)[number]>

type Core = Same & Pick<Driver, 'request' | 'flush' | 'take' | 'abort' | 'answerUrls'>

/** The methods of {@link SAME}, which are made below. */
const WithSame = class {} as unknown as abstract new () => Same

export class PageClient extends WithSame implements NativeClient, ItemSource, DriverOwner, StandInOwner {
  /** Its number in the mailbox. */
  readonly recipient: number
  readonly #source: ModuleSource
  readonly #mailbox: PageMailbox
  readonly #options: CheckedOptions
  /** Items that are not the core's. */
  readonly #items: Item[] = []
  readonly #recorder = new FlightRecorder()
  #standIn: StandIn
  #core: Driver | undefined
  #isLoading = false

  /** @throws TypeError or RangeError that names the option at fault */
  constructor(source: ModuleSource, mailbox: PageMailbox, id: number, options: string) {
    super()
    this.recipient = id
    this.#source = source
    this.#mailbox = mailbox
    this.#options = checkOptions(options)
    this.#standIn = new StandIn(this, this.#url, { revision: 0, reasons: 0 })
    this.load()
  }

  static {
    for (const name of SAME)
      Object.defineProperty(PageClient.prototype, name, {
        value(this: PageClient, ...args: unknown[]) {
          return this.#ask((core) => (core[name] as (...args: unknown[]) => unknown)(...args))
        },
      })
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────

  /** From 1 upwards. */
  id(): number {
    return this.recipient + 1
  }

  number(): this {
    return this
  }

  requestTimeout(): number {
    return this.#options.requestTimeout
  }

  /** Returns as `request` of the addon does. */
  request(slot: number, name: string, parameters: string, timeout: number, flags: number): number | string {
    return this.#ask((core) => core.request(slot, name, parameters, timeout, flags))
  }

  flush(): boolean {
    return this.#ask((core) => core.flush())
  }

  abort(key: number): boolean {
    return this.#standIn.abort(key) || this.#ask((core) => core.abort(this.#standIn.keyOf(key)))
  }

  answerUrls(asked: number, urls: string[]): boolean {
    checkUrls(urls)
    return this.#ask((core) => core.answerUrls(asked, urls))
  }

  dump(): string {
    const { url } = JSON.parse(this.snapshot()) as Snapshot
    return this.#recorder.record(this.id(), url)
  }

  /** There is no other thread. */
  awaitCommit(): void {}

  // ── For the mailbox ────────────────────────────────────────────────────────────────────────────────────────

  take(): Item | null {
    const item = this.#items.shift() ?? this.#ask((core) => core.take())
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
    const { message, retryable } = INTERNAL_ERROR
    const words = `${message}: the WebAssembly core broke (${(thrown as Error).message}); please report it`
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
      this.#core = new Driver(module, this.#options, this.#standIn.beginning, this, this.#recorder)
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

  #ask<T>(act: (core: Core) => T): T {
    if (this.#core !== undefined)
      try {
        return act(this.#core)
      } catch (thrown) {
        this.broke(thrown)
        return this.#standIn.afterBreak(act)
      }
    return act(this.#standIn)
  }

  /** As the core will show it. */
  get #url(): string {
    return this.#options.urls?.[0]?.split('?')[0] ?? ''
  }
}
