/** A client of a page itself, as users write it, without a type of Node.js. */
import {
  MCPClient,
  MCPError,
  MCPToolError,
  WS_ERROR_CODES,
  type ConnectionState,
  type MCPClientLike,
  type MCPClientOptions,
} from '@mcp-integration/client'
import { MCPClient as Inline } from '@mcp-integration/client/portable/inline'
import { MCPClient as Portable } from '@mcp-integration/client/portable'

export async function live(): Promise<number> {
  const options: MCPClientOptions = { apiKey: () => ({ token: 'key', expiresAt: new Date() }), requestTimeout: 5_000 }
  const client: MCPClientLike & AsyncDisposable = new MCPClient('/mcp-ws', options)
  client.on('state', (snapshot, previous: ConnectionState) => console.log(snapshot.state, previous))
  client.once('close', ({ code }) => console.log(WS_ERROR_CODES[code]))
  const bytes: Uint8Array = await client.useTool('any', {}, { responseType: 'buffer' })
  const { error } = client
  if (error instanceof MCPToolError) console.log(error.toolCode)
  if (error instanceof MCPError) console.log(error.code)
  const socket: WebSocket['onmessage'] = new MCPClient().onmessage
  // @ts-expect-error: it is no EventEmitter
  new MCPClient().emit('state')
  // @ts-expect-error: there is no such option
  new MCPClient({ timeout: 5 })
  return bytes.byteLength + (socket === null ? 0 : 1)
}

export const SAME: [typeof MCPClient, typeof MCPClient] = [Portable, Inline]
