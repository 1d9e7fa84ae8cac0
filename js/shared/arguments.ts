/**
 * Checks the arguments of calls, and writes parameters as JSON. Needs nothing of Node.js: pages use it too.
 */
import type { UseToolOptions } from './types.js'

/** @throws TypeError */
export function checkName(toolName: unknown): void {
  if (typeof toolName === 'string' && toolName !== '') return
  throw new TypeError(`the tool's name must be a non-empty string, got ${toolName === '' ? "''" : typeof toolName}`)
}

/** @throws TypeError or RangeError that names the option at fault */
export function checkCallOptions(options: UseToolOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of useTool must be an object, got ${options === null ? 'null' : typeof options}`)
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new TypeError(`unknown option "${name}" of useTool: use ${[...OPTIONS].join(', ')}`)
  }
  if (options.timeout !== undefined) checkMillis('timeout', options.timeout)
  const { signal, responseType, idempotent } = options
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw new TypeError('option "signal" must be an AbortSignal')
  }
  if (idempotent !== undefined && typeof idempotent !== 'boolean') {
    throw new TypeError(
      `option "idempotent" must be true or false, got ${idempotent === null ? 'null' : typeof idempotent}`,
    )
  }
  if (responseType !== undefined && responseType !== 'json' && responseType !== 'buffer') {
    throw new TypeError(`option "responseType" must be 'json' or 'buffer', got ${String(responseType)}`)
  }
}

/** @throws TypeError or RangeError that names the option */
export function checkMillis(option: string, value: unknown): void {
  if (typeof value !== 'number')
    throw new TypeError(`option "${option}" must be a number of ms, got ${value === null ? 'null' : typeof value}`)
  if (!(value >= 0 && value <= 2_147_483_647))
    throw new RangeError(`option "${option}" must be from 0 to 2147483647 ms, got ${value}`)
}

/**
 * The parameters as JSON; empty if there are none.
 * @throws TypeError, with the error of `JSON.stringify` as its cause
 */
export function serialise(toolName: string, parameters: unknown): string {
  try {
    return JSON.stringify(parameters) ?? ''
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new TypeError(`the parameters of "${toolName}" cannot be written as JSON: ${words}`, { cause })
  }
}

/**
 * Of the options of `MCPClient.useTool`: the parameters are JSON already, a string that is sent as it stands. It is for
 * the command line, whose numbers may have more digits than JavaScript keeps, and no part of the public types. There
 * are copies of this module: the symbol is one for all.
 */
export const PARAMETERS_ARE_JSON = Symbol.for('@mcp-integration/client parameters are JSON')

const OPTIONS = new Set(['timeout', 'signal', 'idempotent', 'responseType'])
