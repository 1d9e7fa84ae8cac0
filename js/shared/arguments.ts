/**
 * Checks the arguments of calls, and writes parameters as JSON. Needs nothing of Node.js: pages use it too.
 */
import { checkCloseFrame } from './close-codes.js'
import { messageOf } from './foreign.js'
import { checkNames } from './option-names.js'
import type { CloseOptions, ToolsOptions, UseToolOptions } from './types.js'

/** @throws TypeError */
export function checkName(toolName: unknown): void {
  if (typeof toolName === 'string' && toolName !== '') return
  throw new TypeError(`the tool's name must be a non-empty string, got ${toolName === '' ? "''" : typeof toolName}`)
}

/** @throws TypeError or RangeError that names the option at fault */
export function checkCallOptions(options: UseToolOptions): void {
  checkWaitOptions(options, CALL_OPTIONS, 'useTool')
  const { responseType, idempotent } = options
  if (idempotent !== undefined && typeof idempotent !== 'boolean') {
    throw new TypeError(
      `option "idempotent" must be true or false, got ${idempotent === null ? 'null' : typeof idempotent}`,
    )
  }
  if (responseType !== undefined && responseType !== 'json' && responseType !== 'buffer') {
    throw new TypeError(`option "responseType" must be 'json' or 'buffer', got ${String(responseType)}`)
  }
}

/** @throws TypeError or RangeError that names the option at fault */
export function checkToolsOptions(options: ToolsOptions): void {
  checkWaitOptions(options, TOOLS_OPTIONS, 'tools')
}

function checkWaitOptions(options: ToolsOptions, names: readonly string[], of: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of ${of} must be an object, got ${options === null ? 'null' : typeof options}`)
  }
  checkNames(options, names, of)
  const { timeout, signal } = options
  if (timeout !== undefined) checkMillis('timeout', timeout)
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw new TypeError('option "signal" must be an AbortSignal')
  }
}

/**
 * The arguments of `close()`: options, or a code and a reason as a WebSocket takes them.
 * @throws TypeError or RangeError that names what is wrong
 */
export function closeOptionsOf(first: unknown, second?: unknown): Required<CloseOptions> {
  if (typeof first !== 'number' && (typeof first !== 'object' || first === null)) {
    const got = first === null ? 'null' : typeof first
    throw new TypeError(`close() takes an object of options, or a code and a reason, got ${got}`)
  }
  if (typeof first === 'object') checkNames(first, CLOSE_OPTIONS, 'close')
  const given = (typeof first === 'number' ? { code: first, reason: second } : first) as CloseOptions
  const { code = 1000, reason = '', drain = 0 } = given
  checkCloseFrame(code, reason)
  checkMillis('drain', drain)
  return { code, reason, drain }
}

/**
 * @param what what the key is called in the error; the key itself is not shown
 * @throws TypeError for a key that no server can mean
 */
export function checkKey(what: string, key: string): void {
  if (key === '') throw new TypeError(`${what} is empty: give a key, or leave it out to connect as 'anonymous'`)
  if (/[\r\n]/.test(key)) throw new TypeError(`${what} contains a line break: read from a file, it needs trim()`)
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
    throw new TypeError(`the parameters of "${toolName}" cannot be written as JSON: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Of the options of `MCPClient.useTool`: the parameters are JSON already, a string that is sent as it stands. It is for
 * the command line, whose numbers may have more digits than JavaScript keeps, and no part of the public types. There
 * are copies of this module: the symbol is one for all.
 */
export const PARAMETERS_ARE_JSON = Symbol.for('@mcp-integration/client parameters are JSON')

const CALL_OPTIONS = ['timeout', 'signal', 'idempotent', 'responseType'] satisfies (keyof UseToolOptions)[]
const TOOLS_OPTIONS = ['timeout', 'signal'] satisfies (keyof ToolsOptions)[]
const CLOSE_OPTIONS = ['code', 'reason', 'drain'] satisfies (keyof CloseOptions)[]
