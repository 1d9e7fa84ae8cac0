/** The guide's hook over a client: with React 18 and 19 alike. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MCPClient, MCPError } from '@mcp-integration/client'
import { bridge } from './helpers/bridge.mjs'
import { next, open, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { isReady, stage, VERSIONS } from './helpers/react.mjs'
import { listen } from './helpers/test-server.mjs'

const WORDS = 'WebSocket not connected or not authenticated'

for (const version of VERSIONS) {
  describe(`with React ${version} the hook`, () => {
    test('returns what the guide’s hook returns, the snapshot, and useTool under a second name', async (t) => {
      const server = await listen(t)
      const { root, probe, until, history } = stage(t, version)
      root().render(probe({ url: server.url }))
      const value = await until(isReady)
      const names = [
        'connected',
        'authenticated',
        'error',
        'connect',
        'reconnect',
        'sendMessage',
        'useTool',
        'snapshot',
        'callTool',
      ]
      assert.deepEqual(Object.keys(value).sort(), names.sort())
      assert.equal(value.useTool, value.callTool)
      assert.deepEqual([value.connected, value.authenticated, value.error], [true, true, null])
      assert.deepEqual(await value.useTool('echo', { a: 1 }), { a: 1 })
      assert.deepEqual(
        [history()[0].connected, history()[0].authenticated, history()[0].snapshot.state],
        [false, false, 'idle'],
      )
    })

    test('keeps its functions from render to render, whatever happens', async (t) => {
      const servers = [await listen(t), await listen(t)]
      const { root, probe, until, history } = stage(t, version)
      const { render } = root()
      for (const { url } of servers) {
        render(probe({ url, apiKey: () => 'key', onMessage: () => {} }))
        await until(({ snapshot }) => isReady({ snapshot }) && snapshot.url === url)
      }
      for (const name of ['connect', 'reconnect', 'sendMessage', 'useTool', 'callTool']) {
        assert.equal(new Set(history().map((value) => value[name])).size, 1, name)
      }
    })

    test('does not connect while it renders, nor before the effects of the page', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      const Suspended = () => {
        throw new Promise(() => {})
      }
      // What is suspended at its first rendering is rendered and never shown.
      root().render(
        React.createElement(
          React.Suspense,
          { fallback: 'waiting' },
          probe({ url: server.url, apiKey: 'never' }),
          React.createElement(Suspended),
        ),
      )
      root().render(probe({ url: server.url }))
      await until(isReady)
      assert.equal(server.connections.length, 1)
    })

    test('does not reconnect for an onMessage of each render, and calls the last one', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      const { render } = root()
      const heard = []
      render(probe({ url: server.url, onMessage: (message) => heard.push(['first', message.text]) }))
      await until(isReady)
      // The answer to the authentication may come to either of them: it follows the state.
      const onPush =
        (resolve) =>
        ({ text }) =>
          text !== undefined && resolve(text)
      const arrived = new Promise((resolve) => render(probe({ url: server.url, onMessage: onPush(resolve) })))
      server.broadcast({ text: 'push' })
      assert.equal(await arrived, 'push')
      assert.ok(!heard.some(([, text]) => text === 'push'))
      assert.equal((await server.nextConnection()).id, 1)
      assert.equal(server.connections.length, 1)
    })

    test('tells onMessage every message, and stops when it is taken away', async (t) => {
      const server = await listen(t)
      const { root, probe, until, last } = stage(t, version)
      const { render } = root()
      const heard = []
      render(probe({ url: server.url, onMessage: (message) => heard.push(message) }))
      await until(isReady)
      await last().useTool('echo', 1)
      assert.ok(heard.some(({ id }) => id === 'auth'))
      assert.ok(heard.some(({ results }) => results === 1))
      render(probe({ url: server.url, onMessage: null }))
      const before = heard.length
      await last().useTool('echo', 2)
      assert.equal(heard.length, before)
    })

    test('shares one connection between components with the same url and key, and closes it with the last', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      const { render, unmount } = root()
      const all = (...names) =>
        React.createElement(
          'div',
          null,
          names.map((name) => probe({ key: name, name, url: server.url, apiKey: 'k' })),
        )
      render(all('a', 'b', 'c'))
      for (const name of ['a', 'b', 'c']) await until(isReady, name)
      const connection = await server.nextConnection()
      render(all('b'))
      render(all('b', 'd'))
      // A latecomer sees at once what the others see.
      assert.ok(isReady(await until(() => true, 'd')))
      assert.equal(server.connections.length, 1)
      unmount()
      assert.equal((await connection.closed).code, 1000)
      assert.equal(server.connections.length, 0)
    })

    test('makes a connection for each key, and another one when the key changes', async (t) => {
      const server = await listen(t, { tokens: ['one', 'two', 'three'] })
      const { React, root, probe, until } = stage(t, version)
      const { render } = root()
      const pair = (a, b) =>
        React.createElement(
          'div',
          null,
          probe({ name: 'a', url: server.url, apiKey: a }),
          probe({ name: 'b', url: server.url, apiKey: b }),
        )
      render(pair('one', 'two'))
      await until(isReady, 'a')
      await until(isReady, 'b')
      const [one] = [await server.nextConnection(), await server.nextConnection()]
      render(pair('three', 'two'))
      await one.closed.catch(() => {})
      await until(isReady, 'a')
      assert.equal(server.connections.length, 2)
    })

    test('keeps its client for a new key function of each render, and asks that of the last', async (t) => {
      const server = await listen(t, { tokens: ['second'] })
      const { root, probe, until } = stage(t, version)
      const { render } = root()
      render(probe({ url: server.url, apiKey: () => 'first' }))
      await until(({ snapshot }) => snapshot.state === 'unauthorized')
      render(probe({ url: server.url, apiKey: async () => 'second' }))
      const { connect } = await until(({ error }) => error?.code === 'AUTH_FAILED')
      await connect()
      const { error } = await until(isReady)
      assert.equal(error, null)
      assert.equal(server.connections.length, 1)
    })

    test('shares a client by the identity of the key function, never by its text', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      const tokens = []
      server.on('message', (text) => JSON.parse(text).id === 'auth' && tokens.push(JSON.parse(text).token))
      const keyOf = (user) => () => user
      const [alice, bob] = [keyOf('alice'), keyOf('bob')]
      assert.equal(String(alice), String(bob))
      const one = (name, apiKey) => probe({ key: name, name, url: server.url, apiKey })
      root().render(
        React.createElement('div', null, one('a', alice), one('b', bob), one('c', alice), one('d', 'alice')),
      )
      const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((name) => until(isReady, name)))
      assert.equal(a.snapshot, c.snapshot)
      assert.equal(new Set([a, b, d].map(({ snapshot }) => snapshot)).size, 3)
      assert.deepEqual(tokens.sort(), ['alice', 'alice', 'bob'])
    })

    test('goes over to another client when its key turns from a text into a function, and back', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      const { render } = root()
      const shown = []
      for (const apiKey of ['text', () => 'function', 'text']) {
        render(probe({ url: server.url, apiKey }))
        shown.push((await until(isReady)).snapshot)
        while (server.connections.length > 1) await server.connections[0].closed
      }
      assert.equal(new Set(shown).size, 3)
    })

    test('asks the key function of whoever still shares the connection', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      const { render } = root()
      const asked = []
      const first = () => asked.push('first') && 'key'
      const one = (name, apiKey = () => asked.push(name) && name) => probe({ key: name, name, url: server.url, apiKey })
      render(React.createElement('div', null, one('a', first), one('b', first)))
      await until(isReady, 'a')
      render(React.createElement('div', null, one('a'), one('b')))
      await (await until(isReady, 'b')).reconnect()
      render(React.createElement('div', null, one('a')))
      await (await until(isReady, 'a')).reconnect()
      assert.deepEqual(asked, ['first', 'b', 'a'])
    })

    test('says what is wrong with a key that is null, and shares no client by it', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      root().render(
        React.createElement(
          'div',
          null,
          probe({ key: 'f', name: 'f', url: server.url, apiKey: () => 'function' }),
          probe({ key: 'n', name: 'n', url: server.url, apiKey: null }),
        ),
      )
      await until(isReady, 'f')
      const { error, snapshot } = await until(() => true, 'n')
      assert.deepEqual([snapshot.state, error.retryable, error.cause instanceof TypeError], ['failed', false, true])
      assert.match(error.message, /"apiKey" must be a string or a function, got null: .*`enabled`/)
    })

    for (const effect of ['useEffect', 'useLayoutEffect']) {
      test(`takes a call that a child makes in its ${effect}, before the parent has subscribed`, async (t) => {
        const server = await listen(t)
        const { React, root, useMCPWebSocket } = stage(t, version)
        const answers = []
        const Child = ({ callTool, name }) => {
          React[effect](
            () =>
              void callTool('echo', name).then(
                (answer) => answers.push(answer),
                (error) => answers.push(error.message),
              ),
            [],
          )
          return null
        }
        const Parent = ({ name, ...options }) => {
          const { callTool } = useMCPWebSocket({ url: server.url, ...options })
          return React.createElement(Child, { callTool, name })
        }
        const plain = root()
        plain.render(React.createElement(Parent, { name: 'plain', queue: true }))
        root().render(
          React.createElement(React.StrictMode, null, React.createElement(Parent, { name: 'strict', queue: true })),
        )
        // With React's double effects the strict one calls twice.
        while (answers.length < 3) await new Promise(setImmediate)
        assert.deepEqual(answers.sort(), ['plain', 'strict', 'strict'])
        assert.equal(server.connections.length, 1)
      })

      test(`connects where a child calls connect() in its ${effect}, without autoConnect`, async (t) => {
        const server = await listen(t)
        const { React, root, useMCPWebSocket } = stage(t, version)
        const done = []
        const Child = ({ connect }) => {
          React[effect](
            () =>
              void connect().then(
                () => done.push('ready'),
                (error) => done.push(error.message),
              ),
            [],
          )
          return null
        }
        const Parent = () => {
          const { connect } = useMCPWebSocket({ url: server.url, autoConnect: false })
          return React.createElement(Child, { connect })
        }
        const { render, unmount } = root()
        render(React.createElement(Parent))
        const connection = await server.nextConnection()
        while (done.length === 0) await new Promise(setImmediate)
        assert.deepEqual(done, ['ready'])
        unmount()
        await connection.closed
        assert.equal(server.connections.length, 0)
      })
    }

    test('of many components listens to a client once, so that Node.js does not warn', async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      const warned = []
      const listener = (warning) => warned.push(warning.name)
      process.on('warning', listener)
      t.after(() => process.off('warning', listener))
      const { React, root, probe, until } = stage(t, version)
      const heard = []
      const all = (options, count) =>
        React.createElement(
          'div',
          null,
          Array.from({ length: count }, (_, index) =>
            probe({ key: index, name: `${index}`, onMessage: ({ text }) => text && heard.push(index), ...options }),
          ),
        )
      const given = root()
      given.render(all({ client }, 12))
      await until(isReady, '11')
      assert.deepEqual([client.listenerCount('state'), client.listenerCount('message')], [1, 1])
      server.broadcast({ text: 'to all' })
      await next(client, 'message')
      assert.deepEqual(heard, [...Array(12).keys()])
      given.render(all({ client }, 1))
      assert.equal(client.listenerCount('state'), 1)
      given.unmount()
      assert.deepEqual([client.listenerCount('state'), client.listenerCount('message')], [0, 0])
      root().render(all({ url: server.url }, 12))
      await until(isReady, '11')
      await new Promise(setImmediate)
      assert.deepEqual(warned, [])
    })

    test('says once of options that changed that they are ignored', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      const warn = t.mock.method(console, 'warn', () => {})
      const { render } = root()
      for (const options of [{}, {}, { requestTimeout: 5 }, { requestTimeout: 6 }, { headers: { a: 'hidden' } }])
        render(probe({ url: server.url, onMessage: () => {}, apiKey: () => 'k', ...options }))
      await until(isReady)
      const words = warn.mock.calls.map(({ arguments: [text] }) => text)
      assert.equal(words.length, 2)
      assert.match(words[0], /keeps the options that it was made with; ignored: requestTimeout$/)
      assert.match(words[1], /; ignored: headers$/)
      assert.doesNotMatch(words.join(), /hidden/)
    })

    test('says once of options that a given client does not heed', async (t) => {
      const client = await ready(t, await listen(t))
      const { React, MCPProvider, root, probe, until } = stage(t, version)
      const warn = t.mock.method(console, 'warn', () => {})
      const { render } = root()
      for (const requestTimeout of [5, 6])
        render(React.createElement(MCPProvider, { client }, probe({ apiKey: 'the guide’s', requestTimeout })))
      await until(isReady)
      assert.deepEqual(
        warn.mock.calls.map(({ arguments: [text] }) => text.replace(/.*; /, '')),
        ['ignored: requestTimeout'],
      )
    })

    test('takes the options of the first, and warns once of others', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      const warn = t.mock.method(console, 'warn', () => {})
      const one = (name, options) => probe({ key: name, name, url: server.url, ...options })
      root().render(
        React.createElement(
          'div',
          null,
          one('a', { headers: { secret: 'hidden' } }),
          one('b', { headers: { secret: 'hidden' } }),
          one('c', { requestTimeout: 5 }),
          one('d', { requestTimeout: 6 }),
        ),
      )
      await until(isReady, 'd')
      assert.equal(warn.mock.callCount(), 1)
      const [words] = warn.mock.calls[0].arguments
      assert.match(words, /headers, requestTimeout$/)
      assert.doesNotMatch(words, /hidden/)
      assert.equal((await server.nextConnection()).headers.secret, 'hidden')
    })

    test('connects once in StrictMode', async (t) => {
      const server = await listen(t)
      const { React, root, probe, until } = stage(t, version)
      const { render, unmount } = root()
      const heard = []
      render(
        React.createElement(
          React.StrictMode,
          null,
          probe({ url: server.url, onMessage: ({ text }) => text && heard.push(text) }),
        ),
      )
      const { callTool } = await until(isReady)
      server.broadcast({ text: 'once' })
      assert.equal(await callTool('echo', 1), 1)
      assert.deepEqual(heard, ['once'])
      const connection = await server.nextConnection()
      assert.equal(connection.id, 1)
      unmount()
      await connection.closed
      // Had StrictMode made a second one, it would have come before this.
      await ready(t, server)
      assert.equal((await server.nextConnection()).id, 2)
    })

    test('remounted 1,000 times has one connection at the end, and has had but one', async (t) => {
      const server = await listen(t)
      const { root, probe, until, last } = stage(t, version)
      const { render } = root()
      for (let i = 0; i < 1_000; i++) render(probe({ key: i, url: server.url }))
      await until(isReady)
      assert.equal(await last().useTool('echo', 'still there'), 'still there')
      assert.equal(server.connections.length, 1)
      assert.equal(server.connections[0].id, 1)
    })

    test('mounted 1,000 times on roots of their own has one connection at the end', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      for (let i = 0; i < 1_000; i++) {
        const { render, unmount } = root()
        render(probe({ url: server.url }))
        if (i < 999) unmount()
        if (i % 100 === 0) await new Promise(setImmediate)
      }
      await until(isReady)
      const last = server.connections.at(-1)
      for (const connection of server.connections) if (connection !== last) await connection.closed
      assert.deepEqual(server.connections, [last])
    })

    test('does not come back after the last one has gone, whatever is called then', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      const { render, unmount } = root()
      render(probe({ url: server.url, baseReconnectDelay: 1, maxReconnectDelay: 1 }))
      const { connect, reconnect, useTool, sendMessage } = await until(isReady)
      const connection = await server.nextConnection()
      unmount()
      await connection.closed
      for (const promise of [connect(), reconnect(), useTool('echo')])
        assert.equal((await rejection(promise)).code, 'NOT_CONNECTED')
      assert.equal(sendMessage({}), false)
      await ready(t, server)
      assert.equal((await server.nextConnection()).id, 2)
    })

    test('that went away while it was connecting leaves nothing behind', async (t) => {
      const server = await listen(t)
      const { root, probe } = stage(t, version)
      const { render, unmount } = root()
      const connected = server.nextConnection()
      render(probe({ url: server.url }))
      await connected
      unmount()
      await (await connected).closed
      assert.equal(server.connections.length, 0)
    })

    test('rejects a call at once in the guide’s words until it is ready', async (t) => {
      const server = await listen(t)
      const { root, probe, last, until } = stage(t, version)
      root().render(probe({ url: server.url }))
      const error = await rejection(last().useTool('echo', 1))
      assert.ok(error instanceof MCPError)
      assert.deepEqual([error.message, error.code, error.toolName], [WORDS, 'NOT_CONNECTED', 'echo'])
      await until(isReady)
      assert.equal(await last().callTool('echo', 1), 1)
    })

    test('lets calls wait where it is told to', async (t) => {
      const server = await listen(t)
      const { root, probe, last } = stage(t, version)
      root().render(probe({ url: server.url, queue: true }))
      assert.equal(await last().useTool('echo', 1), 1)
    })

    test('rejects at once also with a client that lets calls wait', async (t) => {
      const client = open(t, await listen(t))
      const { root, probe, last } = stage(t, version)
      root().render(probe({ client }))
      assert.equal((await rejection(last().useTool('echo'))).message, WORDS)
    })

    test('shows an error, and none when all is well again', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      root().render(probe({ url: server.url, baseReconnectDelay: 1, maxReconnectDelay: 1 }))
      await until(isReady)
      server.refuseUpgrades(503)
      await server.terminateAll()
      const { error, connected, authenticated } = await until((value) => value.error !== null)
      assert.deepEqual([error.code, connected, authenticated], ['CONNECTION_LOST', false, false])
      await server.resumeAccepting()
      assert.equal((await until(isReady)).error, null)
    })

    test('waits for connect() without autoConnect, and connects when that is turned on', async (t) => {
      const server = await listen(t)
      const { root, probe, until, last } = stage(t, version)
      const { render } = root()
      render(probe({ url: server.url, autoConnect: false }))
      assert.equal((await until(() => true)).snapshot.state, 'idle')
      await last().connect()
      await until(isReady)
      render(probe({ name: 'other', url: server.url, apiKey: 'another', autoConnect: false }))
      await until(() => true, 'other')
      render(probe({ name: 'other', url: server.url, apiKey: 'another', autoConnect: true }))
      await until(isReady, 'other')
    })

    test('reconnects and sends when told to', async (t) => {
      const server = await listen(t)
      const { root, probe, until, last } = stage(t, version)
      root().render(probe({ url: server.url }))
      await until(isReady)
      const first = await server.nextConnection()
      await last().reconnect()
      await first.closed
      await until(isReady)
      const [got] = [once(server, 'message'), last().sendMessage({ hello: 'server' })]
      assert.equal((await got)[0], '{"hello":"server"}')
      const error = t.mock.method(console, 'error', () => {})
      assert.equal(last().sendMessage({ big: 1n }), false)
      assert.equal(error.mock.callCount(), 1)
    })

    test('has no client while it is not enabled', async (t) => {
      const server = await listen(t)
      const { root, probe, until, last } = stage(t, version)
      const { render } = root()
      render(probe({ url: server.url, enabled: false }))
      assert.equal((await rejection(last().connect())).code, 'NOT_CONNECTED')
      render(probe({ url: server.url, enabled: true }))
      await until(isReady)
      const connection = await server.nextConnection()
      assert.equal(connection.id, 1)
      render(probe({ url: server.url, enabled: false }))
      await until(({ snapshot }) => snapshot.state === 'idle')
      await connection.closed
    })

    test('uses the client it is given, starts it and leaves it open', async (t) => {
      const server = await listen(t)
      const client = open(t, server, { autoConnect: false })
      const { root, probe, until } = stage(t, version)
      const { render, unmount } = root()
      render(probe({ client }))
      assert.equal((await until(isReady)).snapshot, client.snapshot)
      unmount()
      assert.equal(client.listenerCount('state'), 0)
      assert.equal(await client.useTool('echo', 1), 1)
    })

    test('does not start a client that somebody has closed', async (t) => {
      const server = await listen(t)
      const client = await ready(t, server)
      await client.close()
      const { root, probe, until } = stage(t, version)
      root().render(probe({ client }))
      assert.equal((await until(() => true)).snapshot.state, 'closed')
      assert.equal(client.state, 'closed')
    })

    test('takes the client of the provider, unless it names one or a url', async (t) => {
      const server = await listen(t)
      const [provided, own] = [await ready(t, server), await ready(t, server)]
      const { React, MCPProvider, root, probe, until } = stage(t, version)
      root().render(
        React.createElement(
          MCPProvider,
          { client: provided },
          probe({ name: 'provided', apiKey: 'passed over' }),
          probe({ name: 'own', client: own }),
          probe({ name: 'url', url: server.url }),
        ),
      )
      assert.equal((await until(isReady, 'provided')).snapshot, provided.snapshot)
      assert.equal((await until(isReady, 'own')).snapshot, own.snapshot)
      assert.notEqual((await until(isReady, 'url')).snapshot, provided.snapshot)
      assert.equal(server.connections.length, 3)
    })

    test('waits for a client where it is given null, itself or by the provider', async (t) => {
      const client = await ready(t, await listen(t))
      const { React, MCPProvider, root, probe, until } = stage(t, version)
      const { render } = root()
      const both = (client) =>
        React.createElement(MCPProvider, { client }, probe({ name: 'provided' }), probe({ name: 'own', client }))
      render(both(null))
      for (const name of ['provided', 'own']) {
        const { snapshot, error, useTool } = await until(() => true, name)
        assert.deepEqual([snapshot.state, error], ['idle', null])
        assert.equal((await rejection(useTool('echo'))).code, 'NOT_CONNECTED')
      }
      render(both(client))
      for (const name of ['provided', 'own']) await until(isReady, name)
    })

    test('goes over from one provided client to the next', async (t) => {
      const clients = [await ready(t, await listen(t)), await ready(t, await listen(t))]
      const { React, MCPProvider, root, probe, until } = stage(t, version)
      const { render } = root()
      for (const client of [...clients, null, clients[0]]) {
        render(React.createElement(MCPProvider, { client }, probe({ autoConnect: false })))
        if (client !== null) await until(({ snapshot }) => snapshot === client.snapshot)
      }
    })

    test('works over a bridge', async (t) => {
      const client = await ready(t, await listen(t))
      const { far } = bridge(t, client)
      const { React, MCPProvider, root, probe, until } = stage(t, version)
      root().render(React.createElement(MCPProvider, { client: far }, probe({})))
      const { useTool } = await until(isReady)
      assert.deepEqual(await useTool('echo', { over: 'it' }), { over: 'it' })
    })

    test('shows what is wrong with its options instead of throwing', async (t) => {
      const { root, probe, until } = stage(t, version)
      root().render(probe({ url: 'ws://user:password@localhost' }))
      const { error, snapshot } = await until(() => true)
      assert.deepEqual([snapshot.state, error.code, error.retryable], ['failed', 'CONNECT_FAILED', false])
      assert.ok(error.cause instanceof TypeError)
    })

    test('takes its url from MCP_WS_URL, else from the page', async (t) => {
      const server = await listen(t)
      const { root, probe, until } = stage(t, version)
      t.after(() => {
        delete process.env.MCP_WS_URL
        delete globalThis.location
      })
      process.env.MCP_WS_URL = server.url
      root().render(probe({ name: 'environment' }))
      assert.equal((await until(isReady, 'environment')).snapshot.url, server.url)
      delete process.env.MCP_WS_URL
      globalThis.location = { protocol: 'http:', host: new URL(server.url).host }
      root().render(probe({ name: 'page', apiKey: 'another' }))
      assert.equal((await until(isReady, 'page')).snapshot.url, server.url)
    })

    test('is idle when it is rendered on a server, and hydrates without a word', async (t) => {
      const server = await listen(t)
      const { React, probe, until, renderToString, hydrateRoot, flushSync } = stage(t, version)
      const error = t.mock.method(console, 'error', () => {})
      const page = React.createElement(
        React.StrictMode,
        null,
        React.createElement(React.Suspense, { fallback: 'waiting' }, probe({ url: server.url })),
      )
      const html = renderToString(page)
      assert.match(html, /<p>probe: idle.*<\/p>/)
      assert.equal(server.connections.length, 0)
      const container = document.createElement('div')
      container.innerHTML = html
      let hydrated
      flushSync(() => (hydrated = hydrateRoot(container, page)))
      t.after(() => hydrated.unmount())
      await until(isReady)
      assert.match(container.textContent, /^probe: ready/)
      assert.deepEqual(
        error.mock.calls.map(({ arguments: [words] }) => words),
        [],
      )
    })

    test('renders once for each change of the state, and not for messages or calls', async (t) => {
      const server = await listen(t)
      const { root, probe, until, history } = stage(t, version)
      root().render(probe({ url: server.url }))
      const { useTool } = await until(isReady)
      const before = history().length
      for (let i = 0; i < 100; i++) await useTool('echo', i)
      assert.equal(history().length, before)
      assert.ok(before <= 4, `${before} renderings`)
    })
  })
}

test('the hook is imported and rendered on a server without native code', async () => {
  const script = `
    const { createElement } = require('react')
    const { useMCPWebSocket } = require('@mcp-integration/client/react')
    const page = require('react-dom/server').renderToString(createElement(() => useMCPWebSocket({ url: 'ws://127.0.0.1:1' }).snapshot.state))
    console.log(page, Object.keys(require.cache).filter((path) => /\\.node$|dist.(client|native|hub)\\.js$/.test(path)).length)
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  })
  assert.equal(stdout, 'idle 0\n')
})

test('a production build of React takes calls and commands of children just as well', async (t) => {
  const server = await listen(t)
  const script = `
    const { Window } = require('happy-dom')
    const page = new Window({ url: 'about:blank' })
    Object.assign(globalThis, { window: page, document: page.document })
    globalThis.navigator ??= page.navigator
    const { createElement, useEffect } = require('react')
    const { useMCPWebSocket } = require('@mcp-integration/client/react')
    const url = ${JSON.stringify(server.url)}
    const Child = ({ connect, callTool }) => {
      useEffect(() => {
        connect?.().then(() => console.log('connected'))
        callTool?.('echo', 'answered').then(console.log)
      }, [])
      return null
    }
    const Connecting = () => createElement(Child, { connect: useMCPWebSocket({ url, autoConnect: false }).connect })
    const Calling = () => createElement(Child, { callTool: useMCPWebSocket({ url, apiKey: 'other', queue: true }).callTool })
    const root = require('react-dom/client').createRoot(document.createElement('div'))
    const log = console.log
    let left = 2
    console.log = (text) => {
      log(text)
      if (--left === 0) root.unmount()
    }
    root.render(createElement('div', null, createElement(Connecting), createElement(Calling)))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NODE_ENV: 'production' },
  })
  assert.deepEqual(stdout.trim().split('\n').sort(), ['answered', 'connected'])
})

test('where Jest gives a program of Node.js what pages get, as with jsdom, the hook makes the client of pages', async (t) => {
  const server = await listen(t)
  // The condition that jest-environment-jsdom resolves with, the WebSocket of jsdom, and the globals that it has not.
  const script = `
    globalThis.WebSocket ??= require('./node_modules/ws/index.js').WebSocket
    const { Window } = require('happy-dom')
    const page = new Window({ url: 'about:blank' })
    Object.assign(globalThis, { window: page, document: page.document })
    globalThis.navigator ??= page.navigator
    for (const name of ['MessageChannel', 'TextEncoder', 'TextDecoder', 'setImmediate']) delete globalThis[name]
    const { createElement, StrictMode } = require('react')
    const { useMCPWebSocket } = require('@mcp-integration/client/react')
    const root = require('react-dom/client').createRoot(document.createElement('div'))
    const Probe = () => {
      const { snapshot, error, callTool } = useMCPWebSocket({ url: ${JSON.stringify(server.url)} })
      if (error) console.log(error.message)
      // Rendered twice.
      if (snapshot.state === 'ready') call ??= callTool('echo', 'over a page').then(console.log, console.log).finally(() => root.unmount())
      return null
    }
    let call
    root.render(createElement(StrictMode, null, createElement(Probe)))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=browser', '-e', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  })
  assert.match(stdout, /^over a page$/m)
  assert.equal((await server.nextConnection()).id, 1)
})

test('clients of hooks are shared with a second copy of the module, as a hot reload makes one', async (t) => {
  const server = await listen(t)
  const [one, other] = VERSIONS.map((version) => stage(t, version))
  one.root().render(one.probe({ url: server.url }))
  other.root().render(other.probe({ url: server.url }))
  await one.until(isReady)
  await other.until(isReady)
  assert.equal(server.connections.length, 1)
})

test('a given client that never connects is only ever looked at', (t) => {
  const client = new MCPClient({ url: DEAF_URL, autoConnect: false })
  const { root, probe, last } = stage(t, 19)
  root().render(probe({ client, autoConnect: false }))
  assert.equal(last().snapshot, client.snapshot)
  assert.equal(client.state, 'idle')
})
