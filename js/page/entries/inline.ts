/** The module in the code: for single files, and for CommonJS, which cannot say where it is. */
import { runIn } from '../../shared/client/runtime.js'
import { moduleIn } from '../module.js'
import { runtimeOver } from '../runtime.js'
import { moduleBytes } from './module-bytes.js'

runIn(runtimeOver(moduleIn(moduleBytes)))

export { MCPClient } from '../client.js'
export { WS_ERROR_CODES } from '../../shared/close-codes.js'
export { MCPError, MCPToolError } from '../../shared/error-classes.js'
