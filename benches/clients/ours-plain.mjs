/** This package, without compression. */
import { connect as connectOurs } from './ours.mjs'

export { load } from './ours.mjs'

export function connect(url, options) {
  return connectOurs(url, { ...options, compression: false })
}
