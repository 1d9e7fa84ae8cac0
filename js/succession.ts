/**
 * Which client was closed, as far as the code that runs now knows. Code written against a WebSocket answers a 'close' by making a new
 * socket, at once or after a while; but a client comes back by itself, and there would be two. What such code does because of a 'close'
 * is told from everything else by its asynchronous context, so nothing has to be guessed.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const closed = new AsyncLocalStorage<object | undefined>()

/** Tells listeners that `client` has lost its socket: what they do because of it, now or later, knows. */
export function tellClosed(client: object, tell: () => void): void {
  closed.run(client, tell)
}

/** The client whose 'close' has led to what runs now. */
export function closedBefore(): object | undefined {
  return closed.getStore()
}

/** Schedules what has nothing to do with whoever calls. Costs nothing until somebody was told of a 'close'. */
export function scheduleApart(act: () => void): void {
  if (closed.getStore() === undefined) setImmediate(act)
  else closed.run(undefined, setImmediate, act)
}
