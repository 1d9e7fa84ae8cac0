/**
 * Which client another one replaces. Code written against a WebSocket answers a 'close' by making a new socket, at once
 * or after a while; but a client comes back by itself, and there would be two.
 *
 * What such code does because of a 'close' is told from everything else by its asynchronous context. Nothing else tells
 * it reliably: two clients for one endpoint with one key may well have nothing to do with each other. The context is
 * only the condition without which nothing is replaced; the others are in `replaceClosed`.
 */
import { AsyncLocalStorage, type AsyncResource } from 'node:async_hooks'
import { currentContext } from './contexts.js'

/** A client that another one may replace. */
export interface Replaceable {
  readonly url: string
  /** The API key, or the function that gives it. */
  readonly key: unknown
  /** It waits for another connection, or is used as a WebSocket and in no other way. */
  readonly isReplaceable: boolean
  /** Closes it. */
  replace(): void
}

/** One 'close' that was told. Only what it has led to holds it. */
interface Mark {
  readonly client: Replaceable
}

const closed = new AsyncLocalStorage<Mark | undefined>()

/**
 * While it is in use, every promise and timer of the process costs more on older Node.js: it ends when nothing can know
 * of a 'close' any more.
 */
let marks = 0
const forgotten = new FinalizationRegistry<undefined>(() => {
  marks -= 1
  if (marks === 0) closed.disable()
})

/** Tells listeners that `client` has lost its socket: what they do because of it, now or later, knows. */
export function tellClosed(client: Replaceable, tell: () => void): void {
  const mark: Mark = { client }
  marks += 1
  forgotten.register(mark, undefined)
  closed.run(mark, tell)
}

/** The client whose 'close' has led to what runs now. */
export function closedBefore(): Replaceable | undefined {
  return closed.getStore()?.client
}

/**
 * A new client for `url` with `key` is made. Returns whether it has replaced the one whose 'close' has led to that.
 */
export function replaceClosed(url: string, key: unknown): boolean {
  const other = closedBefore()
  if (other === undefined || !isTheSameEndpoint(other.url, url) || other.key !== key || !other.isReplaceable)
    return false
  other.replace()
  return true
}

/** The context of a new client. What its code does does not follow from the 'close' of another one. */
export function contextOfClient(): AsyncResource {
  return closedBefore() === undefined ? currentContext() : closed.run(undefined, currentContext)
}

/** The query apart, where some put a token or the time. */
function isTheSameEndpoint(one: string, other: string): boolean {
  return one.split('?')[0] === other.split('?')[0]
}
