/**
 * Where the tests run. The same ones run with the client of the addon, with the portable client in Node.js, and with
 * that in a browser (`npm test`). A test says what it needs that is not everywhere.
 */
import { MCPClient } from '@mcp-integration/client'

/** Whether it is the client of pages, whose core is WebAssembly. */
export const IS_PORTABLE = !('emit' in MCPClient.prototype)

export const IN_BROWSER = typeof document !== 'undefined'

/** What a test may need, and whether it is here. */
const HERE = {
  'asynchronous contexts': !IS_PORTABLE,
  'a core on a thread of its own': !IS_PORTABLE,
  'an EventEmitter': !IS_PORTABLE,
  'headers, TLS or a proxy': !IS_PORTABLE,
  'one core for all threads': !IS_PORTABLE,
  'the reason why a dial failed': !IS_PORTABLE,
  'environment variables': !IN_BROWSER,
  // A browser delays new WebSockets after some have failed.
  'many failed dials': !IN_BROWSER,
  'Node.js': !IN_BROWSER,
  'raw sockets': !IN_BROWSER,
}

/**
 * The options of a test that needs this: it is skipped where it is not.
 * @param {...keyof HERE} features
 */
export function needs(...features) {
  const unknown = features.find((feature) => !(feature in HERE))
  if (unknown !== undefined) throw new Error(`nothing is known of "${unknown}": is it in helpers/where.mjs?`)
  const lacking = features.filter((feature) => !HERE[feature])
  return lacking.length === 0 ? {} : { skip: `needs ${lacking.join(' and ')}` }
}
