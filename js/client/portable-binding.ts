/**
 * The portable core in Node.js, for platforms that have no binary. Users ask for it with MCP_CLIENT_PORTABLE=1; a file
 * of its own, because hardly anybody does.
 */
import { bindingOver } from '../page/binding.js'
import { WebSocket } from '../page/globals.js'
import { moduleBytes } from '../page/entries/module-bytes.js'
import { moduleIn } from '../page/module.js'
import type { Binding } from '../shared/client/binding.js'

/** @throws Error with cause and remedy if Node.js has no WebSocket */
export function portableBinding(): Binding {
  if (WebSocket === undefined)
    throw new Error(`MCP_CLIENT_PORTABLE=1 needs a WebSocket of the runtime, which Node.js has from version 22 on`)
  return bindingOver(moduleIn(moduleBytes))
}
