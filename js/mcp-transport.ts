/**
 * `@mcp-integration/client/mcp-transport`: a transport for the MCP SDK, for servers that speak MCP, JSON-RPC that is,
 * over WebSockets. It has the structure of the SDK's `Transport` and imports nothing of the SDK.
 *
 * @packageDocumentation
 */
import './native/node-version.js'
export {
  WebSocketClientTransport,
  type JsonRpcMessage,
  type WebSocketClientTransportOptions,
} from './mcp-transport/transport.js'
export { MCPError, type MCPErrorDetails } from './shared/error-classes.js'
export type { MCPErrorCode } from './shared/native-types.js'
