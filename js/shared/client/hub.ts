/**
 * Empties the mailbox of one JavaScript environment: settles promises, and passes events to their clients. One wake-up
 * handles everything in the mailbox, in slices of bounded time, so that timers and I/O get their turn.
 */
import { soon } from '../globals.js'
import type { ErrorData, Notice } from '../native-types.js'
import {
  BROKEN,
  type Binding,
  type FlushFunction,
  type Item,
  type Mailbox,
  type NativeClient,
  type RequestFunction,
} from './binding.js'
import * as ITEM from './item.js'
import { runtime } from './runtime.js'
import { NotAccepted, undeliverable } from './undeliverable.js'

/** A promise that the native core settles. */
export interface Waiter {
  /** Whose core settles it. */
  readonly client: object
  /** @param size of a result as JSON, in bytes, if it is known */
  done(value: unknown, size?: number): void
  failed(error: ErrorData): void
}

/** What the hub needs of a client. */
export interface Recipient {
  receiveNotice(notice: Notice): void
  receiveMessage(text: string, isJson: boolean): void
  /** The core asks for something, by an item of this kind. */
  ask(kind: number, number: number, text: string): void
  /** It was told everything that was on its way to it. */
  rest(): void
  /** The record of its flight recorder, as one line of JSON. */
  record(): string
}

type Container = unknown[] | Record<string, unknown>

/** ms of draining before the event loop gets its turn. */
const SLICE = 2

/** Loaded, with everything that is made of it, by the first client: a program that makes none does not pay for it. */
let binding: Binding | undefined
let mailbox: Mailbox
/** Functions of the binding, which every call uses. */
export let request: RequestFunction
export let flush: FlushFunction
/** Promises by their slots, the numbers that the native core knows them by. Free slots are reused. */
const waiters: (Waiter | undefined)[] = []
const freeSlots: number[] = []
/**
 * Clients by their number. Only active ones are held; others may be garbage-collected, after the events that are
 * already in the mailbox.
 */
const recipients = new Map<number, WeakRef<Recipient>>()
const active = new Set<Recipient>()
const ending = new Set<Recipient>()
const collected = new FinalizationRegistry<number>((id) => recipients.delete(id))
/** The open containers of a result that comes in pieces, outermost first, each with its key in the one before. */
const open: { container: Container; key: string }[] = []
/** Why that result cannot be delivered, if it cannot. */
let broken: ErrorData | undefined
let nextId = 0
let holders = 0
let isHolding = false
let drainIsScheduled = false
/** Items that came after the end of the slice. */
const kept: Item[] = []
/** When the slice of this turn of the event loop ends; `undefined` before it has begun. */
let sliceEnd: number | undefined = 0

/**
 * The core's half of a new client, whose events `recipient` gets.
 * @throws Error if the binding cannot be loaded; an error of the core if the options are wrong
 */
export function createNative(recipient: Recipient, options: string): NativeClient {
  binding ??= runtime.runApart(() => setUp(runtime.loadBinding()))
  const id = nextId++
  const native = new binding.NativeClient(mailbox, id, options)
  recipients.set(id, new WeakRef(recipient))
  collected.register(recipient, id)
  return native
}

function setUp(loaded: Binding): Binding {
  mailbox = new loaded.Mailbox(wake, beginTurn, slotsOf)
  request = loaded.requestFunction()
  flush = loaded.flushFunction()
  return loaded
}

/** The clients that are not garbage-collected yet, in the order in which they were made. */
export function* clientsAlive(): Generator<Recipient> {
  for (const reference of recipients.values()) {
    const recipient = reference.deref()
    if (recipient !== undefined) yield recipient
  }
}

/** An active client is not garbage-collected, and afterwards not before it got the events in the mailbox. */
export function setActive(recipient: Recipient, isActive: boolean): void {
  if (isActive) active.add(recipient)
  else if (active.delete(recipient)) restSoon(recipient)
}

/** Lets a client that has ended know when it was told everything. */
export function restSoon(recipient: Recipient): void {
  ending.add(recipient)
  drainSoon()
}

/** Gives a promise a slot, by which the native core settles it. */
export function occupy(waiter: Waiter): number {
  const slot = freeSlots.pop() ?? waiters.length
  waiters[slot] = waiter
  return slot
}

/** Frees a slot that the native core will not settle. */
export function vacate(slot: number): void {
  waiters[slot] = undefined
  freeSlots.push(slot)
}

/** One client more, or less, keeps the process alive. The last one does so until its events are delivered. */
export function hold(more: boolean): void {
  holders += more ? 1 : -1
  if (holders === 0) drainSoon()
  else if (!isHolding) mailbox.hold((isHolding = true))
}

/** Whether a failure of this slot was taken from the mailbox, and is not delivered yet. */
export function keepsFailure(slot: number): boolean {
  return kept.some(([kind, a]) => kind === ITEM.FAILED && a === slot)
}

/** Empties the mailbox soon, even if nothing keeps the process alive: for the events of a command. */
export function drainSoon(): void {
  if (drainIsScheduled) return
  drainIsScheduled = true
  runtime.scheduleApart(drainInNewTurn)
}

/**
 * Node.js may call this many times in one turn of the event loop, and no timer fires in between. So a slice does not
 * end with a wake-up, but 2 ms after it began, and only an immediate, which runs in a new turn, begins another.
 */
function wake(...item: Item): void {
  if (kept.length > 0 || isSliceOver()) {
    kept.push(item)
    drainSoon()
  } else deliverAndContinue(item)
}

/** A wake-up follows, which begins the slice. */
function beginTurn(): void {
  sliceEnd = undefined
}

function isSliceOver(): boolean {
  const now = runtime.now()
  sliceEnd ??= now + SLICE
  return now > sliceEnd
}

function drainInNewTurn(): void {
  drainIsScheduled = false
  sliceEnd = runtime.now() + SLICE
  drain()
}

function drain(): void {
  const item = kept.shift() ?? mailbox.take()
  if (item !== null) deliverAndContinue(item)
  else release()
}

/** Releases clients that have ended, if the mailbox is empty. If it is not, another wake-up comes. */
function release(): void {
  const mustRelease = isHolding && holders === 0
  if ((!mustRelease && ending.size === 0) || !mailbox.isEmpty()) return
  for (const recipient of ending) recipient.rest()
  ending.clear()
  if (mustRelease) mailbox.hold((isHolding = false))
}

/**
 * The next item is delivered in a microtask, after the code that awaits this one has continued: the requests that it
 * sends are on their way meanwhile.
 */
function deliverAndContinue(item: Item): void {
  deliverAlone(item)
  const goesOn = item[4] || kept.length > 0
  if (!goesOn) release()
  else if (isSliceOver()) drainSoon()
  else soon(drain)
}

/** Whatever is thrown concerns this item alone. */
function deliverAlone(item: Item): void {
  try {
    deliver(item)
  } catch (thrown) {
    giveUp(item, undeliverable(thrown))
  }
}

function deliver([kind, a, b, payload]: Item): void {
  const text = payload as string
  if (kind === ITEM.OPEN) open.push({ container: b === 1 ? [] : {}, key: '' })
  if (payload === null) throw new NotAccepted()
  switch (kind) {
    case ITEM.RESULTS:
      return runtime.settleResults?.(text)
    case ITEM.RESULT: {
      const result: unknown = JSON.parse(text)
      return take(a)?.done(result, b)
    }
    case ITEM.OPEN:
      if (text !== undefined) open.at(-1)!.key = JSON.parse(text) as string
      return
    case ITEM.ELEMENTS:
      if (broken === undefined) addElements(open.at(-1)!.container, JSON.parse(text))
      return
    case ITEM.CLOSE:
      return closeContainer(a, b)
    case ITEM.BYTES:
      return take(a)?.done(payload, payload?.length)
    case ITEM.DONE:
      return take(a)?.done(undefined, 0)
    case ITEM.FAILED: {
      const error = JSON.parse(text) as ErrorData
      return take(a)?.failed(error)
    }
    case ITEM.NOTICE:
      return recipients
        .get(a)
        ?.deref()
        ?.receiveNotice(JSON.parse(text) as Notice)
    case ITEM.MESSAGE:
      return recipients
        .get(a)
        ?.deref()
        ?.receiveMessage(text, b === 1)
    case BROKEN:
      return failAll(JSON.parse(text) as { error: ErrorData; slots: number[] })
    case ITEM.NOTHING:
      return
    default:
      return recipients.get(a)?.deref()?.ask(kind, b, text)
  }
}

/** The item could not be delivered, and has settled nothing. */
function giveUp([kind, a]: Item, error: ErrorData): void {
  switch (kind) {
    case ITEM.RESULT:
    case ITEM.BYTES:
    case ITEM.FAILED:
      return take(a)?.failed(error)
    case ITEM.OPEN:
    case ITEM.ELEMENTS:
    case ITEM.CLOSE:
      // The rest of the result is still to come.
      broken ??= error
      return
    case ITEM.MESSAGE:
      return recipients.get(a)?.deref()?.receiveNotice({ type: 'error', error })
  }
}

/** The slots that wait for this client. */
function slotsOf(id: number): number[] {
  const client = recipients.get(id)?.deref()
  return [...waiters.keys()].filter((slot) => client !== undefined && waiters[slot]?.client === client)
}

function failAll({ error, slots }: { error: ErrorData; slots: number[] }): void {
  for (const slot of slots) take(slot)?.failed(error)
}

/** Settles a call with one of the results of an item. */
export function settle(slot: number, result: unknown): void {
  take(slot)?.done(result)
}

/** The same with a result that is not parsed yet. */
export function settleAlone(slot: number, json: string): void {
  deliverAlone([ITEM.RESULT, slot, 0, json, false])
}

function addElements(container: Container, elements: Container): void {
  if (Array.isArray(container)) for (const element of elements as unknown[]) container.push(element)
  // Defined as an own member, as JSON.parse does; an assignment would set the prototype.
  else if (Object.hasOwn(elements, '__proto__'))
    for (const [key, value] of Object.entries(elements)) define(container, key, value)
  else Object.assign(container, elements)
}

function closeContainer(slot: number, size: number): void {
  const { container, key } = open.pop()!
  const outer = open.at(-1)?.container
  if (outer === undefined) endPieces(slot, container, size)
  else if (Array.isArray(outer)) outer.push(container)
  else define(outer, key, container)
}

function endPieces(slot: number, result: Container, size: number): void {
  const [waiter, error] = [take(slot), broken]
  broken = undefined
  if (error === undefined) waiter?.done(result, size)
  else waiter?.failed(error)
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/** The promise in the slot, which is free then. */
function take(slot: number): Waiter | undefined {
  const waiter = waiters[slot]
  vacate(slot)
  return waiter
}
