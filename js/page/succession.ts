/**
 * Whether a new client replaces one that has lost its connection, as in js/client/succession.ts: code written against a
 * WebSocket handles a 'close' by making a new socket, at once or later.
 *
 * A page has no asynchronous contexts, so what a listener begins is not known. But code that makes a new socket gives
 * it the listeners that the old one had: the same code again.
 */
import { isTheSameEndpoint, type Replaceable } from '../shared/client/runtime.js'
import { now } from './globals.js'

/** A client that was told of a close, and when. */
interface Closed {
  readonly client: WeakRef<Replaceable>
  readonly at: number
}

/** The client whose 'close' listeners run. */
let closing: Replaceable | undefined

/** Those told of a close lately, in that order. */
let closed: Closed[] = []

export function closedBefore(): Replaceable | undefined {
  return closing
}

export function runAfterClose(client: Replaceable, listeners: () => void): void {
  closed = closed.filter((each) => isRecent(each) && each.client.deref() !== client)
  closed.push({ client: new WeakRef(client), at: now() })
  closing = client
  try {
    listeners()
  } finally {
    closing = undefined
  }
}

/** Of several, the one that was closed first. */
export function predecessorOf(client: Replaceable): Replaceable | undefined {
  const { url, key, closeListeners } = client
  const isOlder = (other: Replaceable | undefined): boolean =>
    other !== undefined &&
    other !== client &&
    other.key === key &&
    other.closeListeners === closeListeners &&
    isTheSameEndpoint(other.url, url) &&
    other.isReplaceable
  const found = closed.find((each) => isRecent(each) && isOlder(each.client.deref()))
  closed = closed.filter((each) => each !== found)
  return found?.client.deref()
}

function isRecent({ at }: Closed): boolean {
  return now() - at < LONGEST_WAIT
}

/** ms. The guide's own code waits for 36 s at most before it makes a new socket. */
const LONGEST_WAIT = 60_000
