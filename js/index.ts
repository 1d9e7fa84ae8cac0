/** The public entry. */
import './native/node-version.js'
export { MCPClient } from './client/client.js'
export { WS_ERROR_CODES } from './shared/close-codes.js'
export { MCPError, MCPToolError, type MCPErrorDetails } from './shared/error-classes.js'
export type { MCPErrorCode } from './shared/native-types.js'
export type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  FlightEvent,
  FlightRecord,
  LogEntry,
  MCPClientChannels,
  MCPClientEvents,
  MCPClientLike,
  MCPClientOptions,
  MCPKey,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolDescription,
  ToolsOptions,
  ToolsWithoutRequiredParameters,
  Undeclared,
  TlsOptions,
  UseToolOptions,
} from './shared/types.js'
