import { FaultProxy } from '@mcp-integration/client/testing'

/** A proxy in front of a server or a URL, which is closed after the test. */
export async function listenProxy(t, server, options = {}) {
  const proxy = await FaultProxy.listen({ target: server.url ?? server, ...options })
  t.after(() => proxy.close())
  return proxy
}
