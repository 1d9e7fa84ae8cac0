/**
 * `@mcp-integration/client/portable`: the client for pages, workers and runtimes without a binary of the addon. Its
 * core is the same, as WebAssembly, and it uses the WebSocket that is there. The first client loads the module, which
 * lies beside this file as `mcp-page.wasm`.
 *
 * @packageDocumentation
 */
export { MCPClient, MCPError, MCPToolError, WS_ERROR_CODES } from './page/entries/beside.js'
export type { MCPErrorDetails } from './shared/error-classes.js'
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
