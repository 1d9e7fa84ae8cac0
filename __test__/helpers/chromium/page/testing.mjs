/** What a page may have of `@mcp-integration/client/testing`. */
export { MCPTestServer } from '../../../../js/testing/server.ts'
export { ToolFailure } from '../../../../js/testing/tool-failure.ts'
