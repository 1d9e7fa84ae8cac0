/** Rejections whose stacks show who was waiting. Needs nothing of Node.js: pages use it too. */

/**
 * Rejects a promise so that the stack of the error shows the async functions that await it.
 *
 * Where an error is made outside of the user's code, V8 finds these functions by following the promises from the async
 * function that makes the error. So it is made in one, which the rejected promise follows. A promise that resolves pays
 * nothing for it.
 *
 * @param resolve of the promise that is to be rejected; it must not be settled
 */
export function rejectWith(resolve: (outcome: Promise<never>) => void, makeError: () => unknown): void {
  resolve(fail(makeError))
}

async function fail(makeError: () => unknown): Promise<never> {
  await null
  // Only now the other promise follows this one.
  await null
  throw makeError()
}
