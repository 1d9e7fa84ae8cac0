/**
 * Where one JavaScript environment meets the native core: the mailbox, the promises that wait, the clients that get
 * events. One wake-up serves all that has come meanwhile, in slices of bounded time, so that timers and I/O get their
 * turn.
 */
import { ITEM } from '../native/binding-constants.js'
import { loadNative, type Native } from '../native/load.js'
import type { ErrorData, Notice } from '../shared/native-types.js'
import { scheduleApart } from './succession.js'

/** Somebody who waits for a command or a call. */
export interface Waiter {
  done(value: unknown): void
  failed(error: ErrorData): void
}

/** What the hub needs of a client. */
export interface Recipient {
  receiveNotice(notice: Notice): void
  receiveMessage(text: string, isJson: boolean): void
  askToken(connection: number): void
  askProxy(connection: number, server: string): void
}

type Container = unknown[] | Record<string, unknown>

type Mailbox = InstanceType<Native['Mailbox']>

type Item = NonNullable<ReturnType<Mailbox['take']>>

/** ms of draining before the event loop gets its turn. */
const SLICE = 2

/**
 * The binary is loaded with the first client, and all that is of it made then: a program that makes none, or not yet,
 * does not pay for it.
 */
let native: Native | undefined
let mailbox: Mailbox
/** As the binary describes them. */
export let request: ReturnType<Native['requestFunction']>
export let flush: ReturnType<Native['flushFunction']>
/** The promise of a call is in the slot that the native core has for it; free slots are reused. */
const waiters: (Waiter | undefined)[] = []
const freeSlots: number[] = []
/**
 * Clients by their number. Only an active one is held: another may be collected, once it has heard what was on its way
 * to it.
 */
const recipients = new Map<number, WeakRef<Recipient>>()
const active = new Set<Recipient>()
const ending = new Set<Recipient>()
const collected = new FinalizationRegistry<number>((id) => recipients.delete(id))
/** Of the result that comes in pieces: the containers that are open, each with its name in the one before. */
const open: { container: Container; key: string }[] = []
let nextId = 0
let holders = 0
let isHolding = false
let drainIsScheduled = false
/** Items that came when the slice was over. */
const kept: Item[] = []
/** When the slice of this turn of the event loop is over. */
let sliceEnd = 0

/**
 * The native half of a new client, whose events `recipient` gets.
 * @throws what {@link loadNative} throws, or what the binary says of the options
 */
export function createNative(recipient: Recipient, options: string): InstanceType<Native['NativeClient']> {
  native ??= begin(loadNative())
  const id = nextId++
  recipients.set(id, new WeakRef(recipient))
  collected.register(recipient, id)
  return new native.NativeClient(mailbox, id, options)
}

function begin(loaded: Native): Native {
  mailbox = new loaded.Mailbox(wake)
  request = loaded.requestFunction()
  flush = loaded.flushFunction()
  return loaded
}

/** While a client is active it is not collected, nor before it was told what is in the mailbox then. */
export function setActive(recipient: Recipient, isActive: boolean): void {
  if (isActive) active.add(recipient)
  else if (active.delete(recipient)) {
    ending.add(recipient)
    drainSoon()
  }
}

/** A slot for the native core to settle. */
export function occupy(waiter: Waiter): number {
  const slot = freeSlots.pop() ?? waiters.length
  waiters[slot] = waiter
  return slot
}

/** Empties a slot that the native core will not settle. */
export function vacate(slot: number): void {
  waiters[slot] = undefined
  freeSlots.push(slot)
}

/**
 * One more, or one less, client that keeps the process alive. The last one does so until all that it has to tell is
 * told.
 */
export function hold(more: boolean): void {
  holders += more ? 1 : -1
  if (holders === 0) drainSoon()
  else if (!isHolding) mailbox.hold((isHolding = true))
}

/** Drains soon, whether or not anything keeps the process alive. For what a command has just caused. */
export function drainSoon(): void {
  if (drainIsScheduled) return
  drainIsScheduled = true
  scheduleApart(drainInNewTurn)
}

/**
 * Node.js may wake us many times in one turn of the event loop, and timers do not fire between. So a slice is not that
 * of one wake-up: it is over 2 ms after it began, and only an immediate, which proves that the loop has turned, begins
 * another.
 */
function wake(...item: Item): void {
  if (kept.length > 0 || performance.now() > sliceEnd) {
    kept.push(item)
    drainSoon()
  } else deliverAndGoOn(item)
}

function drainInNewTurn(): void {
  drainIsScheduled = false
  sliceEnd = performance.now() + SLICE
  drain()
}

function drain(): void {
  const item = kept.shift() ?? mailbox.take()
  if (item !== null) deliverAndGoOn(item)
  else letGo()
}

/** Of clients that have ended, when nothing more is on its way to them. Another wake-up comes where something is. */
function letGo(): void {
  const mustRelease = isHolding && holders === 0
  if ((!mustRelease && ending.size === 0) || !mailbox.isEmpty()) return
  ending.clear()
  if (mustRelease) mailbox.hold((isHolding = false))
}

/**
 * The next item is a microtask: what this one settles goes on before it, and what that sends is on its way meanwhile.
 */
function deliverAndGoOn(item: Item): void {
  deliver(item)
  const goesOn = item[4] || kept.length > 0
  if (!goesOn) letGo()
  else if (performance.now() > sliceEnd) drainSoon()
  else queueMicrotask(drain)
}

function deliver([kind, a, b, payload]: Item): void {
  const text = payload as string
  switch (kind) {
    case ITEM.RESULTS:
      return deliverResults(JSON.parse(text) as unknown[])
    case ITEM.RESULT:
      return release(a)?.done(JSON.parse(text))
    case ITEM.OPEN:
      open.push({ container: b === 1 ? [] : {}, key: text === undefined ? '' : JSON.parse(text) })
      return
    case ITEM.ELEMENTS:
      return addElements(open.at(-1)!.container, JSON.parse(text))
    case ITEM.CLOSE:
      return closeContainer(a)
    case ITEM.BYTES:
      return release(a)?.done(payload)
    case ITEM.DONE:
      return release(a)?.done(undefined)
    case ITEM.FAILED:
      return release(a)?.failed(JSON.parse(text) as ErrorData)
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
    case ITEM.ASK_TOKEN:
      return recipients.get(a)?.deref()?.askToken(b)
    case ITEM.ASK_PROXY:
      return recipients.get(a)?.deref()?.askProxy(b, text)
  }
}

/** Slots and results take turns. */
function deliverResults(pairs: unknown[]): void {
  for (let i = 0; i < pairs.length; i += 2) release(pairs[i] as number)?.done(pairs[i + 1])
}

function addElements(container: Container, elements: Container): void {
  if (Array.isArray(container)) for (const element of elements as unknown[]) container.push(element)
  // As an own member, which is what JSON.parse makes of it; assigned, it would be another prototype.
  else if (Object.hasOwn(elements, '__proto__'))
    for (const [key, value] of Object.entries(elements)) define(container, key, value)
  else Object.assign(container, elements)
}

function closeContainer(slot: number): void {
  const { container, key } = open.pop()!
  const outer = open.at(-1)?.container
  if (outer === undefined) release(slot)?.done(container)
  else if (Array.isArray(outer)) outer.push(container)
  else define(outer, key, container)
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

function release(slot: number): Waiter | undefined {
  const waiter = waiters[slot]
  vacate(slot)
  return waiter
}
