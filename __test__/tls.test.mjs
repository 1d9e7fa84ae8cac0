/** wss:// on loopback, with certificates of the test's own. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createAuthority } from './helpers/certificates.mjs'
import { folderOf } from './helpers/documents.mjs'
import { run, start } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'
import { listenTls } from './helpers/tls-server.mjs'

const authority = createAuthority()

/** The environment of a process that trusts the authority. */
async function trusting(t, cert = authority.cert) {
  const folder = await folderOf(t, {})
  const path = join(folder, 'authority.pem')
  await writeFile(path, cert)
  return { NODE_EXTRA_CA_CERTS: path }
}

/** Connects in a process of its own and calls a tool; tells what came of it. */
async function connecting(t, url, env) {
  const [told] = await run(
    t,
    async ({ MCPClient, tell, input: { url } }) => {
      const client = new MCPClient(url, { maxReconnectAttempts: 3, baseReconnectDelay: 1 })
      const states = []
      client.on('state', ({ state }) => states.push(state))
      try {
        await client.connect()
        tell({ states, results: await client.useTool('echo', { secure: true }) })
      } catch ({ code, message, retryable, cause }) {
        tell({ states, code, message, retryable, cause: cause?.message })
      }
      await client.close()
    },
    { url },
    { env },
  )
  return told
}

describe('a server whose certificate verifies', () => {
  for (const [what, certificate, host, options] of [
    ['for its name', {}, 'localhost'],
    ['for its address', { names: [] }, '127.0.0.1'],
    ['with TLS 1.2', {}, 'localhost', { maxVersion: 'TLSv1.2' }],
  ]) {
    test(`${what} is connected to`, async (t) => {
      const { port } = await listenTls(t, authority.issue(certificate), options)
      const told = await connecting(t, `wss://${host}:${port}`, await trusting(t))
      assert.deepEqual(told, { states: ['connecting', 'authenticating', 'ready'], results: { secure: true } })
    })
  }

  test('carries large messages both ways', async (t) => {
    const { port } = await listenTls(t, authority.issue())
    const [told] = await run(
      t,
      async ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url)
        const texts = Array.from({ length: 20 }, (_, i) => `${i}${'é'.repeat(200_000)}`)
        const answers = await Promise.all(texts.map((text) => client.useTool('echo', text)))
        tell(answers.every((answer, i) => answer === texts[i]))
        await client.close()
      },
      { url: `wss://localhost:${port}` },
      { env: await trusting(t) },
    )
    assert.equal(told, true)
  })
})

describe('a server whose certificate does not verify fails the client at once:', () => {
  const stranger = createAuthority('another authority')
  const DAY = 86_400_000
  for (const [what, certificate, host] of [
    ['its issuer is unknown', stranger.issue(), 'localhost'],
    ['it has expired', authority.issue({ from: -2 * DAY, until: -DAY }), 'localhost'],
    ['it is not valid yet', authority.issue({ from: DAY, until: 2 * DAY }), 'localhost'],
    ['it is for another name', authority.issue({ names: ['elsewhere.example'], addresses: [] }), 'localhost'],
    ['it is for another address', authority.issue({ names: ['localhost'], addresses: ['127.0.0.2'] }), '127.0.0.1'],
  ]) {
    test(what, async (t) => {
      const { port } = await listenTls(t, certificate)
      const { states, code, message, retryable, cause } = await connecting(
        t,
        `wss://${host}:${port}`,
        await trusting(t),
      )
      assert.deepEqual(
        { states, code, retryable },
        { states: ['connecting', 'failed'], code: 'CONNECT_FAILED', retryable: false },
      )
      assert.match(message, /certificate does not verify/)
      assert.ok(cause.length > 0)
    })
  }

  test("nothing is trusted but the system's certificates where NODE_EXTRA_CA_CERTS is not set", async (t) => {
    const { port } = await listenTls(t, authority.issue())
    const { code, retryable } = await connecting(t, `wss://localhost:${port}`, { NODE_EXTRA_CA_CERTS: '' })
    assert.deepEqual({ code, retryable }, { code: 'CONNECT_FAILED', retryable: false })
  })
})

test('a server that speaks no TLS fails the client at once', async (t) => {
  const server = await listen(t)
  const { states, code, retryable } = await connecting(t, `wss://127.0.0.1:${server.port}`, await trusting(t))
  assert.deepEqual(
    { states, code, retryable },
    { states: ['connecting', 'failed'], code: 'CONNECT_FAILED', retryable: false },
  )
})

test('after the client was once ready, a certificate that does not verify is an outage', async (t) => {
  const { server, tls, port } = await listenTls(t, authority.issue())
  const program = start(
    t,
    async ({ MCPClient, tell, input: { url } }) => {
      const client = new MCPClient(url, { baseReconnectDelay: 1, maxReconnectDelay: 1, maxReconnectAttempts: Infinity })
      client.on('authenticated', () => tell('ready'))
      client.once('close', () =>
        client.once('error', () => client.once('error', ({ code, retryable }) => tell({ code, retryable }))),
      )
      client.on('message', ({ end }) => end && client.close())
    },
    { url: `wss://localhost:${port}` },
    { env: await trusting(t) },
  )
  assert.equal(await program.told(0), 'ready')
  tls.setSecureContext(authority.issue({ names: ['elsewhere.example'], addresses: [] }))
  await server.terminateAll()
  assert.deepEqual(await program.told(1), { code: 'CONNECT_FAILED', retryable: false })
  tls.setSecureContext(authority.issue())
  assert.equal(await program.told(2), 'ready')
  server.broadcast({ end: true })
  assert.equal((await program.ended).code, 0)
})
