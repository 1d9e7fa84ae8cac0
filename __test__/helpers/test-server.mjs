import { MCPTestServer } from '@mcp-integration/client/testing'

/** A server that is closed after the test. */
export async function listen(t, options) {
  const server = await MCPTestServer.listen(options)
  t.after(() => server.close())
  return server
}
