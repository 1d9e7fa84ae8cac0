/**
 * Which client was closed, as far as the code that runs now knows. Code written against a WebSocket answers a 'close'
 * by making a new socket, at once or after a while; but a client comes back by itself, and there would be two. What
 * such code does because of a 'close' is told from everything else by its asynchronous context, so nothing has to be
 * guessed.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** A client that another one may replace. */
export interface Replaceable {
  readonly url: string
  readonly isClosed: boolean
  /** Closes it, without telling anyone. */
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
 * A new client for `url` is made. If a 'close' has led to that, the client that was closed need not come back by
 * itself.
 */
export function replaceClosed(url: string): void {
  const other = closedBefore()
  if (other !== undefined && isTheSameEndpoint(other.url, url) && !other.isClosed) other.replace()
}

/** Schedules what has nothing to do with whoever calls. Costs nothing while no 'close' is remembered. */
export function scheduleApart(act: () => void): void {
  if (closed.getStore() === undefined) setImmediate(act)
  else closed.run(undefined, setImmediate, act)
}

/** The query apart, where some put a token or the time. */
function isTheSameEndpoint(one: string, other: string): boolean {
  return one.split('?')[0] === other.split('?')[0]
}
