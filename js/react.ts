'use client'
/**
 * `@mcp-integration/client/react`: the hook of the integration guide over a client that is shared, made elsewhere or
 * given. It shows what the client says and decides nothing. Importing it loads no native code; that happens when a
 * client has to be made.
 *
 * @packageDocumentation
 */
import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react'
import { makeError, type MCPError } from './errors.js'
import { GivenClient, keyOf, NoClient, SharedClient, type ClientSource } from './react/sources.js'
import { IDLE } from './snapshots.js'
import type { ConnectionSnapshot, MCPClientLike, MCPClientOptions } from './types.js'

export { MCPError, MCPToolError } from './errors.js'
export type {
  ConnectionSnapshot,
  ConnectionState,
  MCPClientLike,
  MCPClientOptions,
  MCPTools,
  UseToolOptions,
} from './types.js'

/**
 * Options of {@link useMCPWebSocket}: those of the guide, those of the hook, and those of `MCPClient` for the client
 * that it makes. Left out or `undefined` is the same.
 */
export interface UseMCPWebSocketOptions extends Omit<MCPClientOptions, 'apiKey' | 'autoConnect' | 'onMessage' | 'url'> {
  /**
   * API key, or a function that is asked before every authentication; that of the last render is asked. @default
   * 'anonymous'
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

/** `undefined` where there is no provider, `null` where one has no client yet. */
const Provided = createContext<MCPClientLike | null | undefined>(undefined)

/** Gives a client to all hooks below that name neither a `client` nor a `url`. With `null` they wait for one. */
export function MCPProvider({
  client,
  children,
}: {
  client: MCPClientLike | null
  children?: ReactNode
}): ReactElement {
  return createElement(Provided.Provider, { value: client }, children)
}

/**
 * The guide's hook. Components with the same url and key share one connection; the last one that goes away closes it.
 * Nothing connects while rendering, nor on a server.
 */
export function useMCPWebSocket(options: UseMCPWebSocketOptions = {}): MCPWebSocket {
  const { autoConnect = true, onMessage = null } = options
  const latest = useLatest(options)
  const source = useSource(options, latest)
  const current = useLatest(source)
  const [commands] = useState(() => commandsOf(current, latest))
  const snapshot = useSyncExternalStore(source.subscribe, source.getSnapshot, getServerSnapshot)

  // These run after the subscription above, which is what makes the client.
  useEffect(() => {
    if (autoConnect && source.client?.state === 'idle') void source.client.connect()
  }, [source, autoConnect])

  const listens = onMessage !== null
  useEffect(() => {
    const { client } = source
    if (!listens || client === null) return
    const listener = (message: unknown) => latest.current.onMessage?.(message)
    client.on('message', listener)
    return () => void client.off('message', listener)
  }, [source, listens, latest])

  const { connected, authenticated, error } = snapshot
  return { connected, authenticated, error, ...commands, snapshot }
}

/** Where the client comes from: it is given, or shared by all with the same url and key. */
function useSource(
  options: UseMCPWebSocketOptions,
  latest: { readonly current: UseMCPWebSocketOptions },
): ClientSource {
  const provided = useContext(Provided)
  const { enabled = true } = options
  const otherwise = options.url === undefined ? provided : undefined
  const given = options.client === undefined ? otherwise : options.client
  const key = keyOf(options)
  return useMemo(() => {
    if (!enabled || given === null) return new NoClient()
    return given === undefined ? new SharedClient(key, latest) : new GivenClient(given)
  }, [enabled, given, key, latest])
}

/** The value of the last render that was shown. */
function useLatest<T>(value: T): { readonly current: T } {
  const ref = useRef(value)
  // Before all other effects, so that none of them sees the one before.
  useInsertionEffect(() => {
    ref.current = value
  })
  return ref
}

function getServerSnapshot(): ConnectionSnapshot {
  return IDLE
}

type Commands = Pick<MCPWebSocket, 'connect' | 'reconnect' | 'sendMessage' | 'useTool' | 'callTool'>

/** Made once for each mounted hook. */
function commandsOf(
  source: { readonly current: ClientSource },
  options: { readonly current: UseMCPWebSocketOptions },
): Commands {
  const useTool = (toolName: string, ...rest: [parameters?: unknown, options?: object]): Promise<any> => {
    const { client } = source.current
    if (client !== null && (client.state === 'ready' || options.current.queue === true))
      return client.useTool(toolName, ...rest)
    return Promise.reject(notConnected(toolName))
  }
  return {
    connect: () => source.current.client?.connect() ?? ignorable(notConnected()),
    reconnect: () => source.current.client?.reconnect() ?? ignorable(notConnected()),
    sendMessage(message) {
      try {
        return source.current.client?.sendMessage(message) ?? false
      } catch (error) {
        // As the guide's hook does.
        console.error('Error sending WebSocket message:', error)
        return false
      }
    },
    useTool,
    callTool: useTool,
  }
}

function notConnected(toolName?: string): MCPError {
  return makeError('NOT_CONNECTED', { toolName })
}

/** Like the promises of a client's own commands, it may be ignored. */
function ignorable(error: MCPError): Promise<never> {
  const rejected = Promise.reject(error)
  rejected.catch(() => {})
  return rejected
}
