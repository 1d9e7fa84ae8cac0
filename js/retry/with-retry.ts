/** `withRetry`: a client whose calls are repeated where that is allowed. */
import { checkMillis, serialise } from '../shared/arguments.js'
import { MCPError } from '../shared/errors.js'
import { checkNames } from '../shared/option-names.js'
import type { MCPClientLike, UseToolOptions } from '../shared/types.js'
import { RetryBudget } from './budget.js'
import { checkCount } from './count.js'
import { delayAfter, wait } from './time.js'

/** Options of {@link withRetry}. */
export interface RetryOptions {
  /** How often a call is made at most, the first time included; Infinity for no limit. @default 4 */
  attempts?: number
  /**
   * The tokens that the calls share. A failure that is retryable costs one, a success gives back a tenth. While half of
   * them or less are left, nothing is repeated, so that retries do not add to an overload. Infinity for no limit.
   * @default 10
   */
  budget?: number
  /**
   * The longest delay before the second attempt, in ms; it doubles before each further one. The delay is a random part
   * of it. @default 200
   */
  baseDelay?: number
  /** The longest delay before any attempt, in ms. @default 10000 */
  maxDelay?: number
}

/**
 * A stand-in for `client` that repeats calls that failed, after a delay. It repeats only errors that are `retryable`,
 * and only if the tool has certainly not run (`sent` is false) or the call is `idempotent`. At the end a call rejects
 * with the error of its last attempt.
 *
 * A `timeout` is that of each attempt; a `signal` ends the call, its delays included.
 * @param client a client of any kind
 * @returns an object with `useTool`, whose calls share the budget: make one and keep it
 * @throws TypeError or RangeError that names the option at fault
 */
export function withRetry(
  client: Pick<MCPClientLike, 'useTool'>,
  options: RetryOptions = {},
): Pick<MCPClientLike, 'useTool'> {
  const { attempts, budget, baseDelay, maxDelay } = checked(options)
  const tokens = new RetryBudget(budget)

  async function useTool(toolName: string, parameters?: unknown, options?: UseToolOptions): Promise<unknown> {
    // Before another attempt the caller may have changed the object.
    const json = serialise(toolName, parameters)
    for (let made = 1; ; made++) {
      try {
        const given = made === 1 || json === '' ? parameters : JSON.parse(json)
        const results = await client.useTool<unknown>(toolName, given, options as { responseType?: 'json' })
        tokens.succeeded()
        return results
      } catch (error) {
        if (!isRetryable(error)) throw error
        tokens.failed()
        if (!mayRunAgain(error, options) || made >= attempts || !tokens.allowsRetry) throw error
        await wait(delayAfter(made, baseDelay, maxDelay), options?.signal)
      }
    }
  }
  return { useTool: useTool as MCPClientLike['useTool'] }
}

function checked(options: RetryOptions): Required<RetryOptions> {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`the options of withRetry must be an object, got ${options === null ? 'null' : typeof options}`)
  checkNames(options, OPTIONS, 'withRetry')
  const { attempts = 4, budget = 10, baseDelay = 200, maxDelay = 10_000 } = options
  checkCount('attempts', attempts, 1)
  if (typeof budget !== 'number')
    throw new TypeError(`option "budget" must be a number of tokens, got ${budget === null ? 'null' : typeof budget}`)
  if (!(budget >= 0)) throw new RangeError(`option "budget" must be 0 or more tokens, got ${budget}`)
  checkMillis('baseDelay', baseDelay)
  checkMillis('maxDelay', maxDelay)
  return { attempts, budget, baseDelay, maxDelay }
}

function isRetryable(error: unknown): error is MCPError {
  return error instanceof MCPError && error.retryable
}

/** If `sent` is unknown, the tool may have run. */
function mayRunAgain({ sent }: MCPError, options: UseToolOptions | undefined): boolean {
  return sent === false || options?.idempotent === true
}

const OPTIONS = ['attempts', 'budget', 'baseDelay', 'maxDelay'] satisfies (keyof RetryOptions)[]
