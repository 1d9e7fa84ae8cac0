/** The public types of the hook. */
import type { MCPError } from '../shared/errors.js'
import type { ConnectionSnapshot, MCPClientLike, MCPClientOptions } from '../shared/types.js'

/**
 * Options of {@link useMCPWebSocket}: those of the guide, those of the hook, and those of `MCPClient` for the client
 * that it makes. Left out or `undefined` is the same.
 */
export interface UseMCPWebSocketOptions extends Omit<MCPClientOptions, 'apiKey' | 'autoConnect' | 'onMessage' | 'url'> {
  /**
   * API key, or a function that is asked before every authentication; that of the last render is asked. Hooks with the
   * same function share a client, known by the function of their first render.
   * @default 'anonymous'
   */
  apiKey?: MCPClientOptions['apiKey'] | undefined
  /** Connect on mount. @default true */
  autoConnect?: boolean | undefined
  /** Called with every message; that of the last render is called. @default null */
  onMessage?: ((message: unknown) => void) | null | undefined
  /**
   * As with `MCPClient`. @default that of the provider's client, else `$MCP_WS_URL`, else derived from
   * `window.location` as in the guide
   */
  url?: MCPClientOptions['url'] | undefined
  /**
   * A client of your own, which the hook will not close. With `null` it waits for one. @default that of the provider
   */
  client?: MCPClientLike | null | undefined
  /** While false the hook has no client. @default true */
  enabled?: boolean | undefined
  /**
   * Let calls wait for 'ready', as a client does by itself, rather than reject them at once, as the guide's hook does.
   * @default false
   */
  queue?: boolean | undefined
}

/** What {@link useMCPWebSocket} returns. The functions stay the same from render to render. */
export interface MCPWebSocket {
  /** The socket is open. */
  readonly connected: boolean
  /** Tools can be used. */
  readonly authenticated: boolean
  /** Why it does not work; `null` when all is well. */
  readonly error: MCPError | null
  connect(): Promise<void>
  reconnect(): Promise<void>
  /** False if it was not sent. */
  sendMessage(message: unknown): boolean
  /** Rejects at once, with NOT_CONNECTED, when the client is not 'ready'. */
  readonly useTool: MCPClientLike['useTool']
  /** The same function as `useTool`, under a name that lint rules do not take for a hook's. */
  readonly callTool: MCPClientLike['useTool']
  /** The whole picture: the state, the attempt, the wait. */
  readonly snapshot: ConnectionSnapshot
}
