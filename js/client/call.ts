/** Who waits for the answer of a call, or for the end of a command. */
import { errorOf } from '../shared/errors.js'
import type { ErrorData } from '../shared/native-types.js'
import { runSafely } from '../shared/socket-events.js'
import { vacate, type Waiter } from './hub.js'

type Settle = (value: any) => void

/** A call that waits for its answer. */
export class Call implements Waiter {
  /** Not collected while a call waits for its answer. */
  readonly client: object
  readonly #toolName: string
  readonly #resolve: Settle
  readonly #reject: Settle
  #stopListening: (() => void) | undefined

  constructor(client: object, toolName: string, resolve: Settle, reject: Settle) {
    this.client = client
    this.#toolName = toolName
    this.#resolve = resolve
    this.#reject = reject
  }

  done(value: unknown): void {
    this.#letGo()
    this.#resolve(value)
  }

  failed(error: ErrorData): void {
    this.#letGo()
    this.#reject(errorOf(error, { toolName: this.#toolName }))
  }

  /**
   * Rejects with the signal's reason when it aborts; `takeBack` tells the native core and says whether the slot is
   * free.
   */
  abortBy(signal: AbortSignal, slot: number, takeBack: () => boolean): void {
    const onAbort = () => {
      this.#stopListening = undefined
      // If the answer is on its way already, its delivery frees the slot and settles nothing.
      if (takeBack()) vacate(slot)
      this.#reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', onAbort)
  }

  /** A signal that is not Node.js's own may throw: the calls delivered after this one must not pay for it. */
  #letGo(): void {
    if (this.#stopListening !== undefined) runSafely(this.#stopListening)
  }
}

/** Who waits for `connect`, `reconnect`, `authenticate` or `close`. */
export class Command implements Waiter {
  readonly #resolve: Settle
  readonly #fail: (error: ErrorData) => void

  constructor(resolve: Settle, fail: (error: ErrorData) => void) {
    this.#resolve = resolve
    this.#fail = fail
  }

  done(): void {
    this.#resolve(undefined)
  }

  failed(error: ErrorData): void {
    this.#fail(error)
  }
}
