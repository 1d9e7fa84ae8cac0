'use client'
/**
 * `@mcp-integration/client/react`: the hook of the integration guide over a client that is shared, made elsewhere or
 * given. Importing it loads no native code; that happens when a client has to be made.
 *
 * @packageDocumentation
 */
export { MCPProvider, useMCPWebSocket } from './react/hook.js'
export type { MCPWebSocket, UseMCPWebSocketOptions } from './react/types.js'
export { MCPError, MCPToolError } from './shared/errors.js'
export type {
  ConnectionSnapshot,
  ConnectionState,
  MCPClientLike,
  MCPClientOptions,
  MCPTools,
  UseToolOptions,
} from './shared/types.js'
