/** Code as users write it: it must compile, and what is wrong must not. */
import { MCPClient, MCPError, MCPToolError, WS_ERROR_CODES } from '@mcp-integration/client'
import type { ConnectionState, MCPClientLike } from '@mcp-integration/client'
import { FaultProxy, MCPTestServer, type FaultProxyConnection } from '@mcp-integration/client/testing'

declare module '@mcp-integration/client' {
  interface MCPTools {
    add: { parameters: { a: number; b: number }; results: { sum: number } }
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

// @ts-expect-error the option does not exist
new MCPClient({ timeout: 5 })
// @ts-expect-error 'half' is no jitter
new MCPClient({ reconnectJitter: 'half' })
