/**
 * The instrumentation. It subscribes to the channels that clients publish on, and knows nothing else of them; so it
 * sees the clients of every copy of the package.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  context as contexts,
  metrics,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type MeterProvider,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { messageOf } from '../shared/foreign.js'
import type { MCPClientChannels } from '../shared/types.js'
import {
  attributesOfCall,
  attributesOfDial,
  detailsOfCall,
  detailsOfDial,
  failureOf,
  serverOf,
  spanNameOf,
  type CallContext,
  type DialContext,
} from './attributes.js'
import { Instruments } from './instruments.js'

type StateMessage = MCPClientChannels['mcp-client:state']

/** Options of {@link MCPClientInstrumentation}. */
export interface MCPClientInstrumentationConfig {
  /** Whether to begin at once; if not, `enable()` begins. @default true */
  enabled?: boolean
}

/**
 * Makes a span and measurements of each call of a tool, a span of each dial, and counts calls in flight and
 * connections, for all clients of the process, those that were made before included. It has the shape that
 * `registerInstrumentations` and `NodeSDK` take. Names and attributes are those of the semantic conventions for GenAI
 * and MCP. The context of the caller is the parent of a call's span. Parameters, results and keys are in none of them.
 */
export class MCPClientInstrumentation {
  /** The name of the tracer and of the meter. */
  readonly instrumentationName = '@mcp-integration/client'
  /** The version of this package. */
  readonly instrumentationVersion = PACKAGE_VERSION
  #config: MCPClientInstrumentationConfig
  #tracer: Tracer = trace.getTracer(this.instrumentationName, this.instrumentationVersion)
  #instruments: Instruments | undefined
  #isEnabled = false
  /** Calls and dials under way, by what the channels tell of them. */
  readonly #calls = new Map<CallContext, ObservedCall>()
  readonly #dials = new Map<DialContext, ObservedDial>()
  /** The servers of open connections, by the client. */
  readonly #connections = new Map<number, Attributes>()
  readonly #begin: Listeners = [
    ['tracing:mcp-client:call:start', (call) => this.#beginCall(call as CallContext)],
    ['tracing:mcp-client:connect:start', (dial) => this.#beginDial(dial as DialContext)],
    ['mcp-client:state', (message) => this.#count(message as StateMessage)],
  ]
  /** Subscribed until what has begun is over. */
  readonly #end: Listeners = [
    ['tracing:mcp-client:call:asyncEnd', (call) => this.#endCall(call as CallContext)],
    ['tracing:mcp-client:connect:asyncEnd', (dial) => this.#endDial(dial as DialContext)],
  ]

  /** Begins at once, unless `enabled` is false. */
  constructor(config: MCPClientInstrumentationConfig = {}) {
    this.#config = { enabled: true, ...config }
    if (this.#config.enabled) this.enable()
  }

  /** Begins. */
  enable(): void {
    if (this.#isEnabled) return
    if (!this.#isBusy) for (const listener of this.#end) subscribe(...listener)
    for (const listener of this.#begin) subscribe(...listener)
    this.#isEnabled = true
  }

  /** Ends. What has begun, calls in flight say, is observed until it is over. */
  disable(): void {
    if (!this.#isEnabled) return
    this.#isEnabled = false
    for (const listener of this.#begin) unsubscribe(...listener)
    for (const server of this.#connections.values()) this.#measure.connections.add(-1, server)
    this.#connections.clear()
    this.#unsubscribeIfDone()
  }

  /** Sets where spans go; by default to the global provider. */
  setTracerProvider(provider: TracerProvider): void {
    this.#tracer = provider.getTracer(this.instrumentationName, this.instrumentationVersion)
  }

  /** Sets where measurements go; by default to the provider that is the global one at the first call or connection. */
  setMeterProvider(provider: MeterProvider): void {
    this.#instruments = new Instruments(provider.getMeter(this.instrumentationName, this.instrumentationVersion))
  }

  /** Sets what `getConfig()` returns. It neither begins nor ends. */
  setConfig(config: MCPClientInstrumentationConfig): void {
    this.#config = config
  }

  /** The options. */
  getConfig(): MCPClientInstrumentationConfig {
    return this.#config
  }

  get #measure(): Instruments {
    if (this.#instruments === undefined) this.setMeterProvider(metrics.getMeterProvider())
    return this.#instruments!
  }

  /** Runs in the context of the caller. */
  #beginCall(call: CallContext): void {
    const attributes = attributesOfCall(call)
    const parent = contexts.active()
    const span = this.#tracer.startSpan(spanNameOf(call), { kind: SpanKind.CLIENT, attributes }, parent)
    this.#calls.set(call, { span, attributes, parent, began: now() })
    this.#measure.calls.add(1, attributes)
  }

  #endCall(call: CallContext): void {
    const observed = this.#calls.get(call)
    if (observed === undefined) return
    this.#calls.delete(call)
    const { span, attributes, parent, began } = observed
    const failure = failureOf(call)
    this.#measure.calls.add(-1, attributes)
    this.#measure.duration.record((now() - began) / 1000, { ...attributes, ...failure }, trace.setSpan(parent, span))
    span.setAttributes(detailsOfCall(call))
    this.#finish(span, call)
  }

  /** A dial has no caller: the client makes it by itself. */
  #beginDial(dial: DialContext): void {
    const attributes = attributesOfDial(dial)
    const span = this.#tracer.startSpan('connect', { kind: SpanKind.CLIENT, attributes, root: true }, ROOT_CONTEXT)
    this.#dials.set(dial, { span, began: wallClock() })
  }

  #endDial(dial: DialContext): void {
    const observed = this.#dials.get(dial)
    if (observed === undefined) return
    this.#dials.delete(dial)
    const { span, began } = observed
    span.setAttributes(detailsOfDial(dial))
    for (const { phase, start, duration } of dial.phases ?? [])
      span.addEvent(phase, { 'mcp_client.phase.duration': duration / 1000 }, began + start)
    this.#finish(span, dial)
  }

  #finish(span: Span, context: CallContext | DialContext): void {
    span.setAttributes(failureOf(context))
    if ('error' in context) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(context.error) })
    span.end()
    this.#unsubscribeIfDone()
  }

  get #isBusy(): boolean {
    return this.#calls.size > 0 || this.#dials.size > 0
  }

  #unsubscribeIfDone(): void {
    if (this.#isEnabled || this.#isBusy) return
    for (const listener of this.#end) unsubscribe(...listener)
  }

  /** Of a client that was connected before, the first change of its state tells it. */
  #count({ client, snapshot }: StateMessage): void {
    const counted = this.#connections.get(client)
    if (snapshot.connected === (counted !== undefined)) return
    const server = counted ?? serverOf(snapshot.url)
    this.#measure.connections.add(snapshot.connected ? 1 : -1, server)
    if (snapshot.connected) this.#connections.set(client, server)
    else this.#connections.delete(client)
  }
}

type Listeners = readonly [channel: string, listener: (message: unknown) => void][]

interface ObservedCall {
  readonly span: Span
  readonly attributes: Attributes
  readonly parent: Context
  /** By `now()`. */
  readonly began: number
}

interface ObservedDial {
  readonly span: Span
  /** ms since 1970. */
  readonly began: number
}

/** Taken when the module is loaded: fake timers replace them. */
const { performance } = globalThis
const now = performance.now.bind(performance)
const { now: wallClock } = Date
