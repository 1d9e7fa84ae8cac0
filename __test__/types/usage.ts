/** Code as users write it: it must compile, and what is wrong must not. */
import { subscribe } from 'node:diagnostics_channel'
import type { Transport } from '@modelcontextprotocol/client'
import { trace } from '@opentelemetry/api'
import { MCPClient, MCPError, MCPToolError, WS_ERROR_CODES } from '@mcp-integration/client'
import type {
  ConnectionState,
  MCPClientChannels,
  MCPClientLike,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolsWithoutRequiredParameters,
  Undeclared,
  UseToolOptions,
} from '@mcp-integration/client'
import type * as bridge from '@mcp-integration/client/bridge'
import type * as react from '@mcp-integration/client/react'
import { WebSocketClientTransport } from '@mcp-integration/client/mcp-transport'
import { MCPClientInstrumentation } from '@mcp-integration/client/opentelemetry'
import { mapTools, withRetry } from '@mcp-integration/client/retry'
import { FaultProxy, MCPTestServer, type FaultProxyConnection } from '@mcp-integration/client/testing'

declare module '@mcp-integration/client' {
  interface MCPTools {
    add: { parameters: { a: number; b: number }; results: { sum: number } }
    now: { parameters: { zone?: string }; results: string }
    anything: { results: boolean }
  }
}

/** Compiles only for exactly this type. */
type Exactly<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<T extends true>(): T | undefined {
  return undefined
}

export async function use(): Promise<void> {
  await using server = await MCPTestServer.listen({ port: 0, tokens: ['key'], tools: { add: (p) => p } })
  await using client = new MCPClient(server.url, { apiKey: async () => 'key', reconnectJitter: 'full' })

  await using proxy = await FaultProxy.listen({
    target: server.url,
    faults: (n, random) => ({ toClient: { endAfter: n * random() } }),
  })
  proxy.on('connection', (connection) => isTrue<Exactly<typeof connection, FaultProxyConnection>>())
  proxy.setFaults({ toServer: { latency: 5 } })
  // @ts-expect-error a fault belongs to a direction
  proxy.setFaults({ latency: 5 })

  const declared = await client.useTool('add', { a: 1, b: 2 })
  isTrue<Exactly<typeof declared, { sum: number }>>()
  const given = await client.useTool<{ items: string[] }>(
    'web_search',
    { query: 'x' },
    { timeout: 5, signal: AbortSignal.timeout(5) },
  )
  isTrue<Exactly<typeof given, { items: string[] }>>()
  const unknown = await client.useTool('other')
  isTrue<Exactly<typeof unknown, unknown>>()
  const bytes = await client.useTool('other', null, { responseType: 'buffer' })
  bytes.equals(Buffer.from(''))

  // A declared tool has its own parameters, with parsed results and with bytes.
  // @ts-expect-error a parameter has the wrong type
  await client.useTool('add', { a: '1', b: 2 })
  // @ts-expect-error a parameter is missing
  await client.useTool('add', { a: 1 })
  // @ts-expect-error a parameter is misspelt
  await client.useTool('add', { a: 1, B: 2 })
  // @ts-expect-error its parameters are missing
  await client.useTool('add')
  // @ts-expect-error a parameter has the wrong type
  await client.useTool('add', { a: '1', b: 2 }, { responseType: 'buffer' })
  // @ts-expect-error a parameter has the wrong type
  await client.useTool('now', { zone: 5 })
  const sum = await client.useTool('add', { a: 1, b: 2 }, { responseType: 'buffer' })
  isTrue<Exactly<typeof sum, Buffer>>()
  const now = await client.useTool('now')
  isTrue<Exactly<typeof now, string>>()
  const zoned = await client.useTool('now', { zone: 'UTC' }, { timeout: 5 })
  isTrue<Exactly<typeof zoned, string>>()
  const anything = await client.useTool('anything', 5)
  isTrue<Exactly<typeof anything, boolean>>()
  isTrue<Exactly<ToolsWithoutRequiredParameters, 'now' | 'anything'>>()

  // What observes all clients.
  subscribe('mcp-client:state', (message) => {
    const { snapshot, previous } = message as MCPClientChannels['mcp-client:state']
    isTrue<Exactly<typeof snapshot.state, typeof previous>>()
  })
  const call = {} as MCPClientChannels['mcp-client:call']
  isTrue<Exactly<typeof call.sent, boolean | undefined>>()
  const dial = {} as MCPClientChannels['mcp-client:connect']
  dial.phases?.map(({ phase, start, duration }) => `${phase} ${start + duration}`)
  const instrumentation = new MCPClientInstrumentation({ enabled: false })
  instrumentation.setTracerProvider(trace.getTracerProvider())
  // @ts-expect-error the option does not exist
  new MCPClientInstrumentation({ enable: false })

  // What the client of the MCP SDK takes.
  const transport: Transport = new WebSocketClientTransport('wss://x', { headers: { a: 'b' }, heartbeatInterval: 5 })
  await transport.close()
  // @ts-expect-error the option does not exist
  new WebSocketClientTransport('wss://x', { apiKey: 'b' })

  // What repeats calls, and lists of them, are typed by the tool's name too.
  const retrying = withRetry(client, { attempts: 3, budget: Infinity })
  const retried = await retrying.useTool('add', { a: 1, b: 2 })
  isTrue<Exactly<typeof retried, { sum: number }>>()
  // @ts-expect-error a parameter is missing
  await retrying.useTool('add', { a: 1 })
  const sums = await mapTools(retrying, 'add', [{ a: 1, b: 2 }], { concurrency: 2, timeout: 5 })
  isTrue<Exactly<typeof sums, PromiseSettledResult<{ sum: number }>[]>>()
  // @ts-expect-error a parameter is missing
  await mapTools(client, 'add', [{ a: 1 }])
  const others = await mapTools<number>(client, 'other', new Set([1, 2]))
  isTrue<Exactly<typeof others, PromiseSettledResult<number>[]>>()
  // @ts-expect-error results are parsed
  await mapTools(client, 'other', [], { responseType: 'buffer' })

  // A name that is known only when the program runs, and an explicit result type.
  const name: string = 'add'
  isTrue<Exactly<Awaited<ReturnType<typeof byName>>, unknown>>()
  const byName = () => client.useTool(name, { any: 1 })
  const explicit = await client.useTool<number>('add', { any: 1 })
  isTrue<Exactly<typeof explicit, number>>()
  await new Wrapper(client).call('add', { a: 1, b: 2 })
  await new Wrapper(client).other('other', { any: 1 })
  // @ts-expect-error a parameter is missing
  await new Wrapper(client).call('add', { a: 1 })
  // @ts-expect-error a declared tool
  await new Wrapper(client).other('add', { any: 1 })
  isTrue<Exactly<bridge.ParametersOf<bridge.MCPTools['add']>, react.ParametersOf<react.MCPTools['add']>>>()

  // @ts-expect-error an event is misspelt
  client.on('conect', () => {})
  // @ts-expect-error an event is misspelt
  client.once('conect', () => {})
  // @ts-expect-error an event is misspelt
  client.off('conect', () => {})
  // @ts-expect-error an option of close is misspelt
  await client.close({ drian: 5 })

  client.on('state', ({ state, error }, previous) => {
    isTrue<Exactly<typeof state, ConnectionState>>()
    isTrue<Exactly<typeof previous, ConnectionState>>()
    isTrue<Exactly<typeof error, MCPError | null>>()
  })
  client.once('reconnecting', ({ attempt, maxAttempts, delay }) => attempt + maxAttempts + delay)
  // @ts-expect-error a listener of 'close' gets an object
  client.on('close', (code: number) => code)

  const like: MCPClientLike = client
  await like.close({ code: 1000, reason: '', drain: 5 })
  await client.close(1000, 'bye')

  const socket = new MCPClient('ws://127.0.0.1/mcp-ws')
  socket.onmessage = (event) => event.data
  socket.addEventListener('open', () => {}, { once: true })
  if (socket.readyState === MCPClient.OPEN) socket.send('')

  const words: string | undefined = WS_ERROR_CODES[1000]
  try {
    await client.useTool('add', { a: 1, b: 2 })
  } catch (error) {
    if (error instanceof MCPToolError) isTrue<Exactly<typeof error.toolCode, string | null>>()
    else if (error instanceof MCPError && error.sent === false) console.log(error.code, error.retryable, words)
  }
}

/** A wrapper has all the types that it needs. */
class Wrapper {
  readonly #client: MCPClientLike

  constructor(client: MCPClientLike) {
    this.#client = client
  }

  call<K extends keyof MCPTools & string>(
    toolName: K,
    parameters: ParametersOf<MCPTools[K]>,
    options: Omit<UseToolOptions, 'responseType'> = {},
  ): Promise<ResultsOf<MCPTools[K]>> {
    return this.#client.useTool(toolName, parameters, options)
  }

  other<N extends string>(toolName: Undeclared<N>, parameters: unknown): Promise<unknown> {
    return this.#client.useTool(toolName, parameters)
  }
}

// @ts-expect-error the option does not exist
new MCPClient({ timeout: 5 })
// @ts-expect-error 'half' is no jitter
new MCPClient({ reconnectJitter: 'half' })
