/**
 * The core as JavaScript sees it, whatever is between them: the addon, or WebAssembly. js/native/binding.d.ts describes
 * each function.
 */

/** A binding, loaded. */
export interface Binding {
  /** `slotsOf` tells what waits for a client. */
  readonly Mailbox: new (
    wake: (...item: Item) => void,
    beginTurn: () => void,
    slotsOf: (client: number) => number[],
  ) => Mailbox
  readonly NativeClient: new (mailbox: any, id: number, options: string) => NativeClient
  requestFunction(): RequestFunction
  flushFunction(): FlushFunction
}

/** Makes a tool request. The client is what its `number` returns. */
export type RequestFunction = (
  client: any,
  slot: number,
  name: string,
  parameters: string,
  timeout: number,
  flags: number,
) => number | string | undefined

/** Writes the calls of a client, now or soon. Returns whether the mailbox has something of it, such as a refusal. */
export type FlushFunction = (client: any) => boolean

/** An item of the mailbox. The payload is `null` if V8 has no room for it. */
export type Item = [
  kind: number,
  a: number,
  b: number,
  payload: string | Uint8Array | null | undefined,
  hasMore: boolean,
]

/**
 * The kind of an item besides those of `ITEM`: the core of client `a` has come to an end by a bug, and settles nothing
 * any more. The payload is the JSON of an `ErrorData`, and of the slots that it leaves. Where the core is native, a bug
 * does not end it.
 */
export const BROKEN = -1

/**
 * What came from the core, for all clients. It calls `wake` with the first item of a turn of the event loop. If a turn
 * is its own, and none of whoever uses a client, it calls `beginTurn` before.
 */
export interface Mailbox {
  take(): Item | null
  isEmpty(): boolean
  hold(hold: boolean): void
}

/** The core's half of a client. */
export interface NativeClient {
  id(): number
  /** Its number in the binding; in a page the object itself. */
  number(): unknown
  connect(slot: number): string
  reconnect(slot: number): string
  authenticate(token: string | null, slot: number): string
  close(code: number, reason: string, drain: number, slot: number): string
  abort(key: number): boolean
  /** Only where calls are traced. */
  requestId?(key: number): string | null
  discardResults(slot: number): void
  tools(timeout: number, flags: number, slot: number): number | string
  sendToolRequest(name: string, parameters: string): string | null
  send(text: string): boolean
  answerToken(connection: number, token: string, expiresAt: number | null): void
  answerUrls(asked: number, urls: string[]): boolean
  failUrls(asked: number, thrown: string): void
  endpoint(): number
  failToken(connection: number, thrown: string): void
  /** Only the addon asks for these three. */
  answerProxy?(connection: number, answer: string | null): void
  resume?(): void
  answerRoots?(pem: string): void
  openTold(): void
  setInterest(interest: number): void
  warn(message: string): void
  snapshot(): string
  stats(): string
  dump(): string
  awaitCommit(): void
  bufferedAmount(): number
  /** Not in a page, whose core tells of no dial. */
  page?(path: string, limit: number, answer: (json: string) => void): void
  requestTimeout(): number
}
