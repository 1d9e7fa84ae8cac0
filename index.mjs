import entry from './index.js'

export const { MCPClient, MCPError, MCPToolError, WS_ERROR_CODES } = entry
