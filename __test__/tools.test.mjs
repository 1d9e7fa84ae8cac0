/** `client.tools()`: what the platform says of its tools. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { open, ready, rejection } from './helpers/client.mjs'
import { run } from './helpers/program.mjs'
import { listenRaw } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const weather = { description: 'The weather in a city.', parameters, run: () => 'sunny' }

/** A server of the event dialect that says this of its tools. */
function describing(t, schemas) {
  return listen(t, { dialect: 'event', schemas })
}

/** A server that greets as one of the event dialect, and describes no tools. */
async function silent(t) {
  const { url } = await listenRaw(t, (socket) => socket.send('{"event":"connection","data":{}}'))
  return url
}

describe('tools()', { concurrency: true }, () => {
  test('gives name, description and schema, whatever the platform calls the schema', async (t) => {
    const server = await describing(t, [
      { name: 'a', description: 'A.', parameters },
      { name: 'b', inputSchema: parameters },
      { name: 'c' },
    ])
    const client = await ready(t, server)
    assert.deepEqual(await client.tools(), [
      { name: 'a', description: 'A.', inputSchema: parameters },
      { name: 'b', inputSchema: parameters },
      { name: 'c' },
    ])
  })

  test('leaves out what is no description or no schema', async (t) => {
    const server = await describing(t, [
      { name: 'a', description: 7, parameters: 'object', inputSchema: [] },
      parameters,
    ])
    const client = await ready(t, server)
    assert.deepEqual(await client.tools(), [{ name: 'a' }])
  })

  test('has those of MCPTestServer if they have names, and none if they have not', async (t) => {
    const tools = { weather, plain: () => 1 }
    const named = await ready(t, await listen(t, { dialect: 'event', schemas: 'named', tools }))
    const described = await named.tools()
    const builtIn = ['web_search', 'status', 'echo', 'sleep', 'fail']
    assert.deepEqual(
      described.map(({ name }) => name),
      [...builtIn, 'weather', 'plain'],
    )
    assert.deepEqual(described[5], { name: 'weather', description: weather.description, inputSchema: parameters })
    assert.deepEqual(described[6], { name: 'plain', inputSchema: { type: 'object', properties: {} } })
    const nameless = await ready(t, await listen(t, { dialect: 'event', tools }))
    assert.deepEqual(await nameless.tools(), [])
  })

  test('waits for a client that is still connecting', async (t) => {
    const client = open(t, await describing(t, [{ name: 'a' }]))
    assert.equal(client.state, 'connecting')
    assert.deepEqual(await client.tools(), [{ name: 'a' }])
  })

  test('is empty in the dialect of the guide', async (t) => {
    const client = await ready(t, await listen(t, { schemas: 'named' }))
    assert.deepEqual(await client.tools(), [])
  })

  test('is empty if the server has said nothing within a second', async (t) => {
    const client = await ready(t, await silent(t))
    assert.deepEqual(await client.tools(), [])
  })

  test('gives the newest that the server has said', async (t) => {
    const server = await describing(t, [{ name: 'old' }])
    const client = await ready(t, server)
    const heard = new Promise((resolve) => client.once('message', resolve))
    server.broadcast({ event: 'schemas', data: [{ name: 'new' }] })
    await heard
    assert.deepEqual(await client.tools(), [{ name: 'new' }])
  })

  test('gives frozen descriptions', async (t) => {
    const client = await ready(t, await describing(t, [{ name: 'a' }]))
    const tools = await client.tools()
    assert.ok(Object.isFrozen(tools) && Object.isFrozen(tools[0]))
  })

  test('rejects as a call does: without a connection, on close, after its timeout', async (t) => {
    const idle = new MCPClient({ url: 'ws://127.0.0.1:9/mcp-ws', autoConnect: false })
    assert.equal((await rejection(idle.tools())).code, 'NOT_CONNECTED')
    const client = await ready(t, await silent(t))
    const [late, closed] = [client.tools({ timeout: 20 }), client.tools()]
    const error = await rejection(late)
    assert.deepEqual([error.code, error.toolName, error.sent], ['REQUEST_TIMEOUT', undefined, undefined])
    await Promise.all([client.close(), rejection(closed).then(({ code }) => assert.equal(code, 'CLOSED'))])
  })

  test('rejects with the reason of a signal, before and while it waits', async (t) => {
    const client = await ready(t, await silent(t))
    assert.equal(await rejection(client.tools({ signal: AbortSignal.abort('before') })), 'before')
    const controller = new AbortController()
    const waiting = client.tools({ signal: controller.signal })
    controller.abort('meanwhile')
    assert.equal(await rejection(waiting), 'meanwhile')
  })

  test('may be aborted when it was answered already', async (t) => {
    const client = await ready(t, await describing(t, [{ name: 'a' }]))
    const controller = new AbortController()
    const answered = client.tools({ signal: controller.signal })
    controller.abort('late')
    assert.equal(await rejection(answered), 'late')
    assert.deepEqual(await client.tools(), [{ name: 'a' }])
    assert.equal(client.stats().requests, 0)
  })

  for (const [options, message] of [
    [null, /options of tools must be an object, got null/],
    [{ timout: 1 }, /unknown option "timout" of tools, did you mean "timeout"\?/],
    [{ timeout: -1 }, /option "timeout" must be from 0/],
    [{ signal: {} }, /option "signal" must be an AbortSignal/],
  ]) {
    test(`rejects ${JSON.stringify(options)}`, async (t) => {
      const client = await ready(t, await listen(t))
      assert.match((await rejection(client.tools(options))).message, message)
    })
  }

  test('is answered even if nothing else keeps the process alive', async (t) => {
    const { url } = await describing(t, [{ name: 'a' }])
    const told = await run(
      t,
      async ({ MCPClient, tell, input }) => {
        const client = new MCPClient(input)
        await client.connect()
        tell(await client.tools())
        await client.close()
      },
      url,
    )
    assert.deepEqual(told, [[{ name: 'a' }]])
  })
})
