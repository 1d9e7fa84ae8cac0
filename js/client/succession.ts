/**
 * Whether a new client replaces one that has just lost its connection. Code written against a WebSocket handles a
 * 'close' by making a new socket, at once or later; but a client reconnects by itself, so there would be two
 * connections. The asynchronous context shows which code runs because of a 'close'.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** A client that a new one may replace. */
export interface Replaceable {
  readonly url: string
  readonly isClosed: boolean
  /** Closes it, without another 'close' event. */
  replace(): void
}

/** A 'close' event. Only the contexts of the code that it made run hold it. */
interface Mark {
  readonly client: Replaceable
}

const closed = new AsyncLocalStorage<Mark | undefined>()

/**
 * While the storage is in use, every promise and timer of the process costs more on older Node.js. So it is disabled
 * when no context holds a mark any more.
 */
let marks = 0
const forgotten = new FinalizationRegistry<undefined>(() => {
  marks -= 1
  if (marks === 0) closed.disable()
})

/** Runs the 'close' listeners of a client. Code that runs because of that, now or later, is marked. */
export function runAfterClose(client: Replaceable, listeners: () => void): void {
  const mark: Mark = { client }
  marks += 1
  forgotten.register(mark, undefined)
  closed.run(mark, listeners)
}

/** The client whose 'close' made the current code run, if one did. */
export function closedBefore(): Replaceable | undefined {
  return closed.getStore()?.client
}

/** Called when a client for `url` is made. If a 'close' led to that, the client that was closed does not reconnect. */
export function replaceClosed(url: string): void {
  const other = closedBefore()
  if (other !== undefined && isTheSameEndpoint(other.url, url) && !other.isClosed) other.replace()
}

/** Schedules a function outside of the caller's mark. Costs nothing while there is no mark. */
export function scheduleApart(act: () => void): void {
  if (closed.getStore() === undefined) setImmediate(act)
  else closed.run(undefined, setImmediate, act)
}

/** Without the query, in which some put a token or the time. */
function isTheSameEndpoint(one: string, other: string): boolean {
  return one.split('?')[0] === other.split('?')[0]
}
