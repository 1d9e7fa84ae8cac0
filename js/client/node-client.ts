/** What a client needs in Node.js: one file of the package, which the first client loads. */
import { Client } from '../shared/client/client.js'
import { runIn } from '../shared/client/runtime.js'
import { NODE } from './runtime.js'

runIn(NODE)

export { Client }
