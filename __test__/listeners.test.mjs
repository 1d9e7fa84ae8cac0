/** How listeners are added, called, and what comes of one that throws. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { next, open, ready } from './helpers/client.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

describe('as an EventEmitter', () => {
  test('once, prepend, off and removeAllListeners do what they say, and return the client', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const heard = []
    const off = () => heard.push('off')
    assert.equal(client.on('message', off), client)
    assert.equal(client.off('message', off), client)
    assert.equal(
      client.once('message', () => heard.push('once')),
      client,
    )
    client.prependListener('message', () => heard.push('first'))
    client.prependOnceListener('message', () => heard.push('first, once'))
    await client.useTool('echo')
    await client.useTool('echo')
    assert.deepEqual(heard, ['first, once', 'first', 'once', 'first'])
    assert.equal(client.removeAllListeners('message'), client)
    await client.useTool('echo')
    assert.equal(heard.length, 4)
  })

  test('a listener is called with the client as this', async (t) => {
    const client = open(t, await listen(t))
    const seen = await new Promise((resolve) => {
      client.on('open', function () {
        resolve(this)
      })
    })
    assert.equal(seen, client)
  })

  test('messages, heartbeats and log lines are told to whoever begins to listen later', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { heartbeatInterval: 5 })
    await client.useTool('echo')
    await Promise.all([next(client, 'heartbeat'), next(client, 'message')])
    const logged = next(client, 'log')
    await server.closeAll(1012)
    await logged
  })
})

describe('from within a listener', () => {
  test('tools can be called, and the client can be closed', async (t) => {
    const server = await listen(t)
    const client = open(t, server)
    const answer = new Promise((resolve) => client.once('authenticated', () => resolve(client.useTool('echo', 1))))
    assert.equal(await answer, 1)
    const closed = new Promise((resolve) => client.once('message', () => resolve(client.close())))
    client.sendToolRequest('echo')
    await closed
    assert.equal(client.state, 'closed')
  })

  test('the client can be connected again, whatever it has just come to', async (t) => {
    const server = await listen(t)
    server.refuseUpgrades(404)
    const client = open(t, server)
    const connected = new Promise((resolve) => {
      client.once('failed', async () => {
        await server.resumeAccepting()
        resolve(client.connect())
      })
    })
    await connected
    const again = new Promise((resolve) => client.once('close', () => resolve(client.connect())))
    await server.closeAll(1000)
    await again
    assert.equal(client.state, 'ready')
  })

  test('it can be replaced by another listener, which does not hear the same event', async (t) => {
    const client = await ready(t, await listen(t))
    const heard = []
    client.once('message', ({ results }) => {
      heard.push(`first ${results}`)
      client.once('message', ({ results }) => heard.push(`second ${results}`))
    })
    await client.useTool('echo', 1)
    await client.useTool('echo', 2)
    await client.useTool('echo', 3)
    assert.deepEqual(heard, ['first 1', 'second 2'])
  })
})

test('onMessage is called with every message', async (t) => {
  const server = await listen(t)
  const messages = []
  const client = await ready(t, server, { onMessage: (message) => messages.push(message) })
  await client.useTool('echo', 1)
  assert.equal(messages.length, 2)
  assert.deepEqual(messages[0], { id: 'auth', success: true })
  assert.equal(messages[1].results, 1)
})

describe('a listener that throws', () => {
  test('surfaces as uncaughtException; other listeners, calls and the client live on', async (t) => {
    const server = await listen(t)
    const [told] = await run(
      t,
      async ({ MCPClient, tell, input }) => {
        const caught = []
        process.on('uncaughtException', ({ message }) => caught.push(message))
        const client = new MCPClient({ url: input.url, onMessage: () => fail('onMessage') })
        const fail = (what) => {
          throw new Error(what)
        }
        for (const event of ['state', 'open', 'authenticated', 'message', 'close']) {
          client.on(event, () => fail(event))
          client.addEventListener(event, () => fail(`socket ${event}`))
        }
        client.onmessage = () => fail('onmessage')
        const heard = []
        client.on('message', ({ results }) => heard.push(results))
        const answers = [await client.useTool('echo', 1), await client.useTool('echo', 2)]
        await client.close()
        await new Promise(setImmediate)
        tell({ answers, heard: heard.slice(1), caught: [...new Set(caught)].sort() })
      },
      { url: server.url },
    )
    assert.deepEqual(told.answers, [1, 2])
    assert.deepEqual(told.heard, [1, 2])
    const expected = [
      'authenticated',
      'close',
      'message',
      'onMessage',
      'onmessage',
      'open',
      'socket close',
      'socket message',
      'socket open',
      'state',
    ]
    assert.deepEqual(told.caught, expected)
  })

  test('may be a signal that cannot be let go of: nobody else waits for that', async (t) => {
    const server = await listen(t)
    const [told] = await run(
      t,
      async ({ MCPClient, tell, input }) => {
        const caught = []
        process.on('uncaughtException', ({ message }) => caught.push(message))
        const client = new MCPClient(input.url)
        const { signal } = new AbortController()
        signal.removeEventListener = () => {
          throw new Error('removeEventListener')
        }
        void client.useTool('echo', 0, { signal })
        const answers = [await client.useTool('echo', 1), await client.useTool('echo', 2)]
        await client.close()
        tell({ answers, caught })
      },
      { url: server.url },
    )
    assert.deepEqual(told, { answers: [1, 2], caught: ['removeEventListener'] })
  })

  test('ends the process where nobody handles that, as anywhere in Node.js', async (t) => {
    const server = await listen(t)
    await assert.rejects(
      run(
        t,
        ({ MCPClient, input }) => {
          new MCPClient(input.url).on('open', () => {
            throw new Error('from the listener')
          })
        },
        { url: server.url },
      ),
      /ended with 1.*from the listener/s,
    )
  })
})
