/**
 * What a client needs of where it runs, and what differs between Node.js and a page. Nothing here knows either of them:
 * the class that users see installs its own before any client is made.
 */
import type { MCPError } from '../errors.js'
import type { DIALED, InternalEvents } from '../internals.js'
import type { ErrorData, Notice } from '../native-types.js'
import type { ConnectionSnapshot, ConnectionState, LogEntry, MCPClientChannels, MCPClientOptions } from '../types.js'
import type { Binding, NativeClient } from './binding.js'

/** Where a client runs. */
export interface Runtime {
  /** A client is about to be made: what takes time may begin. */
  readonly prepare?: () => void
  /**
   * Loads the binding, once.
   * @throws Error with cause and remedy
   */
  loadBinding(): Binding
  /** ms, monotonic. */
  now(): number
  /** Runs what has nothing to do with whoever calls. */
  runApart<T>(act: () => T): T
  /** Schedules what has nothing to do with whoever calls, for the next turn of the event loop. */
  scheduleApart(act: () => void): void
  /** What the code of a new client's user runs in; `null` if that is nothing. */
  contextOfClient(): Context | null
  /** An environment variable, if it is there and not empty. */
  environment(name: string): string | undefined
  /**
   * @param url an endpoint
   * @throws Error if a permission model denies the network
   */
  checkNetwork(url: string): void
  /**
   * The options as the core takes them, as far as they say how to reach an endpoint.
   * @throws TypeError for one that cannot be used here
   */
  routeOptions(options: MCPClientOptions): object
  /** Answers what the core of this runtime asks and others do not: an item of this kind for this client. */
  readonly answer?: (client: Answering, kind: number, number: number, text: string) => void
  /** Settles the calls of an item with many results. Only where the core has such items. */
  readonly settleResults?: (text: string) => void
  /** Takes the zone of an IPv6 address out of a URL. Only where an address may have one. */
  readonly withoutZone?: (url: string) => [rest: string, zone: string]
  /** The client whose 'close' made the current code run, if one did, as far as that is known. */
  closedBefore(): Replaceable | undefined
  /**
   * The client that a new one takes the place of, if that was not known when the new one was made: its listeners, which
   * it has now, may show it. Only asked if it listens for 'close' like a WebSocket.
   */
  predecessorOf(client: Replaceable): Replaceable | undefined
  /** Runs the 'close' listeners of a client. */
  runAfterClose(client: Replaceable, listeners: () => void): void
  /** What observes all clients, besides their own listeners, where there is such a thing. */
  readonly observers?: Observers
}

/** A client, as far as its core is answered. */
export interface Answering {
  readonly native: NativeClient
  readonly errors: { proxyFailure: unknown }
  /** The option `proxy` if it is a function. */
  readonly askProxy: ((server: string) => unknown) | null
  /** Runs code of the user. */
  inContext(act: () => void): void
}

/** What observes all clients. */
export interface Observers {
  /** Whether somebody hears of calls. */
  tracesCalls(): boolean
  /**
   * Makes a call of which somebody hears.
   * @param call makes it, and tells the trace how it ends
   */
  traceCall<T>(context: MCPClientChannels['mcp-client:call'], call: (trace: CallTrace) => Promise<T>): Promise<T>
  /** The state of a client has changed. */
  observeState(client: Observed, snapshot: ConnectionSnapshot, previous: ConnectionState): void
  /** A client has logged something. */
  observeLog(client: Observed, entry: LogEntry): void
  /** Whether somebody hears of dials. */
  hearsDials(): boolean
  /** A dial begins, or is over: then `tell` tells those who listen to the client. */
  observeDial(client: Dialing, notice: DialNotice, tell: (...told: InternalEvents[typeof DIALED]) => void): void
}

/** A client, as far as its observers know it. */
export interface Observed {
  readonly id: number
}

/** A client, as far as its dials are observed. */
export interface Dialing extends Observed {
  readonly native: NativeClient
  readonly errors: { reason(error: ErrorData): MCPError }
}

/** What the core tells of a dial. */
export type DialNotice = Extract<Notice, { type: 'dialing' | 'dialed' }>

/** Tells somebody how a call ends. */
export interface CallTrace {
  requestId: string | null
  /** @param resultSize bytes, if they are known */
  succeeded(resultSize: number | undefined): void
  failed(error: unknown): void
}

/** An asynchronous context. While it is held, its stores are. */
export interface Context {
  runInAsyncScope(act: () => void): void
}

/** A client that a new one may replace. */
export interface Replaceable {
  readonly url: string
  /** The API key, or the function that returns it. */
  readonly key: unknown
  /** It is waiting for another connection, or is used like a WebSocket and in no other way. */
  readonly isReplaceable: boolean
  /** The code of its 'close' listeners. */
  readonly closeListeners: string
  /** Closes it. */
  replace(): void
}

export let runtime: Runtime

/** Whether a client may take the place of another one, and does. */
export function replaces({ url, key }: Pick<Replaceable, 'url' | 'key'>, other: Replaceable | undefined): boolean {
  if (other === undefined || !isTheSameEndpoint(other.url, url) || other.key !== key || !other.isReplaceable)
    return false
  other.replace()
  return true
}

/** Without the query, in which some put a token or the time. */
export function isTheSameEndpoint(one: string, other: string): boolean {
  return one.split('?')[0] === other.split('?')[0]
}

/** Installs the one runtime of this copy of the package. */
export function runIn(given: Runtime): void {
  runtime = given
}
