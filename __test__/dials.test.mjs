/** What a client tells of its dials for diagnosis: what each phase of them did. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { createAuthority } from './helpers/certificates.mjs'
import { next } from './helpers/client.mjs'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'
import { listenTls } from './helpers/tls-server.mjs'

const DIALED = Symbol.for('@mcp-integration/client dialed')

/** Connects; resolves with the dial, the function that asks for pages, and the error of `connect()`. */
async function dial(t, url, options = {}) {
  const client = new MCPClient(url, { autoConnect: false, maxReconnectAttempts: 0, ...options })
  t.after(() => client.close())
  const dials = []
  client.on(DIALED, (dial, ask) => dials.push({ dial, ask }))
  const error = await client.connect().then(
    () => undefined,
    (error) => error,
  )
  return { client, dials, error, ...dials[0] }
}

const phasesOf = ({ phases }) => phases.map(({ phase }) => phase)

test('a dial is told with its phases, their times and what was found in them', async (t) => {
  const server = await listen(t, { compression: true })
  const { dial: told } = await dial(t, server.url.replace('127.0.0.1', 'localhost'), { protocols: ['chat'] })
  assert.deepEqual(phasesOf(told), ['name', 'tcp', 'upgrade'])
  const [name, tcp, upgrade] = told.phases
  assert.deepEqual(name.addresses, ['::1', '127.0.0.1'])
  assert.deepEqual(
    tcp.tried.map(({ address, outcome }) => [address, outcome]),
    [
      [`[::1]:${server.port}`, 'ECONNREFUSED'],
      [`127.0.0.1:${server.port}`, 'connected'],
    ],
  )
  assert.match(upgrade.upgrade.extensions, /^permessage-deflate/)
  assert.deepEqual({ ...upgrade.upgrade, extensions: '' }, { status: 101, extensions: '', protocol: '[secret]' })
  assert.equal(told.address, `127.0.0.1:${server.port}`)
  assert.equal(told.error, null)
  const sum = told.phases.reduce((sum, { duration }) => sum + duration, 0)
  assert.ok(Math.abs(told.phases[0].start + sum - told.duration) < 0.1, JSON.stringify(told))
})

test('TLS is told with its version and certificate, and a certificate that is refused too', async (t) => {
  const authority = createAuthority()
  const until = 9 * 86_400_000
  const { port } = await listenTls(t, authority.issue({ until }))
  const trusting = await dial(t, `wss://127.0.0.1:${port}`, { tls: { ca: authority.cert } })
  assert.deepEqual(phasesOf(trusting.dial), ['name', 'tcp', 'tls', 'upgrade'])
  const { tls } = trusting.dial.phases[2]
  assert.deepEqual([tls.version, tls.verified, tls.resumed], ['TLSv1.3', true, false])
  assert.match(tls.cipher, /^TLS13_/)
  assert.ok(Math.abs(tls.certificate.notAfter - Date.now() - until) < 60_000, `${tls.certificate.notAfter}`)
  assert.match(tls.certificate.issuer, /^CN=/)

  const strict = await dial(t, `wss://127.0.0.1:${port}`)
  assert.equal(strict.error.code, 'CONNECT_FAILED')
  const refused = strict.dial.phases.at(-1)
  assert.equal(refused.phase, 'tls')
  assert.deepEqual(refused.tls, {
    version: null,
    cipher: null,
    resumed: false,
    verified: true,
    certificate: tls.certificate,
  })
  assert.equal(strict.dial.error.systemCause.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

test('a dial that fails is told before anything that follows from it', async (t) => {
  const client = new MCPClient(DEAF_URL, { autoConnect: false })
  const told = []
  client.on(DIALED, (dial) => told.push(`dialed ${dial.error.code}`)).on('state', ({ state }) => told.push(state))
  const waiting = next(client, 'reconnecting')
  client.connect().catch(() => {})
  await waiting
  assert.deepEqual(told, ['connecting', 'dialed CONNECT_FAILED', 'reconnecting'])
  await client.close()
})

test('a dial that is given up is told as closed', async (t) => {
  const client = new MCPClient(await silentUrl(t), { autoConnect: false })
  const codes = []
  client.on(DIALED, ({ error }) => codes.push(error.code))
  client.connect().catch(() => {})
  await client.close()
  assert.deepEqual(codes, ['CLOSED'])
})

test('the server is asked for a page without key and headers, and no redirect is followed', async (t) => {
  const asked = []
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers])
    if (request.url === '/moved') response.writeHead(302, { location: '/api/health' })
    response.end(JSON.stringify({ status: 'ok' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `ws://127.0.0.1:${server.address().port}/mcp-ws?key=secret`
  const { ask, error } = await dial(t, url, { apiKey: 'secret', headers: { 'x-key': 'secret' } })
  assert.equal(error.code, 'CONNECT_FAILED')
  asked.length = 0
  assert.deepEqual(await ask('/api/health', 5_000), { status: 200, body: '{"status":"ok"}', isCut: false })
  assert.equal((await ask('/moved', 5_000)).status, 302)
  assert.deepEqual(
    asked.map(([path]) => path),
    ['/api/health', '/moved'],
  )
  assert.doesNotMatch(JSON.stringify(asked), /secret/)
})

test('a server that does not answer a page is given up when the time is over', async (t) => {
  const server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const { ask } = await dial(t, `ws://127.0.0.1:${server.address().port}`, { connectTimeout: 100 })
  assert.deepEqual(await ask('/', 100), { error: 'it did not answer within 100 ms' })
})
