/** What `@mcp-integration/client/testing` exports of values, for a Node.js that is new enough. */
export { FaultProxy } from './fault-proxy.js'
export { MCPTestServer } from './server.js'
export { ToolFailure } from './tool-failure.js'
