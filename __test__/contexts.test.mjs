/** In which asynchronous context (AsyncLocalStorage) the code of a client's user runs. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { PATIENT, next, open, reached, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const storage = new AsyncLocalStorage()
const store = () => storage.getStore()

test('of 200 clients made in 200 stores, all code sees its own', async (t) => {
  const server = await listen(t)
  const seen = new Map()
  const clients = Array.from({ length: 200 }, (_, own) =>
    storage.run(own, () => {
      const stores = new Set()
      seen.set(own, stores)
      const note = () => void stores.add(store())
      const apiKey = async () => {
        note()
        await new Promise(setImmediate)
        note()
        return 'key'
      }
      const client = new MCPClient(server.url, { apiKey, onMessage: note, baseReconnectDelay: 1 })
      for (const event of ['state', 'open', 'authenticated', 'message', 'close', 'reconnecting', 'log'])
        client.on(event, note)
      for (const type of ['open', 'message', 'close']) client.addEventListener(type, note)
      client.addEventListener('open', { handleEvent: note })
      client.onclose = note
      client.once('state', note)
      return client
    }),
  )
  await Promise.all(clients.map((client) => client.connect()))
  await server.terminateAll()
  await Promise.all(clients.map((client) => client.connect()))
  // In the context of whoever closes them, or in none.
  await storage.run('foreign', () => Promise.all(clients.slice(100).map((client) => client.close())))
  await Promise.all(clients.map((client) => client.close()))
  for (const [own, stores] of seen) assert.deepEqual([...stores], [own])
})

describe('the context of a client', () => {
  test('is that in which it was made, whoever connects and closes it', async (t) => {
    const server = await listen(t)
    const client = storage.run('maker', () => open(t, server, { autoConnect: false }))
    const seen = []
    client.on('state', () => seen.push(store()))
    storage.run('user', () => client.connect())
    await reached(client, 'ready')
    storage.run('closer', () => client.close())
    await reached(client, 'closed')
    assert.deepEqual(new Set(seen), new Set(['maker']))
  })

  test('is not that of the code behind a call, which stays in its own', async (t) => {
    const server = await listen(t)
    const client = storage.run('maker', () => open(t, server))
    const seen = await storage.run('caller', async () => {
      const answer = await client.useTool('echo', 1)
      const failure = await client.useTool('fail').catch(store)
      return [answer, store(), failure]
    })
    assert.deepEqual(seen, [1, 'caller', 'caller'])
  })

  test('is after an end that of the code that connects it again', async (t) => {
    const server = await listen(t)
    const client = storage.run('first', () => open(t, server, { maxReconnectAttempts: 0 }))
    const seen = []
    client.on('open', () => seen.push(store()))
    await client.connect()
    await client.close()
    await storage.run('second', () => client.connect())
    await Promise.all([server.terminateAll(), reached(client, 'failed')])
    await storage.run('third', () => client.reconnect())
    await Promise.all([server.closeAll(1000), reached(client, 'closed')])
    await storage.run('fourth', () => client.authenticate('key'))
    assert.deepEqual(seen, ['first', 'second', 'third', 'fourth'])
  })

  test('does not change while it lives', async (t) => {
    const server = await listen(t)
    const client = await storage.run('maker', () => ready(t, server))
    const seen = []
    client.on('open', () => seen.push(store()))
    await storage.run('other', () => client.reconnect())
    storage.run('other', () => void client.close())
    const opened = next(client, 'open')
    await storage.run('other', () => client.connect())
    await opened
    assert.deepEqual(seen, ['maker', 'maker'])
  })

  test('is that of its maker for the error of a client that has failed', async (t) => {
    const client = storage.run('maker', () => open(t, DEAF_URL, { maxReconnectAttempts: 0 }))
    const failed = new Promise((resolve) => client.on('failed', () => resolve(store())))
    await rejection(client.connect())
    assert.equal(await failed, 'maker')
  })
})

test('a store is let go of when its client is closed or has failed, that of the first client too', async (t) => {
  const server = await listen(t)
  const told = await run(
    t,
    async ({ MCPClient, input, tell }) => {
      const { AsyncLocalStorage } = await import('node:async_hooks')
      const storage = new AsyncLocalStorage()
      let collected = 0
      const registry = new FinalizationRegistry(() => collected++)
      const clients = []
      const make = (url) =>
        storage.run({}, () => {
          registry.register(storage.getStore())
          const client = new MCPClient(url, { maxReconnectAttempts: 0, requestTimeout: 60_000 })
          client.on('state', () => {})
          clients.push(client)
          return client.connect().catch(() => {})
        })
      const turns = async (count, until = () => false) => {
        for (let i = 0; i < count && !until(); i++) {
          gc()
          await new Promise(setImmediate)
        }
      }
      await Promise.all([make(input.url), make(input.url), make(input.deafUrl)])
      await turns(500, () => collected === 1)
      tell(collected)
      await Promise.all(clients.map((client) => client.close()))
      await turns(500, () => collected === 3)
      tell(collected)
      // The clients are still there, and their errors.
      tell(clients.map(({ state, error }) => [state, error?.code]))
    },
    { url: server.url, deafUrl: DEAF_URL },
    { flags: ['--expose-gc'] },
  )
  assert.deepEqual(told.slice(0, 2), [1, 3])
  assert.deepEqual(told[2], [
    ['closed', null],
    ['closed', null],
    ['failed', 'CONNECT_FAILED'],
  ])
})

test('a client that waits keeps no store of those who only call it', async (t) => {
  const told = await run(
    t,
    async ({ MCPClient, input, tell }) => {
      const { AsyncLocalStorage } = await import('node:async_hooks')
      const storage = new AsyncLocalStorage()
      let collected = 0
      const registry = new FinalizationRegistry(() => collected++)
      const client = new MCPClient(input.url, input.options)
      await storage.run({}, async () => {
        registry.register(storage.getStore())
        client.on('state', () => {})
        await client.useTool('echo', 1, { timeout: 5 }).catch(() => {})
      })
      for (let i = 0; i < 500 && collected === 0; i++) {
        gc()
        await new Promise(setImmediate)
      }
      tell([collected, client.state])
      await client.close()
    },
    { url: DEAF_URL, options: PATIENT },
    { flags: ['--expose-gc'] },
  )
  assert.equal(told[0][0], 1)
})
