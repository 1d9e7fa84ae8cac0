/** The module in the code: for single files, and for CommonJS, which cannot say where it is. */
import { runIn } from '../../shared/client/runtime.js'
import { moduleIn } from '../module.js'
import { runtimeOver } from '../runtime.js'
import { provideCodec } from '../utf8-by-hand.js'
import { moduleBytes } from './module-bytes.js'

provideCodec()
runIn(runtimeOver(moduleIn(moduleBytes)))

export { MCPClient } from '../client.js'
export { WS_ERROR_CODES } from '../../shared/close-codes.js'
export { MCPError, MCPToolError } from '../../shared/error-classes.js'
