/** The promises of calls and commands, as the hub settles them. */
import type { MCPError } from '../shared/errors.js'
import type { ErrorData } from '../shared/native-types.js'
import { runSafely } from '../shared/socket-events.js'
import { vacate, type Waiter } from './hub.js'

type Settle = (value: any) => void

/** Whose call it is. */
export interface Caller {
  /** The error of one of its calls. */
  errorOf(error: ErrorData, toolName: string): MCPError
}

/** The promise of a call. */
export class Call implements Waiter {
  /** Held, so that it is not garbage-collected while a call is in flight. */
  readonly client: Caller
  readonly #toolName: string
  readonly #resolve: Settle
  readonly #reject: Settle
  #stopListening: (() => void) | undefined

  constructor(client: Caller, toolName: string, resolve: Settle, reject: Settle) {
    this.client = client
    this.#toolName = toolName
    this.#resolve = resolve
    this.#reject = reject
  }

  done(value: unknown): void {
    this.#removeListener()
    this.#resolve(value)
  }

  failed(error: ErrorData): void {
    this.#removeListener()
    this.#reject(this.client.errorOf(error, this.#toolName))
  }

  /**
   * Rejects with the signal's reason when it aborts. `takeBack` cancels the request in the native core and returns
   * whether the slot is free.
   */
  abortBy(signal: AbortSignal, slot: number, takeBack: () => boolean): void {
    const onAbort = () => {
      this.#stopListening = undefined
      // If the answer is already in the mailbox, its delivery frees the slot and settles nothing.
      if (takeBack()) vacate(slot)
      this.#reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', onAbort)
  }

  /** The signal may be the user's own and throw: that must not stop the delivery of other calls. */
  #removeListener(): void {
    if (this.#stopListening !== undefined) runSafely(this.#stopListening)
  }
}

/** The promise of `connect`, `reconnect`, `authenticate` or `close`. */
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
