import { MCPTestServer } from '@mcp-integration/client/testing'

/** A server of the test's own, gone when the test is over. */
export async function listen(t, options) {
  const server = await MCPTestServer.listen(options)
  t.after(() => server.close())
  return server
}
