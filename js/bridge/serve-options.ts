/** What the far end of a port may do and observe, and the limits of a port. */
import { checkName } from '../shared/arguments.js'
import { checkNames } from '../shared/option-names.js'
import type { LogEntry } from '../shared/types.js'

/** What a far end can observe of a client: the server's pushes, log entries, the counters, the URL. */
export type Observable = 'pushes' | 'logs' | 'stats' | 'url'

/** What the far end may do. */
export interface ServeClientOptions {
  /**
   * The tools that may be called: their names, or a function that returns whether a call is allowed.
   * @default all
   */
  allowTools?: readonly string[] | ((toolName: string, parameters: unknown) => boolean) | undefined
  /** Whether `sendMessage` works. It bypasses `allowTools`, and can authenticate again. @default false */
  allowMessages?: boolean | undefined
  /**
   * Whether `reconnect` and `authenticate` work, and `connect` reopens a client that is closed or has failed.
   * @default false
   */
  allowControl?: boolean | undefined
  /**
   * What the far end may observe, besides the state and the answers to its own requests: everything, nothing, or a list
   * of `'pushes'` (messages that answer no request), `'logs'`, `'stats'` (heartbeats included) and `'url'`.
   * @default true, but false with `allowTools: []`
   */
  allowObserving?: boolean | readonly Observable[] | undefined
  /** How many calls of this port may be in flight; another one rejects with QUEUE_FULL. @default 4096 */
  maxCalls?: number | undefined
  /** How many commands of this port, such as `connect()`, may wait; another one rejects with QUEUE_FULL. @default 64 */
  maxCommands?: number | undefined
  /**
   * How many bytes may wait to be sent to the far end, if the port knows (a WebSocket does). Beyond that, calls reject
   * with QUEUE_FULL instead of sending their results; if other messages add as many bytes again, the port is closed.
   * Also how large the parameters of all calls in flight may be together: another call rejects with QUEUE_FULL.
   * @default 8388608
   */
  maxBufferedAmount?: number | undefined
  /** How many characters the id of a request that the far end sends may have. @default 128 */
  maxIdLength?: number | undefined
  /** Called for messages that were dropped, because malformed or not allowed. @default `console.warn` */
  onLog?: ((entry: LogEntry) => void) | undefined
}

/** The limits of one port. */
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
  // A misspelt option would allow what it was meant to forbid.
  checkNames(options, OPTIONS, 'serveClient')
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
const OPTIONS = ['allowTools', 'allowMessages', 'allowControl', 'allowObserving', ...LIMITS, 'onLog']
