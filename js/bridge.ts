/**
 * `@mcp-integration/client/bridge`: a client in one place, used from others. `serveClient` stands beside the client,
 * `connectClient` gives the far end of a port everything that a client is. Neither end loads native code or needs
 * Node.js.
 *
 * @packageDocumentation
 */
export { connectBridge, connectClient, type ConnectBridgeOptions } from './bridge/connect.js'
export type { BridgeClient, BridgeClientEvents, BridgeSnapshot } from './bridge/bridge-client.js'
export { serveClient, type ServedPort } from './bridge/serve.js'
export type { Observable, ServeClientOptions } from './bridge/serve-options.js'
export { webSocketPort, type SocketLike, type WebSocketPortOptions } from './bridge/web-socket-port.js'
export type { BridgePort } from './bridge/port.js'
export { MCPError, MCPToolError, type MCPErrorCode } from './shared/errors.js'
export type {
  ClientStats,
  CloseInfo,
  CloseOptions,
  ConnectionSnapshot,
  ConnectionState,
  LogEntry,
  MCPClientEvents,
  MCPClientLike,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolsWithoutRequiredParameters,
  Undeclared,
  UseToolOptions,
} from './shared/types.js'
