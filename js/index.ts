/** The public entry. */
import './node-version.js'
export { MCPClient } from './client.js'
export { MCPError, MCPToolError, type MCPErrorCode, type MCPErrorDetails } from './errors.js'
export { WS_ERROR_CODES } from './close-codes.js'
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
