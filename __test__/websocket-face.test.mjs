/** Code that was written against a WebSocket, run with the class imported under that name. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient as WebSocket } from '@mcp-integration/client'
import { PATIENT, inbox, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl, stuckUrl } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { WELCOME } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'
import { IS_PORTABLE, needs } from './helpers/where.mjs'

/** `new WebSocket(…)`, closed when the test is over. */
function socketOf(t, ...args) {
  const socket = new WebSocket(...args)
  t.after(() => socket.close())
  return socket
}

/** The events of one type from now on, through addEventListener. */
function events(socket, type) {
  const arrived = []
  const waiting = []
  socket.addEventListener(type, (event) => (waiting.length > 0 ? waiting.shift()(event) : arrived.push(event)))
  return () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)))
}

test('new WebSocket(url) connects, and takes subprotocols like one', async (t) => {
  const server = await listen(t)
  for (const [protocols, agreed] of [
    [undefined, ''],
    ['mcp', 'mcp'],
    [['mcp', 'other'], 'mcp'],
    [[], ''],
  ]) {
    const socket = socketOf(t, server.url, protocols)
    await events(socket, 'open')()
    assert.equal((await server.nextConnection()).protocol, agreed)
  }
  const byUrl = socketOf(t, new URL(server.url))
  assert.equal(byUrl.url, server.url)
  await events(byUrl, 'open')()
})

test('the constants are on the class and on the instance, and cannot be changed', (t) => {
  const socket = socketOf(t, DEAF_URL)
  for (const [index, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].entries()) {
    assert.equal(WebSocket[name], index)
    assert.equal(socket[name], index)
  }
})

test('readyState follows the state', async (t) => {
  const server = await listen(t, { tokens: ['right'] })
  const { CONNECTING, OPEN, CLOSING, CLOSED } = WebSocket
  const expected = {
    idle: CLOSED,
    connecting: CONNECTING,
    authenticating: OPEN,
    unauthorized: OPEN,
    ready: OPEN,
    reconnecting: CONNECTING,
    closing: CLOSING,
    closed: CLOSED,
  }
  const client = open(t, server, { autoConnect: false, ...PATIENT })
  const seen = { idle: client.readyState }
  client.on('state', ({ state }) => (seen[state] = client.readyState))
  await rejection(client.connect())
  await client.authenticate('right')
  await Promise.all([reached(client, 'reconnecting'), server.terminateAll()])
  await client.connect()
  await client.close()
  assert.deepEqual(seen, expected)
  const failed = open(t, DEAF_URL, { maxReconnectAttempts: 0 })
  await reached(failed, 'failed')
  assert.equal(failed.readyState, CLOSED)
})

describe('listeners', () => {
  test('by property get the events, with the socket as this and as target', async (t) => {
    const server = await listen(t)
    const socket = socketOf(t, server.url, PATIENT)
    const told = []
    for (const type of ['open', 'message', 'error', 'close']) {
      assert.equal(socket[`on${type}`], null)
      const handler = function (event) {
        told.push([type, event.type, this === socket && event.target === socket && event.currentTarget === socket])
      }
      socket[`on${type}`] = handler
      assert.equal(socket[`on${type}`], handler)
    }
    await socket.connect()
    await server.terminateAll()
    while (told.length < 4) await new Promise(setImmediate)
    assert.deepEqual(
      told,
      ['open', 'message', 'close', 'error'].map((type) => [type, type, true]),
    )
  })

  test('by property are one, and are taken away by anything that is no function', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const heard = []
    socket.onmessage = () => heard.push('first')
    socket.onmessage = () => heard.push('second')
    await socket.useTool('echo')
    assert.deepEqual(heard, ['second'])
    for (const nothing of [null, undefined, 5, {}]) {
      socket.onmessage = () => heard.push('never')
      socket.onmessage = nothing
      assert.equal(socket.onmessage, null)
    }
    await socket.useTool('echo')
    assert.deepEqual(heard, ['second'])
  })

  test('may be objects with handleEvent, may be added once, and may be removed', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const heard = []
    const object = {
      name: 'object',
      handleEvent(event) {
        heard.push(`${this.name} ${event.type}`)
      },
    }
    const twice = () => heard.push('twice')
    const removed = () => heard.push('removed')
    socket.addEventListener('message', object)
    socket.addEventListener('message', twice)
    socket.addEventListener('message', twice)
    socket.addEventListener('message', () => heard.push('once'), { once: true })
    socket.addEventListener('message', removed)
    socket.removeEventListener('message', removed)
    socket.removeEventListener('message', () => {})
    socket.removeEventListener('close', twice)
    socket.addEventListener('message', null)
    await socket.useTool('echo')
    await socket.useTool('echo')
    assert.deepEqual(heard, ['object message', 'twice', 'once', 'object message', 'twice'])
    socket.removeEventListener('message', object)
    socket.removeEventListener('message', twice)
    await socket.useTool('echo')
    assert.equal(heard.length, 5)
  })

  test('get the raw text of a message, JSON or not', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const messages = events(socket, 'message')
    for (const text of ['{"a" : 1}', 'no JSON: grüße 😀', '', '[1,', '"\\ud83d"']) {
      server.broadcast(text)
      assert.equal((await messages()).data, text)
    }
  })

  test('get code, reason and wasClean of a close', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const closes = events(socket, 'close')
    await server.closeAll(4001, 'enough')
    const { type, code, reason, wasClean } = await closes()
    assert.deepEqual({ type, code, reason, wasClean }, { type: 'close', code: 4001, reason: 'enough', wasClean: true })
    await reached(socket, 'ready')
    await server.terminateAll()
    assert.equal((await closes()).code, 1006)
  })

  test('get the error and its message', async (t) => {
    const { message, error } = await events(socketOf(t, DEAF_URL), 'error')()
    assert.equal(error.code, 'CONNECT_FAILED')
    assert.equal(message, error.message)
  })
})

describe('send()', () => {
  test('sends a string as it is', async (t) => {
    const server = await listen(t)
    const socket = socketOf(t, server.url)
    const frames = inbox(server, 'message')
    await events(socket, 'open')()
    assert.equal(socket.send('grüße 😀'), undefined)
    const texts = [(await frames())[0], (await frames())[0]]
    assert.deepEqual(texts, ['{"id":"auth","token":"anonymous"}', 'grüße 😀'])
  })

  test('throws an InvalidStateError while connecting', async (t) => {
    const waiting = open(t, DEAF_URL, PATIENT)
    await reached(waiting, 'reconnecting')
    for (const socket of [open(t, await silentUrl(t)), waiting]) {
      assert.throws(
        () => socket.send('{}'),
        (error) => error instanceof DOMException && error.name === 'InvalidStateError',
      )
    }
  })

  test('passes over what is sent after the end', async (t) => {
    const server = await listen(t)
    const socket = await ready(t, server)
    const frames = []
    server.on('message', (text) => frames.push(text))
    const closed = socket.close()
    assert.equal(socket.send('closing'), undefined)
    await closed
    assert.equal(socket.send('closed'), undefined)
    assert.deepEqual(frames, [])
  })

  test('throws a TypeError for what is no string', async (t) => {
    const socket = await ready(t, await listen(t))
    for (const data of [undefined, null, 5, {}, Buffer.from('{}'), new ArrayBuffer(2)])
      assert.throws(() => socket.send(data), TypeError)
  })

  test('throws QUEUE_FULL where the buffer is full', async (t) => {
    const socket = await ready(t, await listen(t), { maxBufferedAmount: 100 })
    assert.throws(() => socket.send('x'.repeat(101)), { name: 'MCPError', code: 'QUEUE_FULL', retryable: true })
    assert.equal(socket.readyState, WebSocket.OPEN)
  })

  test(
    'passes over what is sent after an end that the listeners have not been told of yet',
    needs('a core on a thread of its own'),
    async (t) => {
      const server = await listen(t)
      const socket = await ready(t, server, PATIENT)
      const closes = events(socket, 'close')
      const terminated = server.terminateAll()
      // JavaScript is busy, and so is told nothing; the native thread goes on.
      while (socket.stats().state === 'ready');
      assert.equal(socket.readyState, WebSocket.OPEN)
      socket.send('late')
      assert.equal(socket.bufferedAmount, 0)
      await Promise.all([terminated, closes()])
    },
  )
})

test('bufferedAmount counts what waits to be sent, and falls when it is gone', async (t) => {
  const socket = await ready(t, await listen(t))
  assert.equal(socket.bufferedAmount, 0)
  socket.send('grüße')
  assert.equal(socket.bufferedAmount, 7)
  await socket.useTool('echo')
  assert.equal(socket.bufferedAmount, 0)
  const stuck = await ready(t, await stuckUrl(t, [WELCOME]))
  for (let i = 0; i < 8; i++) stuck.send('x'.repeat(1 << 20))
  await new Promise(setImmediate)
  assert.ok(stuck.bufferedAmount > 1 << 20)
})

test('close(code, reason) reaches the server, and an invalid code throws', async (t) => {
  const server = await listen(t)
  const socket = socketOf(t, server.url)
  await events(socket, 'open')()
  const closes = events(socket, 'close')
  for (const code of [999, 1005, 1006, 5000]) assert.throws(() => socket.close(code), RangeError)
  socket.close(3000, 'done')
  assert.equal(socket.readyState, WebSocket.CLOSING)
  const { code, reason, wasClean } = await closes()
  assert.deepEqual({ code, reason, wasClean }, { code: 3000, reason: 'done', wasClean: true })
  assert.deepEqual(await (await server.nextConnection()).closed, { code: 3000, reason: 'done' })
})

describe('code that authenticates by itself', () => {
  /**
   * Takes the key `mine` and nothing else, and hangs up on whoever comes with another one, as a server of the platform
   * may.
   */
  async function strict(t) {
    const server = await listen(t, { tokens: ['mine'] })
    const auths = []
    server.intercept((text, connection) => {
      const { id, token } = JSON.parse(text)
      if (id !== 'auth') return false
      auths.push(token)
      if (token === 'mine') return false
      void connection.close(1008, 'no such key')
      return true
    })
    return { server, auths }
  }
  const AUTH = JSON.stringify({ id: 'auth', token: 'mine' })

  test('on opening is the first to do so, and the only one', async (t) => {
    const { server, auths } = await strict(t)
    const listeners = {
      listener: (socket) => socket.addEventListener('open', () => socket.send(AUTH)),
      property: (socket) => (socket.onopen = () => socket.send(AUTH)),
      promise: async (socket) => {
        await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
        await null
        socket.send(AUTH)
      },
    }
    for (const listen of Object.values(listeners)) {
      const socket = socketOf(t, server.url)
      listen(socket)
      await socket.connect()
      assert.equal(await socket.useTool('echo', 1), 1)
      await socket.close()
    }
    assert.deepEqual(auths, ['mine', 'mine', 'mine'])
  })

  test('is authenticated with its own token on later connections, though it does not listen for them', async (t) => {
    const { server, auths } = await strict(t)
    const socket = socketOf(t, server.url)
    socket.addEventListener('open', () => socket.send(AUTH), { once: true })
    await socket.connect()
    await socket.reconnect()
    assert.deepEqual(auths, ['mine', 'mine'])
  })

  test('later than its listeners for the opening have had their turn finds the client’s own key sent', async (t) => {
    const server = await listen(t)
    const frames = inbox(server, 'message')
    const socket = socketOf(t, server.url)
    await new Promise((resolve) => socket.addEventListener('open', () => setTimeout(resolve, 5)))
    socket.send(AUTH)
    assert.deepEqual([(await frames())[0], (await frames())[0]], ['{"id":"auth","token":"anonymous"}', AUTH])
  })

  test('later than that is let in all the same, and at once on later connections', async (t) => {
    const server = await listen(t, { tokens: ['mine'] })
    const auths = []
    server.on('message', (text) => JSON.parse(text).id === 'auth' && auths.push(JSON.parse(text).token))
    const socket = socketOf(t, server.url, { baseReconnectDelay: 1 })
    const answers = events(socket, 'message')
    await new Promise((resolve) => socket.addEventListener('open', () => setTimeout(resolve, 5), { once: true }))
    socket.send(AUTH)
    assert.deepEqual(
      [JSON.parse((await answers()).data).success, JSON.parse((await answers()).data).success],
      [false, true],
    )
    await reached(socket, 'ready')
    assert.equal(await socket.useTool('echo', 1), 1)
    await Promise.all([reached(socket, 'reconnecting'), server.terminateAll()])
    await reached(socket, 'ready')
    assert.deepEqual(auths, ['anonymous', 'mine', 'mine'])
  })

  test('later than that is not let in where the server hangs up on the key before, unless that is given as apiKey', async (t) => {
    const { server, auths } = await strict(t)
    for (const [apiKey, tokens] of [
      ['anonymous', ['anonymous']],
      ['mine', ['mine', 'mine']],
    ]) {
      auths.length = 0
      const socket = socketOf(t, server.url, { apiKey, ...PATIENT })
      const closes = events(socket, 'close')
      const answers = events(socket, 'message')
      await new Promise((resolve) => socket.addEventListener('open', () => setTimeout(resolve, 5), { once: true }))
      if (apiKey === 'anonymous') assert.equal((await closes()).code, 1008)
      else {
        socket.send(AUTH)
        assert.deepEqual(
          [JSON.parse((await answers()).data).success, JSON.parse((await answers()).data).success],
          [true, true],
        )
        assert.equal(await socket.useTool('echo', 1), 1)
      }
      assert.deepEqual(auths, tokens)
      await socket.close()
    }
  })

  test('and only sends something else on opening finds that the client has authenticated before', async (t) => {
    const server = await listen(t, { tokens: ['anonymous'] })
    const socket = socketOf(t, server.url)
    const answers = events(socket, 'message')
    socket.addEventListener('open', () => socket.send('{"id":"x","name":"echo","parameters":1}'))
    assert.deepEqual([JSON.parse((await answers()).data).id, JSON.parse((await answers()).data).results], ['auth', 1])
  })

  test('does no harm with a key of the client’s own, with pings and with requests', async (t) => {
    const server = await listen(t, { tokens: ['key'] })
    const socket = socketOf(t, server.url, { apiKey: 'key', heartbeatInterval: 10 })
    const seen = []
    const say = (message) => socket.send(JSON.stringify(message))
    socket.addEventListener('open', () => say({ id: 'auth', token: 'key' }))
    const pongs = events(socket, 'message')
    for (let count = 0; count < 5; ) {
      const message = JSON.parse((await pongs()).data)
      if (message.id === 'auth') seen.push(message.success)
      if (message.messageType === 'pong') count++
      say({ messageType: 'ping', timestamp: Date.now() })
    }
    say({ id: 'req_mine', name: 'echo', parameters: { a: 1 } })
    for (let message; message?.id !== 'req_mine'; ) message = JSON.parse((await pongs()).data)
    assert.deepEqual([seen, socket.state, server.connections.length], [[true], 'ready', 1])
    assert.equal(await socket.useTool('echo', 2), 2)
  })
})

describe('code that reconnects by itself', () => {
  const QUICK = { baseReconnectDelay: 1, maxReconnectDelay: 1, slowReconnectDelay: 0 }

  /**
   * Whether the test is over: then nothing is made any more. To be asked for before there is a server, which goes away
   * first.
   */
  function endOf(t) {
    let isOver = false
    t.after(() => (isOver = true))
    return () => isOver
  }

  /** Waits until every connection of the server but the newest is gone. */
  async function settled(server, sockets) {
    const last = sockets.at(-1)
    await last.connect()
    for (const socket of sockets.slice(0, -1)) await reached(socket, 'closed')
    assert.equal(await last.useTool('echo', 'alive'), 'alive')
    const [live] = server.requests.slice(-1)
    for (const connection of server.connections) if (connection.id !== live.connection.id) await connection.closed
    assert.equal(server.connections.length, 1)
  }

  async function backAgain(socket) {
    while (socket.state !== 'ready') await new Promise(setImmediate)
  }

  /** Each makes a new socket when it is told of a close; `later` is how it puts that off. */
  const HABITS = {
    'in a listener': (socket, again) => {
      socket.addEventListener('message', () => {})
      socket.addEventListener('close', again)
    },
    'in a property': (socket, again) => {
      socket.onmessage = () => {}
      socket.onclose = again
    },
  }
  const WAITS = {
    'at once': (act) => act(),
    'after a while': (act) => setTimeout(act, 20),
    'after the client has come back': async (act, socket) => {
      await backAgain(socket)
      act()
    },
    'in a promise': async (act) => {
      await null
      act()
    },
  }
  for (const [habit, listenFor] of Object.entries(HABITS)) {
    for (const [wait, later] of Object.entries(WAITS)) {
      test(`${habit}, ${wait}, has one live socket`, async (t) => {
        const isOver = endOf(t)
        const server = await listen(t)
        const sockets = []
        const closes = []
        let told
        const connect = () => {
          const socket = socketOf(t, `${server.url}?t=${sockets.length}`, wait === 'at once' ? undefined : QUICK)
          sockets.push(socket)
          listenFor(socket, () => {
            if (isOver()) return
            closes.push(sockets.indexOf(socket))
            later(() => {
              connect()
              told()
            }, socket)
          })
        }
        connect()
        for (let round = 0; round < 3; round++) {
          await sockets.at(-1).connect()
          const next = new Promise((resolve) => (told = resolve))
          await server.closeAll(1012)
          await next
        }
        await settled(server, sockets)
        assert.deepEqual(closes, [0, 1, 2])
      })
    }
  }

  /** Cases in which a new client leaves the one alone that was closed, and has come back by itself. */
  const INDEPENDENT = {
    'listens with on()': {
      listenFor: (socket, again) => socket.once('close', again),
    },
    'has another key': {
      options: { apiKey: 'other' },
    },
    'has called a tool with the old one': {
      use: (socket) => socket.useTool('echo', 1),
    },
    'hears the messages of the old one in its own way': {
      use: (socket) => socket.on('message', () => {}),
    },
  }
  const hearOnce = (socket, again) => {
    socket.addEventListener('message', () => {})
    socket.addEventListener('close', again, { once: true })
  }
  for (const [how, { listenFor = hearOnce, options, use }] of Object.entries(INDEPENDENT)) {
    test(`leaves the old one alone once that is back, if it ${how}`, async (t) => {
      const server = await listen(t)
      const main = socketOf(t, server.url, { ...QUICK, apiKey: 'main' })
      const made = new Promise((resolve) =>
        listenFor(main, async () => {
          await backAgain(main)
          resolve(socketOf(t, server.url, { apiKey: 'main', ...options }))
        }),
      )
      await main.connect()
      await use?.(main)
      await server.terminateAll()
      await (await made).connect()
      assert.equal(await main.useTool('echo', 'alive'), 'alive')
      assert.deepEqual([main.state, server.connections.length], ['ready', 2])
    })
  }

  test('leaves an old one alone that still waits, if it listens with on() or has another key', async (t) => {
    const server = await listen(t)
    const main = socketOf(t, server.url, { ...PATIENT, apiKey: 'main' })
    const made = new Promise((resolve) => {
      main.once('close', () => resolve(socketOf(t, server.url, { apiKey: 'main' })))
      main.addEventListener('close', () => socketOf(t, server.url, { apiKey: 'other' }), { once: true })
    })
    await main.connect()
    await server.terminateAll()
    await (await made).connect()
    assert.equal(main.state, 'reconnecting')
  })

  test(
    'replaces an old one that still waits, however that was used, and both logs say so',
    needs('asynchronous contexts'),
    async (t) => {
      const server = await listen(t)
      const main = socketOf(t, server.url, { ...PATIENT, apiKey: 'main' })
      const logged = (socket) =>
        new Promise((resolve) => {
          socket.on('log', ({ level, message }) => {
            if (/has made another client|has led to this one/.test(message)) resolve(level)
          })
        })
      const lines = [logged(main)]
      const made = new Promise((resolve) => {
        const again = () => {
          const socket = socketOf(t, server.url, { apiKey: 'main' })
          lines.push(logged(socket))
          resolve(socket)
        }
        main.addEventListener('close', () => setImmediate(again), { once: true })
      })
      await main.connect()
      await main.useTool('echo', 1)
      await server.terminateAll()
      await (await made).connect()
      assert.equal((await reached(main, 'closed')).error, null)
      assert.deepEqual(await Promise.all(lines), ['warn', 'warn'])
    },
  )

  test('whose client is used by other code too keeps no event from that', needs('asynchronous contexts'), async (t) => {
    const server = await listen(t)
    const main = socketOf(t, server.url, QUICK)
    const heard = { emitter: 0, face: 0 }
    main.on('close', () => heard.emitter++)
    const closed = new Promise((resolve) => {
      main.onclose = async () => {
        heard.face++
        await backAgain(main)
        resolve(main.close())
      }
    })
    await main.connect()
    await server.terminateAll()
    await closed
    assert.deepEqual(heard, { emitter: 2, face: 1 })
  })

  test('and closes the old one first hears of no second close', needs('asynchronous contexts'), async (t) => {
    const server = await listen(t)
    const socket = socketOf(t, server.url, QUICK)
    const closes = events(socket, 'close')
    let heard = 0
    socket.addEventListener('close', () => heard++)
    const closed = new Promise((resolve) => {
      socket.addEventListener(
        'close',
        async () => {
          await backAgain(socket)
          resolve(socket.close())
        },
        { once: true },
      )
    })
    await socket.connect()
    await server.terminateAll()
    assert.equal((await closes()).willReconnect, true)
    await closed
    assert.deepEqual([heard, socket.state], [1, 'closed'])
    // What is opened again is told of again.
    await socket.connect()
    await server.closeAll(1000)
    assert.equal((await closes()).code, 1000)
    assert.equal(heard, 2)
  })

  test('leaves alone what it did not close, and what goes elsewhere', async (t) => {
    const [server, elsewhere] = [await listen(t), await listen(t)]
    const [one, other] = [socketOf(t, server.url, QUICK), socketOf(t, server.url, QUICK)]
    await Promise.all([one.connect(), other.connect()])
    const made = new Promise((resolve) =>
      one.addEventListener(
        'close',
        () => resolve([socketOf(t, elsewhere.url), open(t, server, { autoConnect: false })]),
        { once: true },
      ),
    )
    const [connection] = server.connections
    await connection.terminate()
    const [there] = await made
    await there.connect()
    await Promise.all([reached(one, 'ready'), reached(other, 'ready')])
    assert.equal(server.connections.length, 2)
    // Made in no connection with any close.
    await socketOf(t, server.url).connect()
    assert.deepEqual([one.state, other.state, server.connections.length], ['ready', 'ready', 3])
  })

  test(
    'costs the rest of the process nothing once nobody remembers the close',
    needs('asynchronous contexts'),
    async (t) => {
      const server = await listen(t)
      server.intercept((text, connection) => {
        if (text === 'please drop me') void connection.terminate()
      })
      const told = await run(
        t,
        async ({ MCPClient, input, tell }) => {
          const { AsyncLocalStorage } = await import('node:async_hooks')
          const marksTimers = () => {
            const timer = setTimeout(() => {}, 0)
            return Object.getOwnPropertySymbols(timer).some(({ description }) => description === 'kResourceStore')
          }
          const turn = () => new Promise(setImmediate)
          tell(marksTimers())
          // Newer versions of Node.js do without.
          const any = new AsyncLocalStorage()
          const isMarked = any.run(1, marksTimers)
          any.disable()
          const client = new MCPClient(input, { baseReconnectDelay: 1 })
          let timer
          client.addEventListener('close', () => (timer = setInterval(() => {}, 60_000)), { once: true })
          await client.connect()
          client.sendMessage('please drop me')
          while (timer === undefined) await turn()
          await client.connect()
          for (let i = 0; i < 10; i++) {
            gc()
            await turn()
          }
          tell(marksTimers() === isMarked)
          timer = clearInterval(timer)
          while (marksTimers()) {
            gc()
            await turn()
          }
          await client.close()
          tell('forgotten')
        },
        server.url,
        { flags: ['--expose-gc'] },
      )
      assert.deepEqual(told, [false, true, 'forgotten'])
    },
  )

  test('is told of a close as well where there never was a socket, once the client has given up', async (t) => {
    const server = await listen(t)
    const cases = [
      [404, { maxReconnectAttempts: 5 }],
      [401, {}],
      [503, { maxReconnectAttempts: 2, ...QUICK }],
    ]
    // A page is not told the status, and so does not know that no attempt can help.
    for (const [status, options] of cases.slice(IS_PORTABLE ? 2 : 0)) {
      server.refuseUpgrades(status)
      const socket = socketOf(t, server.url, options)
      const heard = []
      for (const type of ['open', 'error', 'close'])
        socket.addEventListener(type, ({ type, code }) => heard.push([type, code]))
      socket.on('close', () => heard.push('emitter'))
      const closed = events(socket, 'close')
      const { code, wasClean, willReconnect } = await closed()
      assert.deepEqual({ code, wasClean, willReconnect }, { code: 1006, wasClean: false, willReconnect: false })
      assert.equal(socket.readyState, WebSocket.CLOSED)
      assert.deepEqual(heard, [...Array(status === 503 ? 3 : 1).fill(['error', undefined]), ['close', 1006]])
    }
  })

  test('is told of a close when it closes what is still connecting, so that closing on every error is no dead end', async (t) => {
    const isOver = endOf(t)
    const server = await listen(t)
    server.refuseUpgrades(503)
    const sockets = []
    await new Promise((resolve) => {
      const connect = () => {
        const socket = socketOf(t, server.url)
        sockets.push(socket)
        socket.onopen = resolve
        socket.onerror = () => socket.close()
        socket.onclose = () => {
          if (isOver()) return
          if (sockets.length === 3) void server.resumeAccepting()
          setTimeout(connect, 1)
        }
      }
      connect()
    })
    await settled(server, sockets)
    assert.ok(sockets.length >= 4)
  })
})
