/**
 * Stands in for the core of a client that is not there, because its module is still being loaded, or could not be. It
 * takes every command, so that a client can be used at once; the core gets them in their order, and decides.
 */
import * as FLAG from '../shared/client/flag.js'
import * as ITEM from '../shared/client/item.js'
import type { Item } from '../shared/client/binding.js'
import {
  NOT_CONNECTED,
  type ConnectionState,
  type ErrorCode,
  type ErrorData,
  type Notice,
  type Snapshot,
} from '../shared/native-types.js'
import { IDLE, NO_STATS } from '../shared/snapshots.js'
import type { Driver, Numbers } from './driver.js'

/** What a stand-in does for its client. */
export interface StandInOwner {
  /** Its number in the mailbox. */
  readonly recipient: number
  /** The id that users see. */
  id(): number
  /** There are items for the mailbox. */
  readonly hasItems: boolean
  /** Adds one. */
  tell(item: Item): void
  /** The core is needed. */
  load(): void
}

/** Something that waits for the core. */
interface Command {
  replay(core: Driver): void
  /** There is no core. */
  fail(error: ErrorData): void
}

export class StandIn {
  readonly #owner: StandInOwner
  #snapshot: Snapshot
  #reasons: number
  /** Where the core begins: it makes itself the changes that were shown since. */
  #beginning: Numbers
  /** They were shown, and not told yet. */
  #changes: Notice[] = []
  #commands = new Set<Command>()
  /** Calls that may be aborted, by the keys that they were given here; later the keys that the core has given. */
  readonly #calls = new Map<number, Command | number>()
  #isAfterBreak = false

  /** With the state that the client was last shown in. */
  constructor(owner: StandInOwner, url: string, numbers: Numbers, state: ConnectionState = 'idle') {
    this.#owner = owner
    this.#snapshot = { ...IDLE, error: null, url, revision: numbers.revision, state }
    this.#reasons = numbers.reasons
    this.#beginning = numbers
  }

  /** Answers what has broken the core. If it has a slot, that waits already, and is settled with all others. */
  afterBreak<T>(act: (standIn: this) => T): T {
    this.#isAfterBreak = true
    try {
      return act(this)
    } finally {
      this.#isAfterBreak = false
    }
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────

  connect(slot: number): string {
    return this.#start(slot, (core) => core.connect(slot), this.#snapshot.state !== 'connecting')
  }

  reconnect(slot: number): string {
    return this.#start(slot, (core) => core.reconnect(slot), true)
  }

  authenticate(token: string | null, slot: number): string {
    return this.#start(slot, (core) => core.authenticate(token, slot), this.#snapshot.state !== 'connecting')
  }

  close(code: number, reason: string, drain: number, slot: number): string {
    if (this.#isAfterBreak) return this.snapshot()
    const done = (): void => this.#tell(ITEM.DONE, slot)
    const { state } = this.#snapshot
    if (state === 'failed') done()
    else this.#commands.add({ replay: (core) => void core.close(code, reason, drain, slot), fail: done })
    if (state === 'idle' || state === 'connecting') this.#change('closed', null)
    return this.snapshot()
  }

  request(slot: number, name: string, parameters: string, timeout: number, flags: number): number | string {
    return this.#call(slot, (flags & FLAG.mayBeAborted) !== 0, (core) =>
      core.request(slot, name, parameters, timeout, flags),
    )
  }

  tools(timeout: number, flags: number, slot: number): number | string {
    return this.#call(slot, true, (core) => core.tools(timeout, flags, slot))
  }

  /** Whether a call was refused, or anything else is to be told. */
  flush(): boolean {
    return this.#owner.hasItems
  }

  take(): null {
    return null
  }

  setInterest(interest: number): void {
    this.#later((core) => core.setInterest(interest))
  }

  warn(message: string): void {
    this.#later((core) => core.warn(message))
  }

  abort(key: number): boolean {
    const command = this.#calls.get(key)
    return typeof command === 'object' && this.#commands.delete(command)
  }

  /** The key that the core has given to a call which has this one. */
  keyOf(key: number): number {
    const given = this.#calls.get(key)
    return typeof given === 'number' ? given : key
  }

  snapshot(): string {
    return JSON.stringify(this.#snapshot)
  }

  stats(): string {
    return JSON.stringify({ ...NO_STATS, state: this.#snapshot.state })
  }

  // ── What there is nothing to do for ────────────────────────────────────────────────────────────────────────

  discardResults(): void {}
  answerToken(): void {}
  failToken(): void {}
  failUrls(): void {}
  openTold(): void {}

  answerUrls(): boolean {
    return false
  }

  send(): boolean {
    return false
  }

  sendToolRequest(): null {
    return null
  }

  bufferedAmount(): number {
    return 0
  }

  endpoint(): number {
    return 0
  }

  // ── What becomes of it ─────────────────────────────────────────────────────────────────────────────────────

  get beginning(): Numbers {
    return this.#beginning
  }

  /** The core is there, and has these numbers. */
  hand(core: Driver): void {
    for (const command of this.#commands) command.replay(core)
    this.#commands.clear()
    this.#changes = []
  }

  /** There is no core, for this reason. A client that was idle, or has ended, has not noticed. */
  fail(code: ErrorCode, message: string, retryable: boolean): ErrorData {
    const error: ErrorData = { code, message, retryable, number: ++this.#reasons }
    const isAwaited = !AT_REST.has(this.#snapshot.state)
    if (isAwaited) this.#change('failed', error)
    for (const change of this.#changes) this.#notify(change)
    if (isAwaited) {
      this.#notify({ type: 'error', error })
      this.#notify({ type: 'failed', error, events: '[]' })
    }
    for (const command of this.#commands) command.fail(error)
    this.#commands.clear()
    this.#changes = []
    this.#beginning = { revision: this.#snapshot.revision, reasons: this.#reasons }
    return error
  }

  /** For the core, when it is there. */
  #later(replay: (core: Driver) => void): void {
    this.#commands.add({ replay, fail: () => {} })
  }

  #start(slot: number, replay: (core: Driver) => string, isChange: boolean): string {
    if (this.#isAfterBreak) return this.snapshot()
    this.#commands.add({
      replay: (core) => void replay(core),
      fail: (error) => this.#tell(ITEM.FAILED, slot, JSON.stringify(error)),
    })
    if (isChange) this.#change('connecting', null)
    this.#owner.load()
    return this.snapshot()
  }

  #call(slot: number, mayBeAborted: boolean, make: (core: Driver) => number | string): number | string {
    if (this.#isAfterBreak) return 0
    const key = mayBeAborted ? -1 - this.#calls.size : 0
    const command: Command = {
      replay: (core) => {
        const given = make(core)
        if (typeof given === 'string') this.#tell(ITEM.FAILED, slot, given)
        else if (mayBeAborted) this.#calls.set(key, given)
      },
      fail: () => this.#tell(ITEM.FAILED, slot, JSON.stringify(this.#notConnected())),
    }
    if (this.#snapshot.state !== 'failed') this.#commands.add(command)
    else if (mayBeAborted) return JSON.stringify(this.#notConnected())
    else command.fail(this.#notConnected())
    if (mayBeAborted) this.#calls.set(key, command)
    return key
  }

  #change(state: ConnectionState, error: ErrorData | null): void {
    const { state: previous, revision } = this.#snapshot
    this.#snapshot = { ...this.#snapshot, state, error, revision: revision + 1 }
    this.#changes.push({ type: 'state', snapshot: this.#snapshot, previous })
  }

  #notConnected(): ErrorData {
    const { error } = this.#snapshot
    const refused: ErrorData = { code: 'NOT_CONNECTED', ...NOT_CONNECTED, sent: false }
    return error === null ? refused : { ...refused, cause: error }
  }

  #notify(notice: Notice): void {
    this.#owner.tell([ITEM.NOTICE, this.#owner.recipient, 0, JSON.stringify(notice), false])
  }

  #tell(kind: number, slot: number, json?: string): void {
    this.#owner.tell([kind, slot, 0, json, false])
  }
}

const AT_REST: ReadonlySet<ConnectionState> = new Set(['idle', 'closed', 'failed'])
