/** Builds the app, starts an embedded platform server, and Electron with the app; ends with it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { build } from './build.mjs'

const main = await build()
const server = await MCPTestServer.listen({ tokens: ['example-key'] })
try {
  // The path of the program, which is downloaded where it is not there yet.
  const electron = createRequire(import.meta.url)('electron')
  const app = spawn(electron, [main], {
    stdio: 'inherit',
    env: { ...process.env, MCP_WS_URL: server.url, MCP_API_KEY: 'example-key' },
  })
  const [code] = await once(app, 'exit')
  process.exitCode = code ?? 1
} finally {
  await server.close()
}
