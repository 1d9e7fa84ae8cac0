/**
 * The instrumentation. It subscribes to the channels that clients publish on, and knows nothing else of them; so it
 * sees the clients of every copy of the package.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  context as contexts,
  metrics,
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
import { attributesOf, detailsOf, errorTypeOf, serverOf, spanNameOf } from './attributes.js'
import { Instruments } from './instruments.js'

type CallContext = MCPClientChannels['mcp-client:call']

/** Options of {@link MCPClientInstrumentation}. */
export interface MCPClientInstrumentationConfig {
  /** Whether to begin at once; if not, `enable()` begins. @default true */
  enabled?: boolean
}

/**
 * Makes a span and measurements of each call of a tool, and counts calls in flight and connections, for all clients of
 * the process, those that were made before included. It has the shape that `registerInstrumentations` and `NodeSDK`
 * take. Names and attributes are those of the semantic conventions for GenAI and MCP. The context of the caller is the
 * parent of the span. Parameters, results and keys are in none of them.
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
  /** Calls in flight, by what the channel tells of them. */
  readonly #calls = new Map<CallContext, ObservedCall>()
  /** The servers of open connections, by the client. */
  readonly #connections = new Map<number, Attributes>()
  readonly #listeners = {
    [CALL_START]: (call: CallContext) => this.#begin(call),
    [STATE]: (message: MCPClientChannels['mcp-client:state']) => this.#count(message),
  } as Record<string, (message: unknown) => void>
  readonly #end = (call: unknown): void => this.#endCall(call as CallContext)

  /** Begins at once, unless `enabled` is false. */
  constructor(config: MCPClientInstrumentationConfig = {}) {
    this.#config = { enabled: true, ...config }
    if (this.#config.enabled) this.enable()
  }

  /** Begins. */
  enable(): void {
    if (this.#isEnabled) return
    this.#isEnabled = true
    for (const [name, listener] of Object.entries(this.#listeners)) subscribe(name, listener)
    if (this.#calls.size === 0) subscribe(CALL_END, this.#end)
  }

  /** Ends. Calls that are in flight are observed until they are settled. */
  disable(): void {
    if (!this.#isEnabled) return
    this.#isEnabled = false
    for (const [name, listener] of Object.entries(this.#listeners)) unsubscribe(name, listener)
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
  #begin(call: CallContext): void {
    const attributes = attributesOf(call)
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
    const failure = 'error' in call ? { 'error.type': errorTypeOf(call.error) } : {}
    this.#measure.calls.add(-1, attributes)
    this.#measure.duration.record((now() - began) / 1000, { ...attributes, ...failure }, trace.setSpan(parent, span))
    span.setAttributes({ ...detailsOf(call), ...failure })
    if ('error' in call) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(call.error) })
    span.end()
    this.#unsubscribeIfDone()
  }

  #unsubscribeIfDone(): void {
    if (!this.#isEnabled && this.#calls.size === 0) unsubscribe(CALL_END, this.#end)
  }

  /** Of a client that was connected before, the first change of its state tells it. */
  #count({ client, snapshot }: MCPClientChannels['mcp-client:state']): void {
    const counted = this.#connections.get(client)
    if (snapshot.connected === (counted !== undefined)) return
    const server = counted ?? serverOf(snapshot.url)
    this.#measure.connections.add(snapshot.connected ? 1 : -1, server)
    if (snapshot.connected) this.#connections.set(client, server)
    else this.#connections.delete(client)
  }
}

interface ObservedCall {
  readonly span: Span
  readonly attributes: Attributes
  readonly parent: Context
  readonly began: number
}

const STATE = 'mcp-client:state'
const CALL_START = 'tracing:mcp-client:call:start'
const CALL_END = 'tracing:mcp-client:call:asyncEnd'

/** Taken when the module is loaded: fake timers replace it. */
const { performance } = globalThis
const now = performance.now.bind(performance)
