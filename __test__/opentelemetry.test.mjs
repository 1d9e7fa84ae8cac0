/** The instrumentation for OpenTelemetry, with its real SDK: what arrives at a receiver of OTLP. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { MCPClientInstrumentation } from '@mcp-integration/client/opentelemetry'
import { open, reached, ready, rejection } from './helpers/client.mjs'
import { codesOf, parseDocument, tablesUnder } from './helpers/markdown.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { receive } from './helpers/otlp-receiver.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

const NAME = '@mcp-integration/client'
const contextManager = new AsyncLocalStorageContextManager().enable()
before(() => context.setGlobalContextManager(contextManager))
after(() => contextManager.disable())

/** The SDK as a program has it, and a receiver. `flush` resolves when the receiver has everything. */
async function sdk(t, config) {
  const receiver = await receive()
  const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  const metricExporter = new OTLPMetricExporter({ url: `${receiver.url}/v1/metrics` })
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 2 ** 30 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const instrumentation = new MCPClientInstrumentation(config)
  instrumentation.setTracerProvider(tracerProvider)
  instrumentation.setMeterProvider(meterProvider)
  t.after(async () => {
    instrumentation.disable()
    await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()])
    await receiver.close()
  })
  const flush = () => Promise.all([tracerProvider.forceFlush(), meterProvider.forceFlush()])
  return { receiver, instrumentation, tracer: tracerProvider.getTracer('test'), tracerProvider, meterProvider, flush }
}

/** The spans of calls. */
async function callsOf({ receiver, flush }) {
  await flush()
  return receiver.spans().filter(({ scope, name }) => scope.name === NAME && name !== 'connect')
}

describe('a call', () => {
  test('is a span of the client, named and described by the conventions', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const client = await ready(t, server)
    await client.useTool('echo', { secret: 'parameter' })
    const { id } = await server.nextRequest()
    const [span, ...others] = await callsOf(telemetry)
    assert.deepEqual(others, [])
    // The enumeration of OTLP begins with "unspecified".
    assert.deepEqual([span.name, span.kind], ['tools/call echo', SpanKind.CLIENT + 1])
    assert.deepEqual(span.attributes, {
      [conventions.ATTR_MCP_METHOD_NAME]: conventions.MCP_METHOD_NAME_VALUE_TOOLS_CALL,
      [conventions.ATTR_GEN_AI_OPERATION_NAME]: conventions.GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL,
      [conventions.ATTR_GEN_AI_TOOL_NAME]: 'echo',
      [conventions.ATTR_NETWORK_PROTOCOL_NAME]: 'websocket',
      [conventions.ATTR_NETWORK_TRANSPORT]: conventions.NETWORK_TRANSPORT_VALUE_TCP,
      [conventions.ATTR_SERVER_ADDRESS]: '127.0.0.1',
      [conventions.ATTR_SERVER_PORT]: server.port,
      'mcp_client.id': client.id,
      'mcp_client.request.id': id,
      'mcp_client.request.sent': true,
      'mcp_client.result.size': '{"secret":"parameter"}'.length,
    })
    assert.equal(span.status.code ?? 0, SpanStatusCode.UNSET)
    assert.doesNotMatch(JSON.stringify(span), /secret|parameter/)
  })

  test('has the span of its caller as its parent, with several clients and many callers at once', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const clients = [await ready(t, server), await ready(t, server)]
    const callers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        telemetry.tracer.startActiveSpan(`caller ${n}`, async (span) => {
          await clients[n % 2].useTool('sleep', { ms: n % 5 })
          await clients[n % 2].useTool('echo')
          assert.equal(trace.getActiveSpan(), span)
          span.end()
          return span.spanContext()
        }),
      ),
    )
    const spans = await callsOf(telemetry)
    for (const { traceId, spanId } of callers) {
      const children = spans.filter((span) => span.parentSpanId === spanId)
      assert.deepEqual(
        children.map(({ name }) => name),
        ['tools/call sleep', 'tools/call echo'],
      )
      assert.ok(children.every((span) => span.traceId === traceId))
    }
    assert.equal(spans.length, 40)
  })

  test('without a caller’s span begins a trace', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const client = await ready(t, server)
    await client.useTool('echo')
    const [span] = await callsOf(telemetry)
    assert.equal(span.parentSpanId ?? '', '')
  })

  test('that fails has the kind of the failure, and its words', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const client = await ready(t, server)
    const failed = await rejection(client.useTool('fail'))
    const running = rejection(client.useTool('sleep', { ms: 60_000 }))
    await server.nextRequest()
    await server.nextRequest()
    await server.terminateAll()
    const lost = await running
    await rejection(client.useTool('echo', {}, { signal: AbortSignal.abort() }))
    const spans = await callsOf(telemetry)
    assert.deepEqual(
      spans.map(({ attributes, status }) => [attributes['error.type'], status.code, status.message]),
      [
        ['tool_error', SpanStatusCode.ERROR, failed.message],
        ['CONNECTION_LOST', SpanStatusCode.ERROR, lost.message],
        ['AbortError', SpanStatusCode.ERROR, 'This operation was aborted'],
      ],
    )
    assert.deepEqual(
      spans.map(({ attributes }) => attributes['mcp_client.request.sent']),
      [true, true, undefined],
    )
  })

  test('is measured in seconds, in the buckets of the conventions, apart by tool and failure', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const client = await ready(t, server)
    await client.useTool('sleep', { ms: 30 })
    await client.useTool('echo')
    await client.useTool('echo')
    await rejection(client.useTool('fail'))
    await telemetry.flush()
    const { unit, points } = telemetry.receiver.metric(conventions.METRIC_MCP_CLIENT_OPERATION_DURATION)
    assert.equal(unit, 's')
    const told = points.map(({ attributes, count }) => [
      attributes['gen_ai.tool.name'],
      attributes['error.type'],
      Number(count),
    ])
    assert.deepEqual(told.sort(), [
      ['echo', undefined, 2],
      ['fail', 'tool_error', 1],
      ['sleep', undefined, 1],
    ])
    for (const { explicitBounds, attributes } of points) {
      assert.deepEqual(explicitBounds, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300])
      assert.deepEqual(
        Object.keys(attributes).filter((name) => name.startsWith('mcp_client')),
        [],
      )
      assert.equal(attributes['server.port'], server.port)
    }
    const { sum } = points.find(({ attributes }) => attributes['gen_ai.tool.name'] === 'sleep')
    assert.ok(sum > 0.02 && sum < 30, `${sum} s`)
  })
})

test('a dial is a span of its own, with its phases as events, and the error of one that fails', async (t) => {
  const [server, telemetry] = [await listen(t), await sdk(t)]
  await telemetry.tracer.startActiveSpan('maker', async (span) => {
    const client = open(t, server.url.replace('127.0.0.1', 'localhost'))
    await client.connect()
    const refused = open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false })
    await rejection(refused.connect())
    span.end()
  })
  await telemetry.flush()
  const [opened, failed] = telemetry.receiver.spans().filter(({ name }) => name === 'connect')
  assert.equal(opened.parentSpanId ?? '', '')
  const { 'mcp_client.id': id, ...rest } = opened.attributes
  assert.equal(typeof id, 'number')
  assert.deepEqual(rest, {
    [conventions.ATTR_NETWORK_PROTOCOL_NAME]: 'websocket',
    [conventions.ATTR_NETWORK_TRANSPORT]: conventions.NETWORK_TRANSPORT_VALUE_TCP,
    [conventions.ATTR_SERVER_ADDRESS]: 'localhost',
    [conventions.ATTR_SERVER_PORT]: server.port,
    [conventions.ATTR_NETWORK_PEER_ADDRESS]: '127.0.0.1',
    [conventions.ATTR_NETWORK_PEER_PORT]: server.port,
    'mcp_client.connection': 1,
  })
  assert.deepEqual(
    opened.events.map(({ name }) => name),
    ['name', 'tcp', 'upgrade'],
  )
  for (const { timeUnixNano, attributes } of opened.events) {
    assert.ok(Math.abs(Number(timeUnixNano) - Number(opened.startTimeUnixNano)) < 60e9)
    assert.equal(attributes[0].key, 'mcp_client.phase.duration')
  }
  assert.deepEqual(
    [failed.attributes['error.type'], failed.status.code, opened.status.code ?? 0],
    ['CONNECT_FAILED', SpanStatusCode.ERROR, SpanStatusCode.UNSET],
  )
  assert.match(failed.status.message, /connection refused/)
})

test('calls in flight and open connections are counted, up and down', async (t) => {
  const [server, telemetry] = [await listen(t), await sdk(t)]
  const countOf = async (name) => {
    await telemetry.flush()
    const { points, isMonotonic } = telemetry.receiver.metric(name)
    assert.equal(isMonotonic ?? false, false)
    assert.ok(points.every(({ attributes }) => attributes['server.port'] === server.port))
    return points.reduce((sum, { asInt, asDouble }) => sum + Number(asInt ?? asDouble), 0)
  }
  const clients = [await ready(t, server), await ready(t, server)]
  assert.equal(await countOf('mcp.client.open_connections'), 2)
  const stop = new AbortController()
  const calls = [1, 2, 3].map(() => rejection(clients[0].useTool('sleep', { ms: 60_000 }, { signal: stop.signal })))
  assert.equal(await countOf('mcp.client.active_requests'), 3)
  stop.abort()
  await Promise.all(calls)
  assert.equal(await countOf('mcp.client.active_requests'), 0)

  const lost = Promise.all(clients.map((client) => reached(client, 'reconnecting')))
  await server.terminateAll()
  await lost
  await Promise.all(clients.map((client) => client.connect()))
  assert.equal(await countOf('mcp.client.open_connections'), 2)
  await clients[0].close()
  assert.equal(await countOf('mcp.client.open_connections'), 1)
  telemetry.instrumentation.disable()
  assert.equal(await countOf('mcp.client.open_connections'), 0)
})

describe('the instrumentation', () => {
  afterEach(() => {
    trace.disable()
    metrics.disable()
  })

  test('is enabled by registerInstrumentations, with the providers that are given there', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t, { enabled: false })]
    const client = await ready(t, server)
    const { instrumentation, tracerProvider, meterProvider } = telemetry
    await client.useTool('echo', 'before')
    const unregister = registerInstrumentations({ instrumentations: [instrumentation], tracerProvider, meterProvider })
    await client.useTool('echo', 'with')
    unregister()
    await client.useTool('echo', 'after')
    const spans = await callsOf(telemetry)
    assert.equal(spans.length, 1)
    assert.equal(spans[0].scope.version, instrumentation.instrumentationVersion)
  })

  test('uses the global providers if none are given, also those that come later', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t, { enabled: false })]
    const instrumentation = new MCPClientInstrumentation()
    t.after(() => instrumentation.disable())
    trace.setGlobalTracerProvider(telemetry.tracerProvider)
    metrics.setGlobalMeterProvider(telemetry.meterProvider)
    const client = open(t, server)
    await client.useTool('echo')
    assert.equal((await callsOf(telemetry)).length, 1)
    const { points } = telemetry.receiver.metric('mcp.client.operation.duration')
    assert.equal(points.length, 1)
  })

  test('when disabled, still ends the spans of calls in flight', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const client = await ready(t, server)
    const call = client.useTool('sleep', { ms: 5 })
    telemetry.instrumentation.disable()
    await call
    await client.useTool('echo')
    assert.deepEqual(
      (await callsOf(telemetry)).map(({ name }) => name),
      ['tools/call sleep'],
    )
    const { points } = telemetry.receiver.metric('mcp.client.active_requests')
    assert.equal(Number(points[0].asInt ?? points[0].asDouble), 0)
  })

  test('may be enabled and disabled again, and twice', async (t) => {
    const [server, telemetry] = [await listen(t), await sdk(t)]
    const client = await ready(t, server)
    const { instrumentation } = telemetry
    instrumentation.enable()
    instrumentation.disable()
    instrumentation.disable()
    await client.useTool('echo', 'unseen')
    instrumentation.enable()
    await client.useTool('echo', 'seen')
    assert.equal((await callsOf(telemetry)).length, 1)
    assert.deepEqual(instrumentation.getConfig(), { enabled: true })
  })

  test('knows the server of every kind of endpoint', async (t) => {
    const telemetry = await sdk(t)
    for (const url of ['wss://mcp.example', 'ws://[::1]:81', 'ws://mcp.example']) {
      const client = open(t, url, { autoConnect: false })
      await rejection(client.useTool('echo'))
    }
    const spans = await callsOf(telemetry)
    assert.deepEqual(
      spans.map(({ attributes }) => [attributes['server.address'], attributes['server.port']]),
      [
        ['mcp.example', 443],
        ['::1', 81],
        ['mcp.example', 80],
      ],
    )
  })
})

test('docs/operating.md lists every attribute and metric', async (t) => {
  const [server, telemetry] = [await listen(t), await sdk(t)]
  const client = await ready(t, server)
  await client.useTool('echo')
  await rejection(client.useTool('fail'))
  await telemetry.flush()
  const spans = telemetry.receiver.spans().filter(({ scope }) => scope.name === NAME)
  const events = spans.flatMap((span) => span.events.flatMap(({ attributes }) => attributes.map(({ key }) => key)))
  const used = new Set([...spans.flatMap(({ attributes }) => Object.keys(attributes)), ...events])
  const page = parseDocument('docs/operating.md', readFileSync(join(ROOT, 'docs/operating.md'), 'utf8'))
  const [, attributes, measured] = tablesUnder(page, 'Traces and metrics')
  const documented = attributes.flatMap(({ attribute }) => codesOf(attribute))
  // No proxy stands between this client and its server.
  assert.deepEqual(documented.filter((name) => name !== 'mcp_client.proxy').sort(), [...used].sort())
  assert.deepEqual(measured.map(({ metric }) => codesOf(metric)[0]).sort(), telemetry.receiver.metricNames().sort())
})
