/** The stack of a rejection shows the user's functions that waited for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bridged } from './helpers/bridge.mjs'
import { open, ready, rejection } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

async function functionOfTheUser(call) {
  const answer = await call()
  return answer
}

async function itsCaller(call) {
  return [await functionOfTheUser(call)]
}

/** The error, whose stack must show both. */
async function shown(call) {
  const error = await rejection(itsCaller(call))
  assert.match(error.stack, /\n +at (async )?functionOfTheUser .*\n +at (async )?itsCaller /)
  assert.ok(error.stack.startsWith(`${error.name}: ${error.message}`) || error.stack.includes(error.message))
  return error
}

test('a tool’s error', async (t) => {
  const client = await ready(t, await listen(t))
  assert.equal((await shown(() => client.useTool('fail', { message: 'no' }))).code, 'TOOL_ERROR')
})

test('a timeout', async (t) => {
  const client = await ready(t, await listen(t))
  const call = () => client.useTool('sleep', { ms: 60_000 }, { timeout: 5 })
  assert.equal((await shown(call)).code, 'REQUEST_TIMEOUT')
})

test('a lost connection', async (t) => {
  const server = await listen(t)
  const client = await ready(t, server)
  const lost = shown(() => client.useTool('sleep', { ms: 60_000 }))
  await server.nextRequest('sleep')
  await server.terminateAll()
  assert.equal((await lost).code, 'CONNECTION_LOST')
})

test('a call without a connection, with a signal and without', async (t) => {
  const client = open(t, DEAF_URL, { autoConnect: false })
  const { signal } = new AbortController()
  for (const options of [{}, { signal }])
    assert.equal((await shown(() => client.useTool('echo', {}, options))).code, 'NOT_CONNECTED')
})

test('connect()', async (t) => {
  const client = open(t, DEAF_URL, { maxReconnectAttempts: 0, autoConnect: false })
  await shown(() => client.connect())
})

test('a call and a command at the far end of a bridge', async (t) => {
  const client = await ready(t, await listen(t))
  const { far, served } = await bridged(t, client)
  assert.equal((await shown(() => far.useTool('fail'))).code, 'TOOL_ERROR')
  await shown(() => far.reconnect())
  const lost = shown(() => far.useTool('sleep', { ms: 60_000 }))
  served.close()
  assert.equal((await lost).code, 'CONNECTION_LOST')
})

test('Promise.all around calls', async (t) => {
  const client = await ready(t, await listen(t))
  const both = () => Promise.all([client.useTool('echo'), client.useTool('fail')])
  const { stack } = await rejection(functionOfTheUser(both))
  assert.match(stack, /\n +at async Promise\.all \(index 1\)\n +at async functionOfTheUser /)
})

test('an ignored rejection of a call is reported once, one of a command or after an abort never', async (t) => {
  const told = await run(
    t,
    async ({ MCPClient, input, tell }) => {
      const reported = []
      process.on('unhandledRejection', (error) => reported.push(error.toolName))
      const client = new MCPClient(input, {
        autoConnect: false,
        maxReconnectAttempts: 0,
        // The calls are made before it is over.
        connectTimeout: 500,
      })
      const abort = new AbortController()
      const failed = new Promise((resolve) => client.once('failed', resolve))
      void client.connect()
      void client.reconnect()
      void client.useTool('ignored')
      const aborted = client.useTool('aborted', {}, { signal: abort.signal }).catch((reason) => reason)
      while (client.stats().failed === 0);
      abort.abort('enough')
      await failed
      tell(await aborted)
      for (let i = 0; i < 5; i++) await new Promise(setImmediate)
      tell(reported)
    },
    await silentUrl(t),
  )
  assert.deepEqual(told, ['enough', ['ignored']])
})
