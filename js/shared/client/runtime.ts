/**
 * What a client needs of where it runs, and what differs between Node.js and a page. Nothing here knows either of them:
 * the class that users see installs its own before any client is made.
 */
import type { MCPClientOptions } from '../types.js'
import type { Binding, NativeClient } from './binding.js'

/** Where a client runs. */
export interface Runtime {
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
  /** Has the core try again after so many ms. */
  resumeAfter(native: NativeClient, ms: number): void
  /** Gives the core the certificates that the runtime brings. */
  answerRoots(native: NativeClient): void
  /** The client whose 'close' made the current code run, if one did. */
  closedBefore(): Replaceable | undefined
  /** Called when a client is made. Returns whether it replaces one whose 'close' led to it. */
  replaceClosed(url: string, key: unknown): boolean
  /** Runs the 'close' listeners of a client. */
  runAfterClose(client: Replaceable, listeners: () => void): void
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
  /** Closes it. */
  replace(): void
}

export let runtime: Runtime

/** Installs the one runtime of this copy of the package. */
export function runIn(given: Runtime): void {
  runtime = given
}
