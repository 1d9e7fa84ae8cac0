/**
 * `@mcp-integration/client/testing`: a server of the MCP Integration Platform inside your process, for tests and for
 * working offline. It speaks both wire dialects, answers real tool calls and fails on command. And a proxy that does to
 * its connections what networks do.
 *
 * It is built on `ws` and shares no code with the client, so that each tests the other. It never imports the client: a
 * process that only serves loads no native code.
 *
 * @packageDocumentation
 */
import './native/node-version.js'
export { FaultProxy, MCPTestServer, ToolFailure } from './testing/main.js'
export type {
  DirectionFaults,
  FaultPlan,
  FaultProxyConnection,
  FaultProxyEvents,
  FaultProxyOptions,
  Faults,
} from './testing/faults/types.js'
export type {
  CloseFrame,
  DescribedTool,
  Interceptor,
  MCPTestConnection,
  MCPTestRequest,
  MCPTestServerEvents,
  MCPTestServerOptions,
  ServerDialect,
  StubOptions,
  ToolContext,
  ToolHandler,
  ToolStub,
} from './testing/types.js'
