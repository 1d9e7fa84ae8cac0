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
import { clientOptionsOf, describe } from './client-options.js'
import { useIdentity } from './identity.js'
import { listen } from './listeners.js'
import { GivenClient, NoClient, SharedClient, type ClientSource } from './sources.js'
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
  // Before the effects of children, which may call the functions that they got as props.
  useInsertionEffect(() => source.mount(), [source])
  const snapshot = useSyncExternalStore(source.subscribe, source.getSnapshot, getServerSnapshot)

  // Effects run after the subscription above, which makes the client unless a command has made it.
  useEffect(() => {
    if (autoConnect && source.client?.state === 'idle') void source.client.connect()
  }, [source, autoConnect])

  const listens = onMessage !== null
  useEffect(() => {
    const { client } = source
    if (!listens || client === null) return
    return listen(client, 'message', (message) => latest.current.onMessage?.(message))
  }, [source, listens, latest])

  const description = describe(clientOptionsOf(options))
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the options only what the description shows can differ
  useEffect(() => source.checkOptions(latest.current), [source, description, latest])

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
  const key = useIdentity(options)
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
    const { queue = false, autoConnect = true } = options.current
    const client = queue ? source.current.demand() : source.current.client
    if (client === null || (client.state !== 'ready' && !queue)) return Promise.reject(notConnected(toolName))
    // A call that waits needs a client that connects, and the hook's own effect may run later.
    if (client.state === 'idle' && autoConnect) void client.connect()
    return client.useTool(toolName, ...rest)
  }
  return {
    connect: () => source.current.demand()?.connect() ?? ignorable(notConnected()),
    reconnect: () => source.current.demand()?.reconnect() ?? ignorable(notConnected()),
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
