/** The module as a file beside the code. */
import { runIn } from '../../shared/client/runtime.js'
import { moduleAt } from '../module.js'
import { runtimeOver } from '../runtime.js'
import { moduleUrl } from './module-url.mjs'

runIn(runtimeOver(moduleAt(moduleUrl)))

export { MCPClient } from '../client.js'
export { WS_ERROR_CODES } from '../../shared/close-codes.js'
export { MCPError, MCPToolError } from '../../shared/error-classes.js'
