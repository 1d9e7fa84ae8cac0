/**
 * What is needed of the global object, taken when this module loads: fake timers and the environments of test runners
 * replace parts of it later. All of it is in pages, in workers, and in the other runtimes of JavaScript.
 */
const scope = globalThis as unknown as Scope

export const { setTimeout: later, clearTimeout: cancel, WebSocket, WebAssembly, crypto, fetch, URL } = scope

/** ms, monotonic. */
export const now: () => number = scope.performance.now.bind(scope.performance)

/** ms since 1970. */
export const wallClock: () => number = scope.Date.now.bind(scope.Date)

/** The part of the global object that is used. */
interface Scope {
  readonly setTimeout: (act: () => void, ms: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
  readonly WebSocket: WebSocketClass | undefined
  readonly WebAssembly: typeof globalThis.WebAssembly | undefined
  readonly crypto: { getRandomValues(bytes: Uint8Array): void }
  readonly fetch: typeof globalThis.fetch
  readonly URL: typeof globalThis.URL
  readonly performance: { now(): number }
  readonly Date: { now(): number }
  readonly MessageChannel: typeof globalThis.MessageChannel
  readonly setImmediate?: (act: () => void) => unknown
}

/** The WebSocket of a browser, as far as it is used. */
export interface PageSocket {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  onopen: ((event: unknown) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null
  onerror: ((event: { message?: unknown; error?: unknown }) => void) | null
  send(text: string): void
  close(code?: number, reason?: string): void
}

type WebSocketClass = new (url: string, protocols: string[]) => PageSocket

const waiting: (() => void)[] = []

/** Runs something in a task of its own, soon. A timer of 0 ms would wait for 4 ms after some of them. */
export const nextTurn: (act: () => void) => void =
  scope.setImmediate === undefined ? postTurn : (scope.setImmediate as (act: () => void) => void)

function postTurn(act: () => void): void {
  waiting.push(act)
  channel().port2.postMessage(null)
}

let made: MessageChannel | undefined

function channel(): MessageChannel {
  if (made === undefined) {
    made = new scope.MessageChannel()
    made.port1.onmessage = () => waiting.shift()?.()
  }
  return made
}
