/** What the far end of a served port may do, hear and take up. */
import { checkName } from '../shared/arguments.js'
import type { LogEntry } from '../shared/types.js'

/** What can be heard of a client by one who calls no tool. */
export type Observable = 'pushes' | 'logs' | 'stats' | 'url'

/** What the far end may do. */
export interface ServeClientOptions {
  /**
   * The tools that may be called, by name, or a function that says so of each call.
   * @default all
   */
  allowTools?: readonly string[] | ((toolName: string, parameters: unknown) => boolean) | undefined
  /** `sendMessage` works. It gets round `allowTools`, and can authenticate anew. @default false */
  allowMessages?: boolean | undefined
  /** `reconnect` and `authenticate` work, and `connect` opens again what was closed or has failed. @default false */
  allowControl?: boolean | undefined
  /**
   * What may be heard beside answers and the state: all, nothing, or a list of `'pushes'` (what the server says
   * unasked), `'logs'`, `'stats'` and `'url'`.
   * @default true; with `allowTools: []`, false
   */
  allowObserving?: boolean | readonly Observable[] | undefined
  /** Calls of this port in flight at once; one more rejects with QUEUE_FULL. @default 4096 */
  maxCalls?: number | undefined
  /** Commands of this port that wait at once, `connect()` among them; one more rejects with QUEUE_FULL. @default 64 */
  maxCommands?: number | undefined
  /**
   * Bytes. That many may wait for a far end that does not read, where the port knows it (a WebSocket does): further
   * results reject with QUEUE_FULL, and the port is closed if as much again waits of other messages. The parameters of
   * calls in flight have the same bound: one more call rejects with QUEUE_FULL. @default 8388608
   */
  maxBufferedAmount?: number | undefined
  /** Characters of an id that the far end gives its requests. @default 128 */
  maxIdLength?: number | undefined
  /** Gets what was dropped for being malformed, or not allowed. @default `console.warn` with the message */
  onLog?: ((entry: LogEntry) => void) | undefined
}

/** The bounds of one port. */
export interface PortLimits {
  readonly maxCalls: number
  readonly maxCommands: number
  readonly maxBufferedAmount: number
  readonly maxIdLength: number
}

/** @throws TypeError or RangeError that names the option */
export function checkServeOptions(options: ServeClientOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('the options of serveClient must be an object')
  // One that is misspelt would allow what it was to forbid.
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name))
      throw new TypeError(`"${name}" is not an option of serveClient: use ${[...OPTIONS].join(', ')}`)
  }
  const { allowTools, allowMessages, allowControl, allowObserving, onLog } = options
  if (Array.isArray(allowTools)) allowTools.forEach(checkName)
  else if (allowTools !== undefined && typeof allowTools !== 'function')
    throw new TypeError('option "allowTools" must be an array of names or a function')
  for (const [name, value] of Object.entries({ allowMessages, allowControl })) {
    if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`option "${name}" must be true or false`)
  }
  checkObserving(allowObserving)
  for (const name of LIMITS) checkLimit(name, options[name])
  if (onLog !== undefined && typeof onLog !== 'function') throw new TypeError('option "onLog" must be a function')
}

export function limitsOf(options: ServeClientOptions): PortLimits {
  return {
    maxCalls: options.maxCalls ?? 4_096,
    maxCommands: options.maxCommands ?? 64,
    maxBufferedAmount: options.maxBufferedAmount ?? 8 << 20,
    maxIdLength: options.maxIdLength ?? 128,
  }
}

export function mayObserve({ allowTools, allowObserving }: ServeClientOptions, what: Observable): boolean {
  if (allowObserving === undefined) return !(Array.isArray(allowTools) && allowTools.length === 0)
  return typeof allowObserving === 'boolean' ? allowObserving : allowObserving.includes(what)
}

function checkObserving(value: ServeClientOptions['allowObserving']): void {
  if (value === undefined || typeof value === 'boolean') return
  if (Array.isArray(value) && value.every((what) => OBSERVABLES.has(what))) return
  throw new TypeError(`option "allowObserving" must be true, false or an array of ${[...OBSERVABLES].join(', ')}`)
}

function checkLimit(name: keyof PortLimits, value: unknown): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) return
  throw new RangeError(`option "${name}" must be a whole number above 0, got ${String(value)}`)
}

const LIMITS = ['maxCalls', 'maxCommands', 'maxBufferedAmount', 'maxIdLength'] as const
const OBSERVABLES: ReadonlySet<string> = new Set<Observable>(['pushes', 'logs', 'stats', 'url'])
const OPTIONS = new Set(['allowTools', 'allowMessages', 'allowControl', 'allowObserving', ...LIMITS, 'onLog'])
