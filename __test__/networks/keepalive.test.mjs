/** An idle connection whose peer is gone, without a heartbeat: TCP notices, after more than a minute. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lose, openCable, SERVER } from '../helpers/namespaces.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { start } from '../helpers/program.mjs'

const PORT = 8080
/** ms; much longer than TCP waits. */
const TIMEOUT = 115_000

test('a connection that loses every packet is given up by TCP, if it has no heartbeat', async (t) => {
  const cable = await openCable(t)
  // One probe without an answer is enough, in place of nine.
  cable.client.run('sysctl', '-qw', 'net.ipv4.tcp_keepalive_probes=1')
  const server = start(
    t,
    async ({ tell, input: { port } }) => {
      const { MCPTestServer } = await import('@mcp-integration/client/testing')
      await MCPTestServer.listen({ host: '0.0.0.0', port })
      tell('listening')
    },
    { port: PORT },
    { under: cable.server.under, timeout: TIMEOUT },
  )
  assert.equal(await server.told(0), 'listening')
  const client = start(
    t,
    async ({ MCPClient, tell, input: { url } }) => {
      const client = new MCPClient(url, { heartbeatInterval: 0 })
      client.on('close', ({ code, reason, willReconnect }) => tell({ code, reason, willReconnect }))
      client.on('authenticated', () => tell('ready'))
    },
    { url: `ws://${SERVER.v4}:${PORT}` },
    { under: cable.client.under, timeout: TIMEOUT },
  )
  assert.equal(await client.told(0), 'ready')
  lose(cable)
  const close = await client.told(1)
  assert.equal(close.willReconnect, true)
  assertDocumented('The same, without a heartbeat (`heartbeatInterval: 0`).', close)
})
