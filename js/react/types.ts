/** The public types of the hook. */
import type { MCPError } from '../shared/errors.js'
import type { ConnectionSnapshot, MCPClientLike, MCPClientOptions } from '../shared/types.js'

/**
 * Options of {@link useMCPWebSocket}: those of the guide, those of the hook, and those of `MCPClient` for the client
 * that it makes. `undefined` is the same as left out.
 */
export interface UseMCPWebSocketOptions extends Omit<MCPClientOptions, 'apiKey' | 'autoConnect' | 'onMessage' | 'url'> {
  /**
   * The API key, or a function that returns one or a promise of one. Before every authentication, the function of the
   * last render is called. Hooks whose first render had the same function share a client.
   * @default 'anonymous'
   */
  apiKey?: MCPClientOptions['apiKey'] | undefined
  /** Whether to connect on mount. @default true */
  autoConnect?: boolean | undefined
  /** Called with every message; the function of the last render is called. @default null */
  onMessage?: ((message: unknown) => void) | null | undefined
  /**
   * The endpoint, as for `MCPClient`.
   * @default that of the provider's client, else `$MCP_WS_URL`, else derived from `window.location` as in the guide
   */
  url?: MCPClientOptions['url'] | undefined
  /**
   * A client of your own, which the hook does not close. With `null` the hook waits for one.
   * @default the client of the provider
   */
  client?: MCPClientLike | null | undefined
  /** Whether the hook uses a client. @default true */
  enabled?: boolean | undefined
  /**
   * Whether calls wait for 'ready', as those of a client do. Otherwise they reject at once, as with the guide's hook.
   * @default false
   */
  queue?: boolean | undefined
}

/** What {@link useMCPWebSocket} returns. The functions stay the same from render to render. */
export interface MCPWebSocket {
  /** Whether the socket is open. */
  readonly connected: boolean
  /** Whether the server has accepted the key, or asks for none: tools can be called. */
  readonly authenticated: boolean
  /** Why the client is in its state; `null` when all is well. */
  readonly error: MCPError | null
  /** Connects the client; see {@link MCPClientLike.connect}. Rejects with NOT_CONNECTED if the hook has no client. */
  connect(): Promise<void>
  /** Connects the client anew; see {@link MCPClientLike.reconnect}. Rejects with NOT_CONNECTED if there is none. */
  reconnect(): Promise<void>
  /** Sends a message: a string unchanged, any other value as JSON. False if it was not sent; never throws. */
  sendMessage(message: unknown): boolean
  /** Calls a tool. Rejects at once with NOT_CONNECTED if the client is not 'ready', unless `queue` is true. */
  readonly useTool: MCPClientLike['useTool']
  /** The same function as `useTool`, under a name that lint rules do not take for a hook. */
  readonly callTool: MCPClientLike['useTool']
  /** The connection as it is now: the state, the attempt, the wait. */
  readonly snapshot: ConnectionSnapshot
}
