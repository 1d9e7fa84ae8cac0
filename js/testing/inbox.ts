/**
 * A queue of items that arrive, for tests that wait for them. Each item is handed out once, whether it arrives before
 * or after the test asks for it, so no test has to sleep.
 */
export class Inbox<T> {
  readonly #limit: number
  readonly #owner: string
  readonly #what: string
  readonly #waiting: Waiter<T>[] = []
  readonly #items: T[] = []
  #closed = false

  /**
   * @param owner - what was closed, and
   * @param what - what did not arrive: for the error of those who still wait then
   * @param limit - how many items are kept until someone asks for them; the oldest are dropped first
   */
  constructor(owner: string, what: string, limit: number) {
    this.#owner = owner
    this.#what = what
    this.#limit = limit
  }

  push(item: T): void {
    const index = this.#waiting.findIndex((waiter) => waiter.matches(item))
    const [waiter] = index === -1 ? [] : this.#waiting.splice(index, 1)
    if (waiter) {
      waiter.resolve(item)
      return
    }
    this.#items.push(item)
    if (this.#items.length > this.#limit) this.#items.shift()
  }

  /**
   * The oldest item that matches and was not handed out yet, or else the next such one to arrive. Rejects if the inbox
   * is closed first.
   */
  next(matches: (item: T) => boolean = () => true): Promise<T> {
    const index = this.#items.findIndex(matches)
    const [item] = index === -1 ? [] : this.#items.splice(index, 1)
    if (item !== undefined) return Promise.resolve(item)
    if (this.#closed) return ignorable(Promise.reject(this.#closedError()))
    return ignorable(new Promise((resolve, reject) => this.#waiting.push({ matches, resolve, reject })))
  }

  close(): void {
    this.#closed = true
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#closedError())
  }

  #closedError(): Error {
    return new Error(`the ${this.#owner} was closed before the next ${this.#what} came`)
  }
}

/** A promise that is ignored must not end the process when the owner closes. */
function ignorable<P extends Promise<unknown>>(promise: P): P {
  promise.catch(() => {})
  return promise
}

interface Waiter<T> {
  matches(item: T): boolean
  resolve(item: T): void
  reject(error: Error): void
}
