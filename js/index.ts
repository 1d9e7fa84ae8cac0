/** The public entry. */
import './native/node-version.js'
export { MCPClient } from './client/client.js'
export { WS_ERROR_CODES } from './shared/close-codes.js'
export { MCPError, MCPToolError, type MCPErrorCode, type MCPErrorDetails } from './shared/errors.js'
export type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  LogEntry,
  MCPClientChannels,
  MCPClientEvents,
  MCPClientLike,
  MCPClientOptions,
  MCPKey,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolsWithoutRequiredParameters,
  Undeclared,
  TlsOptions,
  UseToolOptions,
} from './shared/types.js'
