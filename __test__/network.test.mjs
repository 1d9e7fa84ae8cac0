/** Changes of the machine's network, made for real in a network namespace of the test's own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { run } from './helpers/program.mjs'

const OF_ITS_OWN = ['unshare', '--net', '--map-root-user']
const skip = whyNot()

test('a new address makes a client ping at once, and a client that waits dial soon', { skip }, async (t) => {
  const told = await run(
    t,
    async ({ MCPClient, tell }) => {
      const { execFileSync } = await import('node:child_process')
      const { MCPTestServer } = await import('@mcp-integration/client/testing')
      const ip = (...args) => execFileSync('ip', args)
      ip('link', 'set', 'lo', 'up')

      const server = await MCPTestServer.listen()
      const patient = {
        heartbeatInterval: 3_600_000,
        baseReconnectDelay: 100,
        reconnectFactor: 1000,
        maxReconnectDelay: 3_600_000,
      }
      const client = new MCPClient(server.url, patient)
      await client.useTool('echo')
      const pinged = new Promise((resolve) =>
        server.on('message', (text) => JSON.parse(text).messageType === 'ping' && resolve()),
      )
      ip('address', 'add', '192.0.2.1/32', 'dev', 'lo')
      await pinged
      tell('pinged')

      const waits = new Promise((resolve) => client.on('reconnecting', ({ attempt }) => attempt === 2 && resolve()))
      await server.close()
      await waits
      const again = await MCPTestServer.listen({ port: Number(new URL(server.url).port) })
      ip('address', 'add', '192.0.2.2/32', 'dev', 'lo')
      await client.useTool('echo')
      tell(client.stats().reconnects)

      await client.close()
      await again.close()
    },
    null,
    { under: OF_ITS_OWN },
  )
  assert.deepEqual(told, ['pinged', 1])
})

test('what watches the network is not handed down to child processes', { skip }, async (t) => {
  const [sockets] = await run(
    t,
    async ({ MCPClient, tell }) => {
      const { execFileSync } = await import('node:child_process')
      const { MCPTestServer } = await import('@mcp-integration/client/testing')
      execFileSync('ip', ['link', 'set', 'lo', 'up'])
      const server = await MCPTestServer.listen()
      const client = new MCPClient(server.url)
      await client.useTool('echo')
      const opened = execFileSync('sh', ['-c', 'ls -l /proc/self/fd']).toString().split('\n')
      // The child's own are its three streams.
      tell(opened.filter((line) => / ([3-9]|\d\d+) -> socket/.test(line)))
      await client.close()
      await server.close()
    },
    null,
    { under: OF_ITS_OWN },
  )
  assert.deepEqual(sockets, [])
})

/** Why there can be no such namespace here, or false. */
function whyNot() {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  const [command, ...args] = [...OF_ITS_OWN, 'ip', 'link', 'set', 'lo', 'up']
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? false : `no network namespace here: ${error?.message ?? stderr.trim()}`
}
