/**
 * What arrives, in order, for whoever waits for it: each item is handed out once. A test may so ask before or after the
 * fact and needs no sleep.
 */
export class Inbox<T> {
  readonly #limit: number
  readonly #owner: string
  readonly #what: string
  readonly #waiting: Waiter<T>[] = []
  readonly #items: T[] = []
  #closed = false

  /**
   * @param owner - who is closed, and
   * @param what - what did not come: for the error of those who wait in vain
   * @param limit - how many items nobody asked for are kept; the oldest go first
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
   * The oldest item that matches and was not handed out yet, or the next such one to come. Rejects when the inbox is
   * closed before.
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

/** A promise that nobody looks at any more must not end the process when the owner closes. */
function ignorable<P extends Promise<unknown>>(promise: P): P {
  promise.catch(() => {})
  return promise
}

interface Waiter<T> {
  matches(item: T): boolean
  resolve(item: T): void
  reject(error: Error): void
}
