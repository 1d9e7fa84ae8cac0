'use client'
/**
 * `@mcp-integration/client/react`: the hook of the integration guide. Components share a client, or use one of yours.
 * Importing it loads neither native code nor WebAssembly; that happens when the first client is made.
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
  ParametersOf,
  ResultsOf,
  ToolsWithoutRequiredParameters,
  Undeclared,
  UseToolOptions,
} from './shared/types.js'
