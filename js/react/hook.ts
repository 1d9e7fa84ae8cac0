/** The hook and its provider. They show the state of a client and decide nothing. */
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
import { makeError, type MCPError } from '../shared/errors.js'
import { IDLE } from '../shared/snapshots.js'
import type { ConnectionSnapshot, MCPClientLike } from '../shared/types.js'
import { GivenClient, keyOf, NoClient, SharedClient, type ClientSource } from './sources.js'
import type { MCPWebSocket, UseMCPWebSocketOptions } from './types.js'

/** `undefined` if there is no provider, `null` if the provider has no client yet. */
const Provided = createContext<MCPClientLike | null | undefined>(undefined)

/** Gives a client to all hooks below that name neither a `client` nor a `url`. With `null` they wait for one. */
export function MCPProvider({
  client,
  children,
}: {
  /** The client of the hooks below; `null` while there is none yet. */
  client: MCPClientLike | null
  /** What is rendered below. */
  children?: ReactNode
}): ReactElement {
  return createElement(Provided.Provider, { value: client }, children)
}

/**
 * The guide's hook. Components with the same url and key share one connection, which closes when the last of them
 * unmounts. Nothing connects while rendering, nor on a server.
 */
export function useMCPWebSocket(options: UseMCPWebSocketOptions = {}): MCPWebSocket {
  const { autoConnect = true, onMessage = null } = options
  const latest = useLatest(options)
  const source = useSource(options, latest)
  const current = useLatest(source)
  const [commands] = useState(() => commandsOf(current, latest))
  const snapshot = useSyncExternalStore(source.subscribe, source.getSnapshot, getServerSnapshot)

  // Effects run after the subscription above, which makes the client.
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

/** Where the client comes from: it is given, or shared by all hooks with the same url and key. */
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

/** The value of the last render that was committed. */
function useLatest<T>(value: T): { readonly current: T } {
  const ref = useRef(value)
  // Before all other effects, so that none of them sees an old value.
  useInsertionEffect(() => {
    ref.current = value
  })
  return ref
}

function getServerSnapshot(): ConnectionSnapshot {
  return IDLE
}

type Commands = Pick<MCPWebSocket, 'connect' | 'reconnect' | 'sendMessage' | 'useTool' | 'callTool'>

/** The functions that the hook returns; made once for each mounted hook. */
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
        // Like the guide's hook.
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

/** Like the promises of a client's commands, it may be ignored. */
function ignorable(error: MCPError): Promise<never> {
  const rejected = Promise.reject(error)
  rejected.catch(() => {})
  return rejected
}
