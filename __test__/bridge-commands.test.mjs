/** What the far end of a bridge may command, send and call. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPError } from '@mcp-integration/client'
import { connectClient, serveClient } from '@mcp-integration/client/bridge'
import { bridge, bridged } from './helpers/bridge.mjs'
import { inbox, next, open, reached, ready, record, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

describe('commands over the bridge', () => {
  test('start a client that nobody has started', async (t) => {
    const client = open(t, await listen(t), { autoConnect: false })
    const { far } = bridge(t, client)
    await far.connect()
    assert.equal(far.state, 'ready')
    await far.connect()
  })

  test('wait for a client that is on its way, and reject when it does not arrive', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server, { baseReconnectDelay: 60_000, maxReconnectDelay: 60_000 })
    const { far } = await bridged(t, client)
    await Promise.all([reached(far, 'reconnecting'), server.terminateAll()])
    const waiting = far.connect()
    await rejection(far.reconnect())
    // It dials at once for its owner, and not for the far end.
    assert.equal(client.state, 'reconnecting')
    await client.connect()
    await waiting
    await Promise.all([reached(far, 'reconnecting'), server.terminateAll()])
    const failing = rejection(far.connect())
    await rejection(far.reconnect())
    void client.close()
    assert.ok((await failing) instanceof MCPError)
  })

  test('do not control the client unless that is allowed', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const { far } = await bridged(t, client)
    for (const command of [() => far.reconnect(), () => far.authenticate('other')]) {
      const error = await rejection(command())
      assert.ok(error instanceof MCPError)
      assert.deepEqual([error.code, error.retryable], ['NOT_ALLOWED', false])
      assert.match(error.message, /allowControl/)
    }
    await client.close()
    await reached(far, 'closed')
    assert.equal((await rejection(far.connect())).code, 'NOT_ALLOWED')
    assert.equal(client.state, 'closed')
  })

  test('control it where that is allowed', async (t) => {
    const server = await listen(t, { tokens: ['good'] })
    const client = open(t, server, { apiKey: 'bad' })
    const { far } = bridge(t, client, { allowControl: true })
    assert.equal((await rejection(far.connect())).code, 'AUTH_FAILED')
    await far.authenticate('good')
    assert.equal(far.state, 'ready')
    const connection = await server.nextConnection()
    await far.reconnect()
    await connection.closed
    await client.close()
    await reached(far, 'closed')
    await far.connect()
    assert.equal(far.state, 'ready')
  })

  test('of an end that has just come do not open what was closed on purpose', async (t) => {
    const client = await ready(t, await listen(t))
    await client.close()
    const { far } = bridge(t, client, { allowControl: true })
    assert.equal((await rejection(far.connect())).code, 'NOT_CONNECTED')
    assert.equal(client.state, 'closed')
    assert.equal(far.state, 'closed')
    await far.connect()
  })

  test('may be ignored', async (t) => {
    const { far } = bridge(t, open(t, DEAF_URL))
    void far.reconnect()
    void far.authenticate()
    assert.equal((await rejection(far.useTool('echo', 1, { timeout: 5 }))) instanceof MCPError, true)
  })
})

describe('messages over the bridge', () => {
  test('are not sent unless that is allowed', async (t) => {
    const server = await listen(t)
    const { far, log } = await bridged(t, await ready(t, server))
    const told = next(far, 'error')
    assert.equal(far.sendMessage({ id: 'auth', token: 'mine' }), false)
    assert.equal((await told)[0].code, 'NOT_ALLOWED')
    await far.useTool('echo')
    assert.deepEqual([server.requests.length, log.length], [1, 0])
  })

  test('are sent where that is allowed, a string as it is, and their answers come back to who has sent them', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const [one, two] = [await bridged(t, client, { allowMessages: true }), await bridged(t, client)]
    const heardByTwo = record(two.far, ['message'])
    await two.far.useTool('echo')
    const answer = next(one.far, 'message')
    assert.equal(one.far.sendMessage('{"id":"mine","name":"echo","parameters":7}'), true)
    assert.deepEqual((await answer)[0], { id: 'mine', results: 7 })
    assert.equal(one.far.sendMessage({ id: 8, name: 'echo', parameters: 8 }), true)
    assert.deepEqual((await next(one.far, 'message'))[0], { id: 8, results: 8 })
    await two.far.useTool('echo')
    assert.deepEqual(heardByTwo, [])
  })

  test('of sendToolRequest are answered under the id that it has returned', async (t) => {
    for (const dialect of ['guide', 'event']) {
      const server = await listen(t, { dialect })
      const client = await ready(t, server)
      const [one, two] = [await bridged(t, client), await bridged(t, client)]
      // What belongs to no request, the second greeting of the event dialect say, may still come.
      const answerIn = (message) =>
        [dialect === 'guide' ? message : message.data].find((answer) => /^req_/.test(answer.id ?? answer.requestId))
      const heardByTwo = record(two.far, ['message'])
      const messages = inbox(one.far, 'message')
      const ids = ['echo', 'fail'].map((tool) => one.far.sendToolRequest(tool, { message: 'no' }))
      for (const id of ids) assert.match(id, /^req_\d+_[0-9a-z]{9}$/)
      const answers = new Map()
      while (answers.size < 2) {
        const answer = answerIn((await messages())[0])
        if (answer !== undefined) answers.set(answer.id ?? answer.requestId, answer)
      }
      assert.deepEqual([...answers.keys()].sort(), ids.sort())
      assert.deepEqual([...answers.values()].find(({ error }) => !error).results, { message: 'no' })
      await two.far.useTool('echo')
      assert.deepEqual(
        heardByTwo.filter(([, message]) => answerIn(message) !== undefined),
        [],
      )
      assert.equal(client.stats().lateResponses, 0)
    }
  })

  test('that the server says unasked reach everybody', async (t) => {
    const server = await listen(t)
    const client = await ready(t, server)
    const ends = [await bridged(t, client), await bridged(t, client), await bridged(t, client)]
    const heard = ends.map(({ far }) => record(far, ['message']))
    await Promise.all(ends.map(({ far }) => far.useTool('echo', 'private')))
    await client.useTool('echo', 'private')
    server.broadcast({ id: 'news-1', text: 'public' })
    server.broadcast({ id: 'auth', success: true })
    for (const [index, { far }] of ends.entries()) while (heard[index].length < 2) await next(far, 'message')
    for (const told of heard)
      assert.deepEqual(told, [
        ['message', { id: 'news-1', text: 'public' }],
        ['message', { id: 'auth', success: true }],
      ])
  })
})

describe('tools over the bridge', () => {
  test('are those that are allowed, by name', async (t) => {
    const server = await listen(t)
    const { far } = await bridged(t, await ready(t, server), { allowTools: ['echo'] })
    assert.equal(await far.useTool('echo', 1), 1)
    const error = await rejection(far.useTool('status'))
    assert.deepEqual([error.code, error.toolName, error.retryable, error.sent], ['NOT_ALLOWED', 'status', false, false])
    const answer = next(far, 'message')
    const id = far.sendToolRequest('status')
    assert.deepEqual((await answer)[0].id, id)
    assert.equal((await answer)[0].error.code, 'NOT_ALLOWED')
    assert.deepEqual(
      server.requests.map(({ name }) => name),
      ['echo'],
    )
  })

  test('are those that a function allows; when it fails, none', async (t) => {
    const asked = []
    const allowTools = (tool, parameters) => {
      asked.push([tool, parameters])
      if (parameters === 'throw') throw new Error('mine')
      return parameters === 'yes'
    }
    const { far, log } = await bridged(t, await ready(t, await listen(t)), { allowTools })
    assert.equal(await far.useTool('echo', 'yes'), 'yes')
    for (const parameters of ['no', 'throw'])
      assert.equal((await rejection(far.useTool('echo', parameters))).code, 'NOT_ALLOWED')
    assert.deepEqual(asked, [
      ['echo', 'yes'],
      ['echo', 'no'],
      ['echo', 'throw'],
    ])
    assert.match(log[0].message, /allowTools failed/)
  })

  test('cannot be allowed by a misspelt option', async (t) => {
    const client = open(t, DEAF_URL, { autoConnect: false })
    const { port1 } = new MessageChannel()
    t.after(() => port1.close())
    for (const options of [
      { allowTool: [] },
      { allowTools: 'echo' },
      { allowTools: [5] },
      { allowControl: 1 },
      { onLog: 'x' },
      null,
    ]) {
      assert.throws(() => serveClient(client, port1, options), TypeError)
    }
    for (const port of [null, {}, { postMessage() {} }, { on() {} }]) {
      assert.throws(() => serveClient(client, port), TypeError)
      assert.throws(() => connectClient(port), TypeError)
    }
  })
})
