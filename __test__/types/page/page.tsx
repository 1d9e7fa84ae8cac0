/** Code of a page as users write it, without a type of Node.js: it must compile, and what is wrong must not. */
import { useState, type ReactElement } from 'react'
import {
  connectBridge,
  connectClient,
  MCPToolError,
  serveClient,
  webSocketPort,
  type MCPClientLike,
} from '@mcp-integration/client/bridge'
import { connectMain } from '@mcp-integration/client/electron/renderer'
import { mapTools, withRetry } from '@mcp-integration/client/retry'
import { type MCPError, MCPProvider, useMCPWebSocket } from '@mcp-integration/client/react'

interface Found {
  items: { title: string; url?: string; snippet: string }[]
}

declare module '@mcp-integration/client/react' {
  interface MCPTools {
    add: { parameters: { a: number; b: number }; results: { sum: number } }
  }
}

/** Compiles only for exactly this type. */
type Exactly<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<T extends true>(): T | undefined {
  return undefined
}

export function Search(): ReactElement {
  const [titles, setTitles] = useState<string[]>([])
  const { connected, authenticated, error, connect, reconnect, sendMessage, useTool, callTool, snapshot } =
    useMCPWebSocket({
      apiKey: 'your-api-key',
      autoConnect: true,
      onMessage: (message) => isTrue<Exactly<typeof message, unknown>>(),
      requestTimeout: 5_000,
    })
  isTrue<Exactly<typeof error, MCPError | null>>()
  const search = async () => {
    const { items } = await useTool<Found>('web_search', { query: 'x' })
    setTitles(items.map(({ title }) => title))
    const { sum } = await callTool('add', { a: 1, b: 2 })
    isTrue<Exactly<typeof sum, number>>()
    // @ts-expect-error a parameter is missing
    await callTool('add', { a: 1 })
    const sent = sendMessage({ any: sum })
    isTrue<Exactly<typeof sent, boolean>>()
    await connect()
    await reconnect()
  }
  return (
    <button type="button" disabled={!connected || !authenticated} onClick={() => void search()}>
      {error?.message ?? snapshot.state} {titles.length}
    </button>
  )
}

export function App({ client }: { client: MCPClientLike }): ReactElement {
  return (
    <MCPProvider client={client}>
      <Search />
      text, and another child
    </MCPProvider>
  )
}

export async function ports(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const far = connectClient(port1)
  far.on('state', ({ state }) => state satisfies string).once('close', ({ code }) => code + 1)
  connectClient(new Worker('x.js'))
  connectClient(self as unknown as DedicatedWorker)
  connectClient(webSocketPort(new WebSocket('ws://x'), { pingInterval: 5 }))
  const bridged = connectBridge('/bridge', { WebSocket, protocols: ['mcp'], maxReconnectAttempts: Infinity })
  bridged.on('bridge', ({ state, attempt, error }) => state === 'open' && attempt + 1 && error?.code)
  bridged.on('state', ({ state }) => state satisfies string).off('open', () => {})
  bridged.bridge.state satisfies 'connecting' | 'open' | 'reconnecting' | 'closed' | 'failed'
  const served = serveClient(far, port2, {
    allowTools: (tool) => tool === 'echo',
    allowMessages: true,
    allowControl: false,
    allowObserving: ['pushes', 'logs', 'stats', 'url'],
    maxCalls: 5,
    maxCommands: 5,
    maxBufferedAmount: 5,
    maxIdLength: 5,
    onLog: ({ message }) => message,
  })
  await served.closed
  await far
    .useTool('echo', {}, { responseType: 'buffer', signal: AbortSignal.timeout(5) })
    .then((bytes) => bytes satisfies Uint8Array)
  const main: MCPClientLike = connectMain()
  await mapTools(withRetry(main), 'echo', [{ a: 1 }], { signal: AbortSignal.timeout(5) })
  await main.close()
  window.mcpClientBridge
    ?.open(
      () => {},
      () => {},
    )
    .close()
  try {
    await far.useTool('echo')
  } catch (error) {
    if (error instanceof MCPToolError) isTrue<Exactly<typeof error.toolCode, string | null>>()
  }
}

interface DedicatedWorker {
  postMessage(message: any): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  close(): void
}

// @ts-expect-error the option does not exist
void (() => useMCPWebSocket({ autoconnect: true }))
// @ts-expect-error a provider needs a client
void (<MCPProvider />)
// @ts-expect-error a port takes messages
void (() => connectClient({ on() {} }))
// @ts-expect-error there is no such thing to observe
void (() => serveClient(connectMain(), new MessageChannel().port1, { allowObserving: ['keys'] }))
// @ts-expect-error the option does not exist
void (() => serveClient(connectMain(), new MessageChannel().port1, { allowTool: [] }))
