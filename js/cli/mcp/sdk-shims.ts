/**
 * Takes the place of what the MCP SDK has for Node.js: without a second validator of schemas, which nothing uses here.
 * scripts/build/js/command-line.mjs puts it there.
 */
import process from 'node:process'

export { CfWorkerJsonSchemaValidator as DefaultJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker'
export { process }
