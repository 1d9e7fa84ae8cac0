import { FaultProxy } from '@mcp-integration/client/testing'

/** A proxy of the test's own before a server (or a URL), gone when the test is over. */
export async function listenProxy(t, server, options = {}) {
  const proxy = await FaultProxy.listen({ target: server.url ?? server, ...options })
  t.after(() => proxy.close())
  return proxy
}
