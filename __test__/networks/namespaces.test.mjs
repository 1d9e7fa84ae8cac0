/**
 * Networks that are broken for real: two machines in network namespaces of the test's own, and the cable between them.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addAddress, lose, NOBODY, openCable, openMachine, pull, SERVER } from '../helpers/namespaces.mjs'
import { assertDocumented } from '../helpers/networks-page.mjs'
import { run, start } from '../helpers/program.mjs'

const PORT = 8080
const PLATFORM = `ws://platform.test:${PORT}`

/** `/etc/hosts` with these addresses of platform.test. */
function hosts(...addresses) {
  const lines = addresses.map((address) => `${address} platform.test`)
  return { '/etc/hosts': ['127.0.0.1 localhost', ...lines, ''].join('\n') }
}

/** A test server on the other machine. Of each connection it tells the address at which it has arrived. */
async function serve(t, { server }) {
  const program = start(
    t,
    async ({ tell, input: { port } }) => {
      const { MCPTestServer } = await import('@mcp-integration/client/testing')
      const server = await MCPTestServer.listen({ host: '::', port, allowedHosts: ['platform.test'] })
      server.on('connection', ({ headers }) => tell(headers.host))
      tell('listening')
    },
    { port: PORT },
    { under: server.under },
  )
  assert.equal(await program.told(0), 'listening')
  return program
}

/**
 * Connects on the client's machine to each of these urls, or lists of them, and calls a tool. Resolves with the url
 * that each was ready with, or its error.
 */
function connecting(t, { under }, urls, options = {}) {
  return run(
    t,
    async ({ MCPClient, tell, input: { urls, options } }) => {
      const tellError = ({ name, message, code, phase, retryable, cause }) => {
        const { code: system, message: words, address, port } = cause ?? {}
        tell({ name, message, code, phase, retryable, cause: { code: system, message: words, address, port } })
      }
      for (const url of urls) {
        const client = new MCPClient({ url, maxReconnectAttempts: 0, connectTimeout: 5_000, ...options })
        await client
          .connect()
          .then(() => client.useTool('echo', client.url))
          .then(tell, tellError)
        await client.close()
      }
    },
    { urls, options },
    { under },
  )
}

/** A client that pings often, and tells what happens; it waits for long before it dials again unless told otherwise. */
async function clientAt(t, cable, options = {}) {
  const program = start(
    t,
    async ({ MCPClient, tell, input: { url, options } }) => {
      const client = new MCPClient(url, {
        heartbeatInterval: 100,
        heartbeatTimeout: 400,
        connectTimeout: 300,
        maxReconnectAttempts: Infinity,
        reconnectJitter: 0,
        ...options,
      })
      client.on('close', ({ code, reason, willReconnect }) => tell({ code, reason, willReconnect }))
      client.on('reconnecting', ({ attempt }) => tell({ attempt }))
      client.on('authenticated', () => tell('ready'))
      process.once('SIGTERM', () => void client.close())
    },
    { url: PLATFORM, options },
    { under: cable.client.under },
  )
  let index = 0
  return {
    /** The next thing that it tells and that `wanted` accepts. */
    async next(wanted) {
      let told
      do told = await program.told(index++)
      while (!wanted(told))
      return told
    },
    async end() {
      program.child.kill('SIGTERM')
      assert.equal((await program.ended).code, 0)
    },
  }
}
const isClose = (told) => 'reason' in told
const isReady = (told) => told === 'ready'
const isAttempt = (number) => (told) => told.attempt >= number

describe('a name with several addresses', () => {
  test('is reached, although those before the right one swallow packets or belong to no machine', async (t) => {
    const cable = await openCable(t, hosts(NOBODY.v6, NOBODY.v4, SERVER.v4))
    await serve(t, cable)
    assert.deepEqual(await connecting(t, cable.client, [PLATFORM]), [`${PLATFORM}/mcp-ws`])
  })

  test('is reached although IPv6 is half-broken: there is a route, and nothing comes back', async (t) => {
    const cable = await openCable(t, hosts(NOBODY.v6, SERVER.v4))
    await serve(t, cable)
    assert.deepEqual(await connecting(t, cable.client, [PLATFORM]), [`${PLATFORM}/mcp-ws`])
    // There is no route.
    cable.client.ip('-6', 'route', 'del', 'default')
    assert.deepEqual(await connecting(t, cable.client, [PLATFORM]), [`${PLATFORM}/mcp-ws`])
  })

  test('is looked up anew for every attempt', async (t) => {
    const cable = await openCable(t, hosts(NOBODY.v6))
    await serve(t, cable)
    const client = await clientAt(t, cable, { baseReconnectDelay: 50, reconnectFactor: 1 })
    await client.next(isAttempt(2))
    await cable.client.write(hosts(SERVER.v4))
    await client.next(isReady)
    await client.end()
  })

  test('whose addresses are all dead times out, and says what no address has done', async (t) => {
    const cable = await openCable(t, hosts(NOBODY.v6))
    const [swallowed] = await connecting(t, cable.client, [PLATFORM], { connectTimeout: 300 })
    assert.deepEqual([swallowed.phase, swallowed.retryable], ['tcp', true])
    assertDocumented('The address swallows packets (a firewall).', swallowed)
  })

  test('one of which accepts and then drops the connection is reached at the next attempt', async (t) => {
    const cable = await openCable(t, hosts(SERVER.v4, SERVER.other))
    const server = start(
      t,
      async ({ tell, input: { port } }) => {
        const { connect, createServer } = await import('node:net')
        const { MCPTestServer } = await import('@mcp-integration/client/testing')
        const server = await MCPTestServer.listen({ allowedHosts: ['platform.test'] })
        let bad
        const door = createServer((socket) => {
          // The one that is tried first.
          bad ??= socket.localAddress
          tell(socket.localAddress === bad ? 'bad' : 'good')
          if (socket.localAddress === bad) return socket.once('data', () => socket.end())
          const inner = connect(server.port, '127.0.0.1')
          socket
            .on('error', () => {})
            .pipe(inner)
            .on('error', () => {})
            .pipe(socket)
        })
        door.listen(port, '0.0.0.0', () => tell('listening'))
      },
      { port: PORT },
      { under: cable.server.under },
    )
    assert.equal(await server.told(0), 'listening')
    const told = await run(
      t,
      async ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url, { baseReconnectDelay: 1 })
        client.on('error', ({ message, phase, retryable }) => tell({ message, phase, retryable }))
        client.on('authenticated', () => tell('ready'))
        await client.connect()
        await client.reconnect()
        await client.close()
      },
      { url: PLATFORM },
      { under: cable.client.under },
    )
    assert.deepEqual(told.slice(1), ['ready', 'ready'])
    assert.deepEqual([told[0].phase, told[0].retryable], ['upgrade', true])
    assertDocumented('One of several addresses accepts, and then drops the connection.', told[0])
    assert.deepEqual([await server.told(1), await server.told(2), await server.told(3)], ['bad', 'good', 'good'])
  })
})

describe('an address', () => {
  test('where nobody listens, or to which no way leads, says that', async (t) => {
    const cable = await openCable(t)
    const urls = [`ws://${SERVER.v4}:${PORT}`, `ws://${NOBODY.v4}:${PORT}`, `ws://203.0.113.1:${PORT}`]
    const [refused, ...unreachable] = await connecting(t, cable.client, urls)
    assert.deepEqual([refused.cause.address, refused.cause.port], [SERVER.v4, PORT])
    assertDocumented('Nobody listens at the address.', refused)
    assertDocumented('No way leads to the address, or no machine has it.', ...unreachable)
  })

  test('of a link is dialed over the interface that its zone names', async (t) => {
    const cable = await openCable(t)
    const server = await serve(t, cable)
    const url = `ws://[${SERVER.local}%25eth0]:${PORT}/mcp-ws`
    const urls = [url, `ws://[${SERVER.local}]:${PORT}`, `ws://[${SERVER.local}%25eth7]:${PORT}`]
    const [reached, ...errors] = await connecting(t, cable.client, urls)
    assert.equal(reached, url)
    // The zone is for the client's machine alone.
    assert.equal(await server.told(1), `[${SERVER.local}]:${PORT}`)
    assertDocumented('The address is one of a link (IPv6, `fe80::`).', ...errors)
  })
})

describe('a resolver', () => {
  /** A server of names at loopback that answers `respond(query)`, and a client that asks for names there. */
  async function asking(t, respond, urls, options) {
    const machine = await openMachine(t, {
      '/etc/resolv.conf': 'nameserver 127.0.0.1\noptions timeout:30 attempts:1\n',
    })
    const program = start(
      t,
      async ({ tell, input: { respond } }) => {
        const { createSocket } = await import('node:dgram')
        const socket = createSocket('udp4')
        const answer = (0, eval)(`(${respond})`)
        socket.on('message', (query, { port, address }) => {
          const response = answer(query)
          if (response !== null) socket.send(response, port, address)
        })
        socket.bind(53, '127.0.0.1', () => tell('listening'))
      },
      { respond: String(respond) },
      { under: machine.under },
    )
    assert.equal(await program.told(0), 'listening')
    return connecting(t, machine, urls, options)
  }

  test('that knows no such name, does not work, or does not answer is told apart', async (t) => {
    const [unknown] = await asking(
      t,
      (query) => {
        // RFC 1035 § 4.1.1: a response, and its code 3, "Name Error".
        query[2] |= 0x80
        query[3] = 0x83
        return query
      },
      [PLATFORM],
    )
    assertDocumented('The name does not exist.', unknown)
    const [failing] = await connecting(t, await openMachine(t, { '/etc/resolv.conf': 'nameserver 192.0.2.53\n' }), [
      PLATFORM,
    ])
    const [hanging] = await asking(t, () => null, [PLATFORM], { connectTimeout: 300 })
    for (const error of [unknown, failing, hanging]) assert.deepEqual([error.phase, error.retryable], ['name', true])
    assertDocumented('The resolver does not answer, or not now.', failing, hanging)
  })
})

describe('a list of endpoints', () => {
  test('whose first is swallowed is gone through to the second, and in a race it is not waited for', async (t) => {
    const cable = await openCable(t, hosts(SERVER.v4))
    await serve(t, cable)
    const list = [`ws://[${NOBODY.v6}]:${PORT}`, PLATFORM]
    const inTurn = await connecting(t, cable.client, [list], { connectTimeout: 300 })
    const inARace = await connecting(t, cable.client, [list], { connectTimeout: 20_000, race: true })
    assert.deepEqual([...inTurn, ...inARace], [`${PLATFORM}/mcp-ws`, `${PLATFORM}/mcp-ws`])
  })
})

describe('a client whose cable', () => {
  for (const [what, breakIt] of [
    ['is pulled', pull],
    ['loses every packet', lose],
  ]) {
    test(`${what} notices by its heartbeat, and is back when the cable is`, async (t) => {
      const cable = await openCable(t, hosts(SERVER.v4))
      await serve(t, cable)
      const client = await clientAt(t, cable, { baseReconnectDelay: 50, reconnectFactor: 1 })
      await client.next(isReady)
      const mend = breakIt(cable)
      const close = await client.next(isClose)
      assert.deepEqual(close, { code: 1006, reason: 'heartbeat timeout', willReconnect: true })
      assertDocumented('The network is gone, or a router forgets the connection.', close)
      await client.next(isAttempt(3))
      mend()
      await client.next(isReady)
      await client.end()
    })
  }

  test('leads into another network dials soon, however long it was to wait', async (t) => {
    const cable = await openCable(t, hosts(SERVER.v4))
    await serve(t, cable)
    // The second attempt is minutes away.
    const patient = { baseReconnectDelay: 500, reconnectFactor: 1_000, maxReconnectDelay: 3_600_000 }
    const client = await clientAt(t, cable, patient)
    await client.next(isReady)
    const mend = lose(cable)
    await client.next(isAttempt(2))
    mend()
    addAddress(cable.client, '198.51.100.1')
    await client.next(isReady)
    await client.end()
  })
})
