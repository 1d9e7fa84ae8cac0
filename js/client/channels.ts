/**
 * The channels of `node:diagnostics_channel` that tell of all clients. Nothing is made for a channel without a
 * subscriber. Somebody may subscribe at any time, before this module loads too: a channel is known by its name.
 */
import { AsyncResource } from 'node:async_hooks'
import { channel, type Channel } from 'node:diagnostics_channel'
import type { CallTrace, Observed } from '../shared/client/runtime.js'
import { MCPError, MCPToolError } from '../shared/errors.js'
import type { DialReport, ErrorData } from '../shared/native-types.js'
import { withoutThrown } from '../shared/thrown.js'
import type { MCPClientChannels } from '../shared/types.js'

type Message<N extends keyof MCPClientChannels> = MCPClientChannels[N]

/** A message, made only if somebody hears it. */
export function publish<N extends 'mcp-client:state' | 'mcp-client:log'>(name: N, make: () => Message<N>): void {
  const heard = name === 'mcp-client:state' ? states : logs
  if (heard.hasSubscribers) heard.publish(make())
}

/** Whether somebody hears of calls. */
export function tracesCalls(): boolean {
  return calls.hasSubscribers
}

/**
 * Makes a call of which subscribers are told.
 * @param call makes it, and tells the trace how it ends
 */
export function traceCall<T>(context: Message<'mcp-client:call'>, call: (trace: CallTrace) => Promise<T>): Promise<T> {
  return calls.start.runStores(context, () => {
    const trace = new Trace(calls, context)
    const promise = call(trace)
    trace.begun()
    return promise
  })
}

/** Whether somebody hears of dials. */
export function hearsDials(): boolean {
  return dials.hasSubscribers
}

/** Tells that a dial begins. */
export function beginDial(client: Observed, connection: number, url: string): void {
  if (!dials.hasSubscribers) return
  const context: Message<'mcp-client:connect'> = { client: client.id, connection, url }
  dials.start.runStores(context, () => {
    const trace = new Trace(dials, context)
    trace.begun()
    const others = dialsOf.get(client) ?? new Map()
    dialsOf.set(client, others.set(connection, { trace, context }))
  })
}

/** Tells that a dial is over, if it was told that it began. */
export function endDial(client: Observed, report: DialReport, makeError: (error: ErrorData) => MCPError): void {
  const own = dialsOf.get(client)
  const dial = own?.get(report.connection)
  if (own === undefined || dial === undefined) return
  own.delete(report.connection)
  const { proxy, address, duration, phases, error } = report
  Object.assign(dial.context, { proxy, address, duration, phases })
  if (error === null) dial.trace.ended()
  else dial.trace.failed(makeError(error))
}

/**
 * The channels of something that takes time, under the names that a `TracingChannel` gives them. In Bun that class
 * cannot say whether there are subscribers.
 */
class TracingChannels {
  readonly start: Channel
  readonly end: Channel
  readonly asyncStart: Channel
  readonly asyncEnd: Channel
  readonly error: Channel

  constructor(name: string) {
    const named = (event: string) => channel(`tracing:${name}:${event}`)
    this.start = named('start')
    this.end = named('end')
    this.asyncStart = named('asyncStart')
    this.asyncEnd = named('asyncEnd')
    this.error = named('error')
  }

  get hasSubscribers(): boolean {
    return (
      this.start.hasSubscribers ||
      this.asyncEnd.hasSubscribers ||
      this.error.hasSubscribers ||
      this.end.hasSubscribers ||
      this.asyncStart.hasSubscribers
    )
  }
}

/** Tells of one such thing, in the context of whoever began it and of the stores that subscribers have bound. */
class Trace<C extends { error?: unknown }> implements CallTrace {
  readonly #channels: TracingChannels
  readonly #context: C & Partial<Message<'mcp-client:call'>>
  readonly #resource = new AsyncResource('MCPClient')
  /** It has begun, and its code has returned. */
  #isBegun = false
  #isOver = false

  constructor(channels: TracingChannels, context: C) {
    this.#channels = channels
    this.#context = context
  }

  set requestId(id: string | null) {
    if (id !== null) this.#context.requestId = id
  }

  succeeded(resultSize: number | undefined): void {
    Object.assign(this.#context, { sent: true }, resultSize !== undefined && { resultSize })
    this.ended()
  }

  failed(error: unknown): void {
    this.#context.error = withoutThrown(error)
    if (error instanceof MCPError) {
      // An answer proves that the request was sent.
      const { requestId, sent = error instanceof MCPToolError || undefined } = error
      Object.assign(this.#context, requestId !== undefined && { requestId }, sent !== undefined && { sent })
    }
    this.ended()
  }

  /** The code that has begun it returns. */
  begun(): void {
    this.#channels.end.publish(this.#context)
    this.#isBegun = true
    if (this.#isOver) this.#publishEnd()
  }

  /** It is over: with an error, or well. */
  ended(): void {
    this.#isOver = true
    if (this.#isBegun) this.#publishEnd()
  }

  #publishEnd(): void {
    const { error, asyncStart, asyncEnd } = this.#channels
    const context = this.#context
    this.#resource.runInAsyncScope(() => {
      if ('error' in context) error.publish(context)
      asyncStart.publish(context)
      asyncEnd.publish(context)
    })
  }
}

const states = channel('mcp-client:state')
const logs = channel('mcp-client:log')
const calls = new TracingChannels('mcp-client:call')
const dials = new TracingChannels('mcp-client:connect')
/** The dials under way of which somebody was told, by their connections. */
const dialsOf = new WeakMap<Observed, Map<number, Dial>>()

interface Dial {
  readonly trace: Trace<Message<'mcp-client:connect'>>
  readonly context: Message<'mcp-client:connect'>
}
