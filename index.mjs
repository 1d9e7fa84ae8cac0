import entry from './dist/index.js'

export const { MCPClient, MCPError, MCPToolError, WS_ERROR_CODES } = entry
