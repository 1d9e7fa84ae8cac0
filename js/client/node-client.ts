/** What a client needs in Node.js: one file of the package, which the first client loads. */
import { Client } from '../shared/client/client.js'
import { runIn } from '../shared/client/runtime.js'
import { takeOver } from '../shared/globals.js'
import type { NodeParts } from './node.js'
import { runtimeOf } from './runtime.js'

/**
 * The class of all clients. To be called once.
 * @param node as it was when the package was loaded: fake timers may have come since
 */
export function clientClass(node: NodeParts): typeof Client {
  takeOver(node)
  runIn(runtimeOf(node))
  return Client
}
