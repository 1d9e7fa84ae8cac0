/** The binary that is tested, and what it exports to the JavaScript part. */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

/** The platform's name, as in the names of the platform packages. */
export const PLATFORM = require('../../dist/native/platform.js').platformName()

/** The path of the binary that is tested. */
export const BINARY = resolve(
  process.env.MCP_CLIENT_NATIVE_PATH || fileURLToPath(new URL(`../../mcp-client.${PLATFORM}.node`, import.meta.url)),
)

/** The core's table of defaults. */
export function defaultOptions() {
  return JSON.parse(require(BINARY).defaultOptions())
}
