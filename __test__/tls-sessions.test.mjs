/** Connections to TLS servers of Node.js and of openssl: what they carry, what a second one saves, how they end. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createAuthority } from './helpers/certificates.mjs'
import { next, open, reached, ready, rejection } from './helpers/client.mjs'
import { folderOf } from './helpers/documents.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { assertDocumented } from './helpers/networks-page.mjs'
import { optionOf, P521, RSA, selfSigned, startTunnel } from './helpers/openssl.mjs'
import { listen } from './helpers/test-server.mjs'
import { listenTls } from './helpers/tls-server.mjs'

/** Others are shown to servers of Node.js by tls-options.test.mjs. */
const CERTIFICATES = { EC: selfSigned(), RSA: selfSigned({ key: RSA }), 'P-521': selfSigned({ key: P521 }) }
const VERSIONS = ['TLSv1.2', 'TLSv1.3']
/** Both carry what is in TLS to a test server. */
const MAKES = {
  'Node.js': async (t, certificate, version) => listenTls(t, certificate, { minVersion: version, maxVersion: version }),
  openssl: async (t, certificate, version) => {
    const { port } = await listen(t)
    return startTunnel(t, certificate, port, [optionOf(version)])
  },
}

for (const [make, start] of Object.entries(MAKES)) {
  for (const version of VERSIONS) {
    describe(`over ${version} with a server of ${make}`, () => {
      for (const [what, certificate] of Object.entries(CERTIFICATES)) {
        test(`calls go both ways (${what})`, async (t) => {
          const { port } = await start(t, certificate, version)
          const connecting = open(t, `wss://localhost:${port}`, { tls: { ca: certificate.cert } })
          if (what === 'P-521' && version === 'TLSv1.2') {
            assert.match((await rejection(connecting.connect())).message, /a certificate on P-521 needs TLS 1\.3/)
            return
          }
          await connecting.connect()
          const large = 'ü'.repeat(300_000)
          assert.deepEqual(await Promise.all([large, 1].map((value) => connecting.useTool('echo', value))), [large, 1])
        })
      }

      test('a reconnect resumes the session, which saves more than a third of what the server sends', async (t) => {
        // One of its own: clients with the same options share sessions, and all these servers are localhost.
        const certificate = selfSigned()
        const { port } = await start(t, certificate, version)
        const proxy = await listenProxy(t, `wss://localhost:${port}`)
        const client = open(t, proxy.url.replace('127.0.0.1', 'localhost'), { tls: { ca: certificate.cert } })
        await client.connect()
        const sent = [(await proxy.nextConnection()).bytesToClient]
        const lost = next(client, 'close')
        proxy.endAll()
        await lost
        await client.connect()
        sent.push((await proxy.nextConnection()).bytesToClient)
        t.diagnostic(`${sent[0]} bytes of the server, then ${sent[1]}`)
        assert.ok(sent[1] * 3 < sent[0] * 2, String(sent))
      })
    })
  }
}

for (const version of VERSIONS) {
  test(`a client certificate is shown to a server of openssl that demands one (${version})`, async (t) => {
    const [certificate, own] = [selfSigned(), selfSigned({ subject: '/CN=somebody' })]
    const { port: to } = await listen(t)
    const folder = await folderOf(t, { 'clients.pem': own.cert })
    const demanding = ['-Verify', '1', '-verify_return_error', '-CAfile', join(folder, 'clients.pem')]
    const { port } = await startTunnel(t, certificate, to, [optionOf(version), ...demanding])
    const tls = { ca: certificate.cert, cert: own.cert, key: own.key }
    const client = await ready(t, `wss://localhost:${port}`, { tls })
    assert.equal(await client.useTool('echo', 1), 1)
  })
}

test('a chain of authorities is followed to the one that is trusted', async (t) => {
  const authority = createAuthority()
  const between = authority.certify('CN between')
  const { key, cert } = between.issue()
  const { port } = await listenTls(t, { key, cert: cert + between.cert })
  await ready(t, `wss://localhost:${port}`, { tls: { ca: authority.cert } })
})

test('a server that vanishes is a lost connection without a close frame', async (t) => {
  const certificate = selfSigned()
  const tls = { ca: certificate.cert }
  const { port } = await listen(t)
  const tunnel = await startTunnel(t, certificate, port)
  const killed = await ready(t, `wss://localhost:${tunnel.port}`, { tls })
  const { port: other } = await listenTls(t, certificate)
  const proxy = await listenProxy(t, `wss://localhost:${other}`)
  const cut = await ready(t, proxy.url.replace('127.0.0.1', 'localhost'), { tls })
  const closes = [next(killed, 'close'), next(cut, 'close')]
  tunnel.server.kill('SIGKILL')
  proxy.endAll()
  const events = (await Promise.all(closes)).map(([event]) => event)
  for (const { code, reason, willReconnect } of events)
    assert.deepEqual(
      { code, reason, willReconnect },
      { code: 1006, reason: 'no close frame came', willReconnect: true },
    )
  assertDocumented('The server vanishes.', ...events)
  await reached(cut, 'ready')
})
