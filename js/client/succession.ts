/**
 * Whether a new client replaces one that has just lost its connection. Code written against a WebSocket handles a
 * 'close' by making a new socket, at once or later; but a client reconnects by itself, so there would be two
 * connections.
 *
 * The asynchronous context shows which code runs because of a 'close'. Nothing else shows it reliably: two clients with
 * one endpoint and one key may well have nothing to do with each other.
 */
import { AsyncLocalStorage, type AsyncResource } from 'node:async_hooks'
import type { Replaceable } from '../shared/client/runtime.js'
import { currentContext } from './contexts.js'

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

/** The context of a new client, without a mark: its own code does not run because of the 'close' of another one. */
export function contextOfClient(): AsyncResource {
  return closedBefore() === undefined ? currentContext() : closed.run(undefined, currentContext)
}
