/** `mcp-client mcp` through outages of the platform: the same process, without a restart. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { serve } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { errorIn, Host } from './helpers/mcp-host.mjs'
import { freePort } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

async function toolsFile(t) {
  return join(await folderOf(t, { 'tools.json': '[{ "name": "echo", "idempotent": true }]' }), 'tools.json')
}

const urlOf = (port) => `ws://127.0.0.1:${port}/mcp-ws`

describe('an outage of the platform', AT_ONCE, () => {
  test('with a tools file, a host is answered before the platform is there', async (t) => {
    const port = await freePort()
    const host = await Host.open(t, [urlOf(port), '--tools', await toolsFile(t)])
    assert.equal((await host.tools())[0].name, 'echo')
    const waiting = host.call('echo', { early: true })
    await host.says(/cannot connect/)
    await listen(t, { port })
    assert.deepEqual((await waiting).structuredContent, { early: true })
  })

  test('without one, the first list waits a while, and hosts are told when there are tools', async (t) => {
    const port = await freePort()
    const host = await Host.open(t, [urlOf(port)])
    const tools = host.tools()
    await host.says(/cannot connect/)
    await listen(t, { port, dialect: 'event', schemas: [{ name: 'late' }] })
    assert.deepEqual(await tools, [{ name: 'late', inputSchema: { type: 'object' } }])
  })

  test('a platform that is killed and started again is used again, by the same process', async (t) => {
    const port = await freePort()
    const start = () => serve(t, ['--port', String(port), '--dialect', 'event'])
    const first = await start()
    const host = await Host.open(t, [first.url])
    assert.deepEqual((await host.call('echo', { n: 1 })).structuredContent, { n: 1 })
    for (let n = 2; n < 5; n++) {
      first.child.kill('SIGKILL')
      await once(first.child, 'close')
      await host.says(/the connection was lost/)
      const meanwhile = host.call('echo', { n })
      const next = await start()
      assert.deepEqual((await meanwhile).structuredContent, { n })
      Object.assign(first, next)
    }
    assert.equal((await host.tools()).length, 5)
    assert.equal(host.child.exitCode, null)
  })

  test('a call waits within its time, and then says what is wrong', async (t) => {
    const host = await Host.open(t, [urlOf(await freePort()), '--tools', await toolsFile(t), '--timeout', '600'])
    const { code, sent, retryable, message, hint } = errorIn(await host.call('echo', {}))
    assert.deepEqual([code, sent, retryable], ['REQUEST_TIMEOUT', false, true])
    assert.match(message, /ECONNREFUSED|refused/i)
    assert.match(hint, /has not run\. The connection is tried again by itself/)
  })

  test('as long as no tools are known, a call says so', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const host = await Host.open(t, [server.url])
    const { code, message, sent } = errorIn(await host.call('echo', {}))
    assert.deepEqual([code, sent], ['AUTH_FAILED', false])
    assert.match(message, /the tools of the platform are not known yet: .*not known to this server/)
  })

  test('where the client has stopped, it is tried again after 30 s, and works when all is well again', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const host = await Host.open(t, [server.url, '--tools', await toolsFile(t)])
    assert.equal(errorIn(await host.call('echo', {})).code, 'AUTH_FAILED')
    server.setTokens(undefined)
    const [, seconds] = /A call in (\d+) s/.exec(errorIn(await host.call('echo', {})).hint)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
  })

  test('a server that says goodbye with 1000 is connected to again by the next call', async (t) => {
    const server = await listen(t, { dialect: 'event', schemas: 'named' })
    const host = await Host.open(t, [server.url])
    await host.tools()
    await server.nextConnection()
    await server.closeAll(1000)
    await host.says(/the client stays closed/)
    // A use connects at most every 30 s, and the first was just now.
    const { hint } = errorIn(await host.call('echo', {}))
    assert.match(hint, /in (30|2\d) s tries it again/)
  })
})
