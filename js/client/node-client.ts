/** What a client needs in Node.js: one file of the package, which the first client loads. */
import { environment } from '../native/environment.js'
import { Client } from '../shared/client/client.js'
import { clientsAlive } from '../shared/client/hub.js'
import { runIn } from '../shared/client/runtime.js'
import { takeOver } from '../shared/globals.js'
import type { NodeParts } from './node.js'
import { runtimeOf } from './runtime.js'

export { replayByCore } from './runtime.js'

/**
 * The class of all clients. To be called once.
 * @param node as it was when the package was loaded: fake timers may have come since
 */
export function clientClass(node: NodeParts): typeof Client {
  takeOver(node)
  runIn(runtimeOf(node))
  if (environment('MCP_CLIENT_DUMP_SIGNAL') === '1')
    (require('./dump-signal.js') as typeof import('./dump-signal.js')).dumpOnSignal(clientsAlive)
  return Client
}
