/** The module as workerd wants it: imported, because it compiles none that comes as bytes. */
import module from './mcp-page.wasm'
import { runIn } from '../../shared/client/runtime.js'
import { compiled } from '../module.js'
import { runtimeOver } from '../runtime.js'

runIn(runtimeOver(compiled(module)))

export { MCPClient } from '../client.js'
export { WS_ERROR_CODES } from '../../shared/close-codes.js'
export { MCPError, MCPToolError } from '../../shared/error-classes.js'
