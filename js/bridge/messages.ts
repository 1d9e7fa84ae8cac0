/**
 * The messages between the two ends of a bridge, and the checks of incoming ones. Every message is an object of plain
 * values, which structured clone and JSON both preserve, except for the bytes of a `buffer` result. Parameters are sent
 * as the JSON that the caller's end has made of them.
 */
import type { ErrorData, Snapshot } from '../shared/native-types.js'
import type { ClientStats, ConnectionState } from '../shared/types.js'

/** The version of these messages, the same at both ends. It rises if an older end would misunderstand a newer one. */
export const VERSION = 1

/** Events that are sent only while they have listeners. */
export const ON_DEMAND = ['message', 'heartbeat', 'log'] as const
export type OnDemand = (typeof ON_DEMAND)[number]

/** Options of a call that the serving end needs. */
export interface CallOptions {
  readonly timeout?: number | undefined
  readonly idempotent?: boolean | undefined
  readonly responseType?: 'json' | 'buffer' | undefined
}

/** From the end that uses the client. */
export type ToServer =
  | { readonly type: 'hello' }
  | { readonly type: 'listen'; readonly events: readonly OnDemand[] }
  | {
      readonly type: 'call'
      readonly id: number
      readonly tool: string
      readonly parameters: string
      readonly options: CallOptions
    }
  | { readonly type: 'cancel'; readonly id: number }
  | {
      readonly type: 'command'
      readonly id: number
      readonly name: CommandName
      readonly token: string | null
      readonly seen: ConnectionState
    }
  | { readonly type: 'request'; readonly id: string; readonly tool: string; readonly parameters: string }
  | { readonly type: 'send'; readonly text: string }
  | { readonly type: 'stats' }
  | { readonly type: 'bye' }

export type CommandName = 'connect' | 'reconnect' | 'authenticate'

/** From the end where the client is. */
export type ToClient =
  | {
      readonly type: 'welcome'
      readonly snapshot: Snapshot
      readonly stats: ClientStats
      readonly allowMessages: boolean
      /** The client's timeout of calls, in ms; missing if it is unknown. */
      readonly requestTimeout?: number | undefined
    }
  | {
      readonly type: 'state'
      readonly snapshot: Snapshot
      readonly previous: ConnectionState
      readonly stats: ClientStats
    }
  | { readonly type: 'event'; readonly name: EventName; readonly detail?: unknown }
  | { readonly type: 'done'; readonly id: number; readonly value?: unknown; readonly bytes?: Uint8Array | undefined }
  | { readonly type: 'failed'; readonly id: number; readonly error: BridgeError }
  | { readonly type: 'stats'; readonly stats: ClientStats }
  | { readonly type: 'bye'; readonly error?: BridgeError | undefined }

export type EventName =
  | 'open'
  | 'authenticated'
  | 'message'
  | 'close'
  | 'reconnecting'
  | 'heartbeat'
  | 'failed'
  | 'error'
  | 'log'

/** An error as the native core reports it. Without a code it is one of JavaScript, with its name. */
export interface BridgeError extends ErrorData {
  readonly name?: string | undefined
}

/** A message that has passed its check, or what is wrong with it. */
export type Checked<Message> =
  | { readonly message: Message; readonly problem: null }
  | { readonly message: null; readonly problem: string }

export function checkToServer(value: unknown): Checked<ToServer> {
  return check<ToServer>(value, TO_SERVER)
}

export function checkToClient(value: unknown): Checked<ToClient> {
  return check<ToClient>(value, TO_CLIENT)
}

/** The version of a message; `null` if it is not a message of the bridge. */
export function versionOf(value: unknown): number | null {
  return isObject(value) && isCount(value.mcpBridge) ? value.mcpBridge : null
}

/** `message` is the message whose field is tested. */
type Test = (value: unknown, message?: Record<string, unknown>) => boolean
type Shape = Readonly<Record<string, Test>>
type Shapes<Type extends string = string> = Readonly<Record<Type, Shape>>

function check<Message>(value: unknown, shapes: Shapes): Checked<Message> {
  const problem = problemOf(value, shapes)
  return problem === null ? { message: value as Message, problem } : { message: null, problem }
}

function problemOf(value: unknown, shapes: Shapes): string | null {
  const version = versionOf(value)
  if (version === null) return 'it is not a message of the bridge'
  if (version !== VERSION) return `it has version ${version} of the bridge, and this end ${VERSION}`
  const message = value as Record<string, unknown>
  const { type } = message
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) return 'its type is unknown'
  const wrong = Object.entries(shapes[type] ?? {}).find(([field, test]) => !test(message[field], message))
  return wrong === undefined ? null : `the field "${wrong[0]}" of "${type}" is invalid`
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isName: Test = (value) => isText(value) && value !== ''
const isFlag: Test = (value) => typeof value === 'boolean'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isMillis: Test = (value) => typeof value === 'number' && value >= 0
const isAnything: Test = () => true
const isOneOf =
  (...values: readonly unknown[]): Test =>
  (value) =>
    values.includes(value)
const isEither =
  (...tests: readonly Test[]): Test =>
  (value) =>
    tests.some((test) => test(value))
const isMissing: Test = (value) => value === undefined || value === null
const isListOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.length <= ON_DEMAND.length && value.every((entry) => test(entry))
const hasShape =
  (shape: Shape): Test =>
  (value) =>
    isObject(value) && Object.entries(shape).every(([field, test]) => test(value[field]))

const isState = isOneOf(
  ...Object.keys({
    idle: 0,
    connecting: 0,
    authenticating: 0,
    ready: 0,
    unauthorized: 0,
    reconnecting: 0,
    closing: 0,
    closed: 0,
    failed: 0,
  } satisfies Record<ConnectionState, 0>),
)
const isError = hasShape({ code: isText, message: isText, retryable: isFlag })
const isSnapshot = hasShape({
  state: isState,
  connected: isFlag,
  authenticated: isFlag,
  url: isText,
  attempt: isCount,
  retryDelay: isEither(isMissing, isMillis),
  retryAt: isEither(isMissing, isMillis),
  error: isEither(isMissing, isError),
  revision: isCount,
})
const isStats = hasShape({
  state: isState,
  pending: isCount,
  requests: isCount,
  heartbeatRtt: isObject,
  requestLatency: isObject,
})
const isCallOptions = hasShape({
  timeout: isEither(isMissing, isMillis),
  idempotent: isEither(isMissing, isFlag),
  responseType: isEither(isMissing, isOneOf('json', 'buffer')),
})

/** What each event contains. */
const DETAILS: Readonly<Record<EventName, Test>> = {
  open: isAnything,
  authenticated: isAnything,
  message: isAnything,
  close: hasShape({ code: isCount, reason: isText, wasClean: isFlag, explanation: isText, willReconnect: isFlag }),
  reconnecting: hasShape({ attempt: isCount, maxAttempts: isEither(isMissing, isCount), delay: isMillis }),
  heartbeat: hasShape({ rtt: isMillis }),
  failed: isError,
  error: isError,
  log: hasShape({ level: isOneOf('error', 'warn', 'info', 'debug'), message: isText, fields: isObject }),
}

const TO_SERVER: Shapes<ToServer['type']> = {
  hello: {},
  listen: { events: isListOf(isOneOf(...ON_DEMAND)) },
  call: { id: isCount, tool: isName, parameters: isText, options: isCallOptions },
  cancel: { id: isCount },
  command: {
    id: isCount,
    name: isOneOf('connect', 'reconnect', 'authenticate'),
    token: isEither(isMissing, isText),
    seen: isState,
  },
  request: { id: isName, tool: isName, parameters: isText },
  send: { text: isText },
  stats: {},
  bye: {},
}

const TO_CLIENT: Shapes<ToClient['type']> = {
  welcome: {
    snapshot: isSnapshot,
    stats: isStats,
    allowMessages: isFlag,
    requestTimeout: isEither(isMissing, isMillis),
  },
  state: { snapshot: isSnapshot, previous: isState, stats: isStats },
  event: {
    name: isOneOf(...Object.keys(DETAILS)),
    detail: (detail, message) => DETAILS[message?.name as EventName](detail),
  },
  done: { id: isCount, bytes: isEither(isMissing, (value) => ArrayBuffer.isView(value)) },
  failed: { id: isCount, error: isError },
  stats: { stats: isStats },
  bye: { error: isEither(isMissing, isError) },
}
