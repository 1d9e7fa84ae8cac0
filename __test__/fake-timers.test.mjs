/**
 * Fake timers of test runners: whatever of the global object they replace, calls, clients and their ends go on. Each
 * test is a program of its own, because the test runner needs its timers.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

/** Without the real nextTick no socket of Node.js works any more. Jest and Vitest replace it for the tests alone. */
const FAKES = {
  'all but nextTick of sinon': {
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'queueMicrotask',
      'performance',
      'hrtime',
      'Date',
    ],
  },
  'the timers of node:test': null,
}

test('under all fakes of sinon, nextTick among them, a client lives its whole life', async (t) => {
  const server = await listen(t)
  server.intercept((text, connection) => {
    if (text === 'please drop me') void connection.terminate()
  })
  const told = await run(
    t,
    async ({ MCPClient, input, tell }) => {
      const { default: FakeTimers } = await import('@sinonjs/fake-timers')
      FakeTimers.install()
      const client = new MCPClient(input, { baseReconnectDelay: 1, heartbeatInterval: 5 })
      await client.connect()
      tell(await client.useTool('echo', 1))
      await new Promise((resolve) => client.once('heartbeat', resolve))
      const overdue = client.useTool('sleep', { ms: 60_000 }, { timeout: 5 })
      tell(await overdue.catch(({ code }) => code))
      const closed = new Promise((resolve) => client.once('close', resolve))
      client.sendMessage('please drop me')
      await closed
      tell(await client.useTool('echo', 2))
      await client.close()
      tell('closed')
    },
    server.url,
  )
  assert.deepEqual(told, [1, 'REQUEST_TIMEOUT', 2, 'closed'])
})

for (const [name, input] of Object.entries(FAKES)) {
  describe(`under ${name}`, () => {
    test('a client lives its whole life, and so does a server', async (t) => {
      const told = await run(
        t,
        async ({ MCPClient, input, tell }) => {
          const { MCPTestServer } = await import('@mcp-integration/client/testing')
          const { mock } = await import('node:test')
          const { default: FakeTimers } = await import('@sinonjs/fake-timers')
          if (input === null) mock.timers.enable()
          else FakeTimers.install(input)
          const server = await MCPTestServer.listen()
          const client = new MCPClient(server.url, { baseReconnectDelay: 1, heartbeatInterval: 5 })
          await client.connect()
          tell(await client.useTool('echo', 1))
          await new Promise((resolve) => client.once('heartbeat', resolve))
          tell(await client.useTool('sleep', { ms: 5 }))
          const overdue = client.useTool('sleep', { ms: 60_000 }, { timeout: 5 })
          tell(await overdue.catch(({ code }) => code))
          const closed = new Promise((resolve) => client.once('close', resolve))
          await server.terminateAll()
          await closed
          tell(await client.useTool('echo', 2))
          await client.close()
          await server.close()
          tell('closed')
        },
        input,
      )
      assert.deepEqual(told, [1, { slept: 5 }, 'REQUEST_TIMEOUT', 2, 'closed'])
    })

    test('what begins before they come, and ends after they went, is not lost', async (t) => {
      const told = await run(
        t,
        async ({ MCPClient, input, tell }) => {
          const { MCPTestServer } = await import('@mcp-integration/client/testing')
          const { mock } = await import('node:test')
          const { default: FakeTimers } = await import('@sinonjs/fake-timers')
          let clock
          const install = () => (input === null ? mock.timers.enable() : (clock = FakeTimers.install(input)))
          const uninstall = () => (input === null ? mock.timers.reset() : clock.uninstall())
          const server = await MCPTestServer.listen()
          const client = new MCPClient(server.url)
          await client.connect()
          const begun = client.useTool('sleep', { ms: 5 })
          install()
          const made = new MCPClient(server.url)
          const call = made.useTool('echo', 'made under them')
          uninstall()
          tell([await begun, await call])
          install()
          const closing = [client.useTool('echo', 3), made.close()]
          uninstall()
          tell((await Promise.all(closing))[0])
          tell(await client.useTool('echo', 4))
          await client.close()
          await server.close()
        },
        input,
      )
      assert.deepEqual(told, [[{ slept: 5 }, 'made under them'], 3, 4])
    })

    test('what a listener throws is an uncaught exception', async (t) => {
      const told = await run(
        t,
        async ({ MCPClient, input, tell }) => {
          const { MCPTestServer } = await import('@mcp-integration/client/testing')
          const { mock } = await import('node:test')
          const { default: FakeTimers } = await import('@sinonjs/fake-timers')
          process.on('uncaughtException', ({ message }) => tell(message))
          if (input === null) mock.timers.enable()
          else FakeTimers.install(input)
          const server = await MCPTestServer.listen()
          const client = new MCPClient(server.url)
          client.addEventListener('open', () => {
            throw new Error('of a listener')
          })
          await client.connect()
          await client.close()
          await server.close()
        },
        input,
      )
      assert.deepEqual(told, ['of a listener'])
    })
  })
}
