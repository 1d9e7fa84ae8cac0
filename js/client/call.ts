/** Who waits for the answer of a call, or for the end of a command. */
import { errorOf } from '../shared/errors.js'
import type { ErrorData } from '../shared/native-types.js'
import { rejectWith } from '../shared/rejections.js'
import { abortWith, type Abortable } from '../shared/signals.js'
import { runSafely } from '../shared/socket-events.js'
import type { Waiter } from './hub.js'

type Settle = (value: any) => void

/** A call that waits for its answer. */
export class Call implements Waiter, Abortable {
  /** Not collected while a call waits for its answer. */
  readonly client: object
  readonly #toolName: string
  readonly #resolve: Settle
  readonly #reject: Settle
  /** Of a call with a signal: what to do when it aborts, and how to stop listening to it. */
  #whenAborted: (() => void) | undefined
  #stopListening: (() => void) | undefined
  #isAborted = false

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
    if (!this.#isAborted) rejectWith(this.#resolve, () => this.#errorOf(error))
  }

  /** The call was not made. To be called before `useTool` returns: the stack shows who has called it. */
  refused(error: ErrorData): void {
    this.#reject(this.#errorOf(error))
  }

  /** Rejects with the signal's reason when it aborts. `takeBack` tells the native core. */
  abortBy(signal: AbortSignal, takeBack: () => void): void {
    this.#whenAborted = takeBack
    this.#stopListening = abortWith(signal, this)
  }

  abort(reason: unknown): void {
    this.#isAborted = true
    this.#stopListening = undefined
    this.#whenAborted?.()
    this.#reject(reason)
  }

  #errorOf(error: ErrorData): Error {
    return errorOf(error, { toolName: this.#toolName })
  }

  /** A signal that is not Node.js's own may throw: the calls delivered after this one must not pay for it. */
  #letGo(): void {
    if (this.#stopListening !== undefined) runSafely(this.#stopListening)
  }
}

/** Who waits for `connect`, `reconnect`, `authenticate` or `close`. */
export class Command implements Waiter {
  readonly #resolve: Settle
  readonly #errorOf: (error: ErrorData) => Error

  constructor(resolve: Settle, errorOf: (error: ErrorData) => Error) {
    this.#resolve = resolve
    this.#errorOf = errorOf
  }

  done(): void {
    this.#resolve(undefined)
  }

  failed(error: ErrorData): void {
    rejectWith(this.#resolve, () => this.#errorOf(error))
  }
}
