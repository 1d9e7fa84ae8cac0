/** `mapTools`: one tool, many calls, a bounded number at once. */
import { checkName } from '../shared/arguments.js'
import { checkNames } from '../shared/option-names.js'
import type { MCPClientLike, MCPTools, ParametersOf, ResultsOf, Undeclared, UseToolOptions } from '../shared/types.js'
import { checkCount } from './count.js'

/** Options of {@link mapTools}. */
export interface MapToolsOptions extends Pick<UseToolOptions, 'timeout' | 'signal' | 'idempotent'> {
  /** How many calls are in flight at most; Infinity for no limit. @default 8 */
  concurrency?: number
}

/**
 * Calls a tool once for each element of a list, a bounded number of calls at once. One that fails does not keep the
 * others from being made. Once the signal has aborted, no further call is made.
 * @param client a client of any kind, or what `withRetry` returned
 * @param list the parameters of each call
 * @param options also `timeout`, `signal` and `idempotent`, as `useTool` takes them
 * @returns a promise of the outcome of each call, in order, as `Promise.allSettled` has them. It rejects
 * only if an argument cannot be used: with a TypeError or RangeError, or with what the list has thrown
 */
export function mapTools<K extends keyof MCPTools & string>(
  client: Pick<MCPClientLike, 'useTool'>,
  toolName: K,
  list: Iterable<ParametersOf<MCPTools[K]>>,
  options?: MapToolsOptions,
): Promise<PromiseSettledResult<ResultsOf<MCPTools[K]>>[]>
/** Calls a tool that is not declared in {@link MCPTools} once for each element of a list. */
export function mapTools<T = unknown, N extends string = string>(
  client: Pick<MCPClientLike, 'useTool'>,
  toolName: Undeclared<N>,
  list: Iterable<unknown>,
  options?: MapToolsOptions,
): Promise<PromiseSettledResult<T>[]>
export async function mapTools(
  client: Pick<MCPClientLike, 'useTool'>,
  toolName: string,
  list: Iterable<unknown>,
  options: MapToolsOptions = {},
): Promise<PromiseSettledResult<unknown>[]> {
  checkName(toolName)
  const { concurrency, ...callOptions } = checked(options)
  const all = [...checkedList(list)]
  const outcomes = new Array<PromiseSettledResult<unknown>>(all.length)
  let next = 0
  const callNext = async (): Promise<void> => {
    for (let index = next++; index < all.length; index = next++)
      outcomes[index] = await outcomeOf(client, toolName, all[index], callOptions)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, all.length) }, callNext))
  return outcomes
}

async function outcomeOf(
  client: Pick<MCPClientLike, 'useTool'>,
  toolName: string,
  parameters: unknown,
  options: UseToolOptions,
): Promise<PromiseSettledResult<unknown>> {
  if (options.signal?.aborted) return { status: 'rejected', reason: options.signal.reason }
  const call = client.useTool<unknown>(toolName, parameters, options as { responseType?: 'json' })
  const [outcome] = await Promise.allSettled([call])
  return outcome
}

function checked(options: MapToolsOptions): MapToolsOptions & { concurrency: number } {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`the options of mapTools must be an object, got ${options === null ? 'null' : typeof options}`)
  checkNames(options, OPTIONS, 'mapTools')
  const { concurrency = 8 } = options
  checkCount('concurrency', concurrency, 1)
  return { ...options, concurrency }
}

function checkedList(list: unknown): Iterable<unknown> {
  if (typeof list === 'object' && list !== null && Symbol.iterator in list) return list as Iterable<unknown>
  throw new TypeError(`mapTools takes a list of parameters, got ${list === null ? 'null' : typeof list}`)
}

const OPTIONS = ['concurrency', 'timeout', 'signal', 'idempotent'] satisfies (keyof MapToolsOptions)[]
