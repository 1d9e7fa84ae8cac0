/** The values that `@mcp-integration/client/testing` exports. Loaded after the check of the version of Node.js. */
export { FaultProxy } from './fault-proxy.js'
export { MCPTestServer } from './server.js'
export { ToolFailure } from './tool-failure.js'
