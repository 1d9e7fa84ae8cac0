/** One call of a tool: checks what the caller gave, and is the waiter of its answer. */
import { errorOf } from './errors.js'
import { vacate, type Waiter } from './hub.js'
import type { ErrorData } from './native-types.js'
import type { UseToolOptions } from './types.js'

type Settle = (value: any) => void

/** A call that waits for its answer. */
export class Call implements Waiter {
  readonly #toolName: string
  readonly #resolve: Settle
  readonly #reject: Settle
  #stopListening: (() => void) | undefined

  constructor(toolName: string, resolve: Settle, reject: Settle) {
    this.#toolName = toolName
    this.#resolve = resolve
    this.#reject = reject
  }

  done(value: unknown): void {
    this.#stopListening?.()
    this.#resolve(value)
  }

  failed(error: ErrorData): void {
    this.#stopListening?.()
    this.#reject(errorOf(error, { toolName: this.#toolName }))
  }

  /** Rejects with the signal's reason when it aborts; `takeBack` tells the native core and says whether the slot is free. */
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

/** @throws TypeError */
export function checkName(toolName: unknown): void {
  if (typeof toolName === 'string' && toolName !== '') return
  throw new TypeError(`the tool's name must be a non-empty string, got ${toolName === '' ? "''" : typeof toolName}`)
}

/** @throws TypeError or RangeError that names what is wrong */
export function checkCallOptions(options: UseToolOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of useTool must be an object, got ${options === null ? 'null' : typeof options}`)
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new TypeError(`"${name}" is not an option of useTool: use ${[...OPTIONS].join(', ')}`)
  }
  checkTimeout(options.timeout)
  const { signal, responseType } = options
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw new TypeError('option "signal" must be an AbortSignal')
  }
  if (responseType !== undefined && responseType !== 'json' && responseType !== 'buffer') {
    throw new TypeError(`option "responseType" must be 'json' or 'buffer', got ${String(responseType)}`)
  }
}

/**
 * The parameters as JSON, empty where there are none.
 * @throws TypeError, with the serialiser's own error as its cause
 */
export function serialise(toolName: string, parameters: unknown): string {
  try {
    return JSON.stringify(parameters) ?? ''
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new TypeError(`the parameters of "${toolName}" cannot be written as JSON: ${words}`, { cause })
  }
}

const OPTIONS = new Set(['timeout', 'signal', 'idempotent', 'responseType'])

function checkTimeout(timeout: unknown): void {
  if (timeout === undefined) return
  if (typeof timeout !== 'number') throw new TypeError(`option "timeout" must be a number of ms, got ${typeof timeout}`)
  if (!(timeout >= 0 && timeout <= 2_147_483_647)) {
    throw new RangeError(`option "timeout" must be from 1 to 2147483647 ms, or 0 for none, got ${timeout}`)
  }
}
