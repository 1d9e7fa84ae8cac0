/** The public entry. */
import './node-version.js'
export { MCPClient, WS_ERROR_CODES } from './client.js'
export { MCPError, MCPToolError, type MCPErrorCode, type MCPErrorDetails } from './errors.js'
export type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  LogEntry,
  MCPClientEvents,
  MCPClientLike,
  MCPClientOptions,
  MCPTools,
  TlsOptions,
  UseToolOptions,
} from './types.js'
