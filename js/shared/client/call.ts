/** The promises of calls and commands, as the hub settles them. */
import type { MCPError } from '../errors.js'
import type { ErrorData } from '../native-types.js'
import { rejectWith } from '../rejections.js'
import { abortWith, type Abortable } from '../signals.js'
import { runSafely } from '../socket-events.js'
import type { Waiter } from './hub.js'
import type { CallTrace } from './runtime.js'

type Settle = (value: any) => void

/** Whose call it is. */
export interface Caller {
  /** Makes the error of one of its calls. */
  failure(error: ErrorData, toolName: string | undefined): () => MCPError
}

/** The promise of a call. */
export class Call implements Waiter, Abortable {
  /** Held, so that it is not garbage-collected while a call is in flight. */
  readonly client: Caller
  readonly #trace: CallTrace | undefined
  /** None if it asks for the tools. */
  readonly #toolName: string | undefined
  readonly #resolve: Settle
  readonly #reject: Settle
  /** Of a call with a signal: what to do when it aborts, and how to stop listening to it. */
  #whenAborted: (() => unknown) | undefined
  #stopListening: (() => void) | undefined
  #isAborted = false

  constructor(client: Caller, toolName: string | undefined, resolve: Settle, reject: Settle, trace?: CallTrace) {
    this.client = client
    this.#trace = trace
    this.#toolName = toolName
    this.#resolve = resolve
    this.#reject = reject
  }

  done(value: unknown, size?: number): void {
    this.#removeListener()
    if (!this.#isAborted) this.#trace?.succeeded(size)
    this.#resolve(value)
  }

  failed(error: ErrorData): void {
    this.#removeListener()
    if (!this.#isAborted) rejectWith(this.#resolve, this.#failure(error))
  }

  /** Rejects with the signal's reason when it aborts. `takeBack` tells the native core. */
  abortBy(signal: AbortSignal, takeBack: () => unknown): void {
    this.#whenAborted = takeBack
    this.#stopListening = abortWith(signal, this)
  }

  abort(reason: unknown): void {
    this.#isAborted = true
    this.#stopListening = undefined
    this.#whenAborted?.()
    this.#trace?.failed(reason)
    this.#reject(reason)
  }

  /** Makes the error. Whoever traces the call is told of it then. */
  #failure(data: ErrorData): () => MCPError {
    const [make, trace] = [this.client.failure(data, this.#toolName), this.#trace]
    if (trace === undefined) return make
    return () => {
      const error = make()
      trace.failed(error)
      return error
    }
  }

  /** The signal may be the user's own and throw: that must not stop the delivery of other calls. */
  #removeListener(): void {
    if (this.#stopListening !== undefined) runSafely(this.#stopListening)
  }
}
