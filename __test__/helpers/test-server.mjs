import { MCPTestServer } from '@mcp-integration/client/testing'

/** A server that is closed after the test. */
export async function listen(t, options) {
  const server = await MCPTestServer.listen(options)
  t.after(() => server.close())
  return server
}

/** The numbers `k` of the messages that have arrived so far, which the server does not answer. */
export function arrivalsAt(server) {
  const arrived = []
  server.intercept((text) => {
    const { k } = JSON.parse(text)
    return k !== undefined && arrived.push(k) > 0
  })
  return arrived
}
