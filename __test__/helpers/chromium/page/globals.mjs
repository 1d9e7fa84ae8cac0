/** Globals of Node.js that tests use. */
import { Buffer, setImmediate } from './node.mjs'

export { Buffer, setImmediate }

export const process = { env: {}, on() {}, off() {} }
