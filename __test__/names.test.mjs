/** Hosts: names in other scripts, addresses with a zone, localhost. */
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { listen } from './helpers/test-server.mjs'

test('a name in another script is looked up in its ASCII form', async (t) => {
  const server = await listen(t)
  // Names under localhost are this machine, without a resolver.
  const client = new MCPClient(`ws://bücher.localhost:${server.port}`)
  assert.equal(client.url, `ws://xn--bcher-kva.localhost:${server.port}/mcp-ws`)
  await client.connect()
  assert.equal(await client.useTool('echo', 'über'), 'über')
  await client.close()
})

test('an IPv6 address may have a zone', async (t) => {
  for (const [given, url] of [
    ['ws://[fe80::1%25eth0]:81/x', 'ws://[fe80::1%25eth0]:81/x'],
    ['wss://[FE80::1%eth0.7]', 'wss://[fe80::1%25eth0.7]/mcp-ws'],
    ['[fe80::1%3]:81', 'wss://[fe80::1%253]:81/mcp-ws'],
  ]) {
    const client = new MCPClient(given, { autoConnect: false })
    assert.equal(client.url, url)
  }
  assert.throws(() => new MCPClient('ws://[fe80::1%]:81'), /option "url" is not a valid URL/)
  const loopback = Object.values(networkInterfaces())
    .flat()
    .find(({ address }) => address === '::1')
  if (loopback === undefined) return t.diagnostic('NOT TESTED: this machine has no ::1 to connect to')
  const server = await listen(t, { host: '::1' })
  const client = new MCPClient(`ws://[::1%251]:${server.port}`)
  await client.connect()
  await client.close()
})
