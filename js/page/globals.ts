/**
 * What is needed of the global object, taken when this module loads: fake timers and the environments of test runners
 * replace parts of it later. All of it is in pages, in workers, and in the other runtimes of JavaScript.
 */
const scope = globalThis as unknown as Scope

export const { setTimeout: later, clearTimeout: cancel, WebSocket, WebAssembly, crypto, fetch } = scope

export const { MessageChannel, setImmediate } = scope

/** ms, monotonic. */
export const now: () => number = scope.performance.now.bind(scope.performance)

/** ms since 1970. */
export const wallClock: () => number = scope.Date.now.bind(scope.Date)

interface Scope {
  readonly setTimeout: (act: () => void, ms: number) => unknown
  readonly clearTimeout: (timer: unknown) => void
  readonly WebSocket: (new (url: string, protocols: string[]) => PageSocket) | undefined
  readonly WebAssembly: WebAssemblyApi | undefined
  readonly crypto: { getRandomValues(bytes: Uint8Array): Uint8Array }
  readonly fetch: typeof globalThis.fetch
  readonly performance: { now(): number }
  readonly Date: { now(): number }
  readonly MessageChannel: typeof globalThis.MessageChannel | undefined
  readonly setImmediate: ((act: () => void) => unknown) | undefined
}

/** The WebSocket of a page, as far as it is used. */
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

/** A module that was compiled. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string
}

/** WebAssembly, as far as it is used. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (module: WasmModule) => { readonly exports: object }
  compile(bytes: Uint8Array): Promise<WasmModule>
  compileStreaming(response: Response): Promise<WasmModule>
}
