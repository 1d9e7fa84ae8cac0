/**
 * `@mcp-integration/client/electron/renderer`: the client of the main process, in a page with `contextIsolation` and
 * `sandbox`.
 *
 * @packageDocumentation
 */
import { connectClient } from '../bridge/connect.js'
import type { BridgePort } from '../bridge/port.js'
import { fromText, toText } from '../bridge/text.js'
import { makeError } from '../shared/errors.js'
import type { MCPClientLike } from '../shared/types.js'
import { WINDOW_KEY, type MCPClientBridge } from './channel.js'

export { MCPError, MCPToolError } from '../shared/errors.js'
export type { MCPClientBridge } from './channel.js'

declare global {
  interface Window {
    /** From `@mcp-integration/client/electron/preload`. */
    readonly mcpClientBridge?: MCPClientBridge
  }
}

/**
 * The client that the main process serves with `serveRenderers`. Each call opens another port; a page needs only one.
 * @throws MCPError CONNECT_FAILED if the preload script has not run
 */
export function connectMain(): MCPClientLike {
  const { [WINDOW_KEY]: bridge } = globalThis as { [WINDOW_KEY]?: MCPClientBridge }
  if (bridge === undefined) {
    const message =
      'the main process cannot be reached: run @mcp-integration/client/electron/preload as the preload script of this window, or import it in yours'
    throw makeError('CONNECT_FAILED', { message, retryable: false })
  }
  return connectClient(portOf(bridge))
}

function portOf(bridge: MCPClientBridge): BridgePort {
  const listeners = new Map<string, (event?: unknown) => void>()
  const far = bridge.open(
    (text) => listeners.get('message')?.(fromText(text)),
    () => listeners.get('close')?.(),
  )
  return {
    postMessage: (message) => far.postMessage(toText(message)),
    on: (event: string, listener) => void listeners.set(event, listener),
    off: (event: string) => void listeners.delete(event),
    // Messages come only after this turn, when the listeners have been added.
    start() {},
    close: () => far.close(),
  }
}
