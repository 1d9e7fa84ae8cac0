import { WebSocket } from 'ws'
import { writeFileSync } from 'node:fs'
globalThis.WebSocket ??= WebSocket
const { MCPClient } = await import('@mcp-integration/client/portable')
const { MCPClient: Native } = await import('@mcp-integration/client')
import { MCPTestServer } from '@mcp-integration/client/testing'
const server = await MCPTestServer.listen({ tokens: ['hunter2'] })
for (const [n, C] of [['p', MCPClient], ['n', Native]]) {
  const client = new C(server.url + '?ticket=hunter2', { apiKey: 'hunter2', heartbeatInterval: 20, maxReconnectAttempts: Infinity })
  await client.connect()
  await client.useTool('echo', { secret: 'hunter2' })
  await client.useTool('fail', { message: 'hunter2' }).catch(() => {})
  await new Promise(r => setTimeout(r, 100))
  await server.terminateAll()
  await new Promise(r => client.once('authenticated', r))
  await client.close(1000, 'hunter2')
  const d = client.dump()
  writeFileSync(`/tmp/proof18/${n}.json`, JSON.stringify(d))
  console.log(n, Object.keys(d), JSON.stringify(d).includes('hunter2'), d.version, d.url, Object.keys(d.options).length, Object.keys(d.start).length, d.events.length)
  console.log(d.events.map(e => e.kind).join(' '))
  console.log(JSON.stringify(d.events.slice(0, 9)), JSON.stringify(d.start).slice(0,300), JSON.stringify(d.options).slice(0,300))
}
await server.close()
