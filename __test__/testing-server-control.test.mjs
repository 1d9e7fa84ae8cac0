/** What a test does with an `MCPTestServer`: watching it, letting it fail on command, and ending it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, Server } from 'node:net'
import { describe, test } from 'node:test'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { ready } from './helpers/client.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { run } from './helpers/program.mjs'
import { RawClient, refusal, upgradeByHand } from './helpers/raw-client.mjs'
import { listen } from './helpers/test-server.mjs'

describe('watching', () => {
  test('requests are on record with what came and on which connection', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    await client.ask({ id: 'req_1', name: 'echo', parameters: { a: 1 } })
    await client.ask({ id: 'req_2', name: 'nothing' })
    const [first, second] = server.requests
    assert.equal(first.id, 'req_1')
    assert.equal(first.name, 'echo')
    assert.deepEqual(first.parameters, { a: 1 })
    assert.equal(first.connection, server.connections[0])
    assert.ok(first.receivedAt <= second.receivedAt)
    assert.equal(second.parameters, undefined)
    assert.equal(server.connections[0].requestCount, 2)
  })

  test('the history is as long as it is asked to be', async (t) => {
    const server = await listen(t, { history: 1 })
    const client = await RawClient.authenticated(t, server.url)
    await client.ask({ id: 1, name: 'echo' })
    await client.ask({ id: 2, name: 'echo' })
    assert.deepEqual(
      server.requests.map(({ id }) => id),
      [2],
    )
    assert.equal((await server.nextRequest()).id, 2)
  })

  test('nextConnection and nextRequest hand out each thing once, whether it came before or after', async (t) => {
    const server = await listen(t)
    const early = server.nextConnection()
    const client = await RawClient.authenticated(t, server.url)
    assert.equal((await early).id, 1)
    await RawClient.open(t, server.url)
    await RawClient.open(t, server.url)
    assert.equal((await server.nextConnection()).id, 2)
    assert.equal((await server.nextConnection()).id, 3)

    const late = server.nextRequest('status')
    await client.ask({ id: 1, name: 'echo' })
    await client.ask({ id: 2, name: 'status' })
    await client.ask({ id: 3, name: 'echo' })
    assert.equal((await late).id, 2)
    assert.equal((await server.nextRequest()).id, 1)
    assert.equal((await server.nextRequest('echo')).id, 3)
  })

  test('who waits for what never comes is told when the server closes, and who ignores it is not troubled', async (t) => {
    const server = await listen(t)
    const awaited = server.nextRequest()
    void server.nextConnection()
    await server.close()
    await assert.rejects(awaited, /closed before the next request/)
    await assert.rejects(server.nextConnection(), /closed before the next connection/)
  })

  test('connection, message, request and close are told in this order', async (t) => {
    const server = await listen(t)
    const told = []
    server.on('connection', ({ id }) => told.push(['connection', id]))
    server.on('message', (text) => told.push(['message', text]))
    server.on('request', ({ name }) => told.push(['request', name]))
    const gone = once(server, 'close')
    const client = await RawClient.open(t, server.url)
    await client.ask('{"id":"auth","token":"x"}')
    await client.ask('{"id":"r","name":"echo"}')
    client.socket.close(4000, 'bye')
    const [connection, frame] = await gone
    assert.deepEqual(told, [
      ['connection', 1],
      ['message', '{"id":"auth","token":"x"}'],
      ['message', '{"id":"r","name":"echo"}'],
      ['request', 'echo'],
    ])
    assert.equal(connection.id, 1)
    assert.deepEqual(frame, { code: 4000, reason: 'bye' })
    assert.deepEqual(await connection.closed, frame)
    assert.deepEqual(server.connections, [])
  })

  test('a connection knows the headers and the subprotocol of its upgrade', async (t) => {
    const server = await listen(t)
    const socket = (await RawClient.open(t, server.url, { headers: { 'X-Team': 'blue' }, protocols: ['mcp', 'other'] }))
      .socket
    const connection = await server.nextConnection()
    assert.equal(connection.headers['x-team'], 'blue')
    assert.equal(connection.protocol, 'mcp')
    assert.equal(socket.protocol, 'mcp')
  })

  test('an interceptor keeps frames from the server and answers in its own way', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    server.intercept((text, connection) => {
      const { id, name } = JSON.parse(text)
      if (name !== 'echo') return false
      return connection.send(`{"results":1,"results":2,"id":"${id}"}`)
    })
    assert.deepEqual(await client.ask({ id: 'a', name: 'echo' }), { id: 'a', results: 2 })
    assert.equal((await client.ask({ id: 'b', name: 'status' })).results.requests, 1)
    server.intercept(null)
    assert.deepEqual(await client.ask({ id: 'c', name: 'echo', parameters: 3 }), { id: 'c', results: 3 })
  })

  test('anything can be pushed to one connection or to all', async (t) => {
    const server = await listen(t)
    const clients = [await RawClient.open(t, server.url), await RawClient.open(t, server.url)]
    server.broadcast({ news: 1 })
    server.broadcast('"as it is"')
    server.broadcast(Buffer.from('bytes'))
    for (const client of clients) {
      assert.deepEqual(await client.next(), { news: 1 })
      assert.equal(await client.next(), 'as it is')
      assert.equal(String(await client.next()), 'bytes')
    }
    const [first] = server.connections
    assert.throws(() => first.send(undefined), TypeError)
    await first.terminate()
    assert.equal(first.send('too late'), false)
  })
})

describe('failing on command', () => {
  test('all connections can be closed with a code and a reason', async (t) => {
    const server = await listen(t)
    const clients = [await RawClient.open(t, server.url), await RawClient.open(t, server.url)]
    await server.closeAll(1012, 'restart')
    assert.deepEqual(server.connections, [])
    for (const client of clients) assert.deepEqual(await client.closed, { code: 1012, reason: 'restart' })
    await RawClient.open(t, server.url)
  })

  test('a close that could not be sent is refused before anything happens', async (t) => {
    const server = await listen(t)
    await RawClient.open(t, server.url)
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2000, 5000, 1000.5, NaN]) {
      await assert.rejects(server.closeAll(code), RangeError)
      await assert.rejects(server.connections[0].close(code), RangeError)
    }
    await assert.rejects(server.closeAll(1000, 'é'.repeat(62)), RangeError)
    assert.equal(server.connections.length, 1)
  })

  test('a client that does not answer the close frame is dropped', async (t) => {
    const server = await listen(t)
    const { connection } = await upgradeByHand(t, server)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const gone = connection.close(1000)
    t.mock.timers.tick(2_000)
    await gone
    assert.deepEqual(await connection.closed, { code: 1006, reason: '' })
  })

  test('all connections can be dropped as if the server had crashed', async (t) => {
    const server = await listen(t)
    const clients = [await RawClient.open(t, server.url), await RawClient.open(t, server.url)]
    await server.terminateAll()
    for (const client of clients) assert.equal((await client.closed).code, 1006)
  })

  for (const dialect of ['guide', 'event']) {
    test(`no ping of the ${dialect} dialect or of WebSocket is answered while pongs are paused, and everything else is`, async (t) => {
      const server = await listen(t, { dialect, tools: {} })
      const client = await RawClient.open(t, server.url)
      const pongs = []
      client.socket.on('pong', (data) => pongs.push(String(data)))
      if (dialect === 'event') await Promise.all([client.next(), client.next()])
      const ping = dialect === 'guide' ? { messageType: 'ping', timestamp: 1 } : { type: 'ping' }
      const bad = () => client.ask('not JSON')

      server.pausePongs()
      client.socket.ping('lost')
      client.send(ping)
      assert.ok(JSON.stringify(await bad()).includes('not JSON'))
      server.resumePongs()
      client.socket.ping('found')
      const answer = await client.ask(ping)
      assert.equal(answer.messageType ?? answer.event, 'pong')
      assert.deepEqual(pongs, ['found'])
    })
  }

  test('upgrades can be refused with an HTTP status, while live connections go on', async (t) => {
    const server = await listen(t)
    const client = await RawClient.authenticated(t, server.url)
    for (const status of [401, 403, 429, 503]) {
      server.refuseUpgrades(status)
      assert.match(await refusal(t, server.url), new RegExp(`${status}`))
    }
    assert.throws(() => server.refuseUpgrades(101), RangeError)
    assert.equal((await client.ask({ id: 'r', name: 'echo', parameters: 1 })).results, 1)
    await server.resumeAccepting()
    await RawClient.open(t, server.url)
  })

  test('an outage refuses connections on the port and ends on the same port, while live connections go on', async (t) => {
    const server = await listen(t)
    const { url } = server
    const client = await RawClient.authenticated(t, url)
    server.stopAccepting()
    server.stopAccepting()
    assert.match(await refusal(t, url), /ECONNREFUSED/)
    assert.equal((await client.ask({ id: 'r', name: 'echo', parameters: 1 })).results, 1)
    await Promise.all([server.resumeAccepting(), server.resumeAccepting()])
    await server.resumeAccepting()
    assert.equal(server.url, url)
    await RawClient.open(t, url)
    assert.equal(server.connections.length, 2)
  })
})

describe('closing', () => {
  test('close says goodbye, ends everything and may be called again', async (t) => {
    const server = await listen(t)
    const client = await RawClient.open(t, server.url)
    assert.equal(server.close(), server.close())
    await server.close()
    assert.deepEqual(await client.closed, { code: 1001, reason: 'server closing' })
    assert.match(await refusal(t, server.url), /ECONNREFUSED/)
    await assert.rejects(server.resumeAccepting(), /closed/)
  })

  test('a server is disposed of when its scope ends', async () => {
    const server = await MCPTestServer.listen()
    await server[Symbol.asyncDispose]()
    await assert.rejects(server.resumeAccepting(), /closed/)
  })

  test('a connection that never asked for an upgrade does not hold up the close', async (t) => {
    const server = await listen(t)
    const socket = connectTcp(server.port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    socket.write('GET /mcp-ws HTTP/1.1\r\n')
    await server.close()
  })

  test('the mistake of a listener surfaces as uncaughtException and holds up neither its connection nor the close', async (t) => {
    const told = await run(t, async ({ tell, MCPClient }) => {
      const { MCPTestServer } = await import('@mcp-integration/client/testing')
      process.on('uncaughtException', ({ message }) => tell(message))
      const server = await MCPTestServer.listen()
      const client = new MCPClient(server.url)
      await client.connect()
      server.once('message', () => {
        throw new Error('of a listener')
      })
      client.sendMessage('1')
      server.intercept((text) => {
        if (text === '2') throw new Error('of the interceptor')
      })
      client.sendMessage('2')
      server.once('request', () => {
        throw new Error('of a listener of requests')
      })
      await client.useTool('echo', 1, { timeout: 100 }).catch(({ code }) => tell(code))
      tell(await client.useTool('echo', 2))
      await server.close()
      await client.close()
    })
    assert.deepEqual(told, ['of a listener', 'of the interceptor', 'of a listener of requests', 'REQUEST_TIMEOUT', 2])
  })

  test('a server that is closed while it resumes is closed when close() resolves', async (t) => {
    const server = await listen(t)
    server.stopAccepting()
    const resumed = server.resumeAccepting().catch((error) => error)
    await server.close()
    assert.match((await resumed).message, /closed/)
    assert.match(await refusal(t, server.url), /ECONNREFUSED/)
  })
})

for (const kind of ['MCPTestServer', 'FaultProxy']) {
  test(`a connection that the system cannot hand over to a ${kind} is lost, and it goes on`, async (t) => {
    const listeners = []
    const { listen: listenFor } = Server.prototype
    t.mock.method(Server.prototype, 'listen', function (...args) {
      listeners.push(this)
      return listenFor.apply(this, args)
    })
    const server = await listen(t)
    const served = kind === 'MCPTestServer' ? server : await listenProxy(t, server)
    const refused = once(server, 'refused')
    // As Node.js reports it.
    listeners.at(-1).emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }))
    if (kind === 'MCPTestServer')
      assert.deepEqual(await refused, [
        'a connection could not be accepted: accept EMFILE; raise the limit of open files (ulimit -n)',
      ])
    await ready(t, served)
  })
}
