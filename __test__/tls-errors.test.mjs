/** What stands in the way of TLS, in words, with the code that Node.js itself has for it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createAuthority } from './helpers/certificates.mjs'
import { RSA_1024, selfSigned, startServer } from './helpers/openssl.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'
import { attempt, codeOfNode, listenTls } from './helpers/tls-server.mjs'

const DAY = 86_400_000
const NETWORKS = await readFile(join(ROOT, 'docs/networks.md'), 'utf8')
const authority = createAuthority()
const stranger = createAuthority('another authority')
const trusting = { ca: authority.cert }

/** Connects to a server; the error must have these words, and the code that Node.js has unless another is given. */
async function assertFails(port, { host = 'localhost', words, tls = trusting, code, servername = host }) {
  const { state, error } = await attempt(`wss://${host}:${port}`, { tls })
  assert.equal(state, 'failed')
  assert.equal(error.code, 'CONNECT_FAILED')
  assert.equal(error.retryable, false)
  assert.match(error.message, words)
  assert.ok(NETWORKS.includes(`\`${error.cause.code}\``), `docs/networks.md says what to do about ${error.cause.code}`)
  // A debug word of Rust.
  assert.doesNotMatch(error.message, /\b[A-Z][a-z]+[A-Z]\w+\b(?<!TLSv1|RsaPss)|\{|\bSome\(/)
  const name = /^[\d.]+$/.test(servername) ? {} : { servername }
  assert.equal(error.cause?.code, code ?? (await codeOfNode(port, { ...tls, ...name })), error.message)
}

describe('a certificate that does not verify says why:', () => {
  for (const [what, certificate, words, more] of [
    ['expired', authority.issue({ from: -2 * DAY, until: -DAY }), /it expired on 20\d\d-\d\d-\d\dT[\d:]+Z \(CERT_HAS/],
    [
      'not yet valid',
      authority.issue({ from: DAY, until: 2 * DAY }),
      /not valid before 20\d\d-.*clock.*\(CERT_NOT_YET/,
    ],
    ['unknown issuer', stranger.issue(), /its issuer "CN=another authority" is not trusted.*tls\.ca/],
    [
      'an authority that is sent along',
      withChain(stranger),
      /authority "CN=another authority" is not trusted.*tls\.ca/,
    ],
    ['self-signed', selfSigned(), /it is self-signed; tls\.ca/],
    [
      'wrong name',
      authority.issue({ names: ['a.example', '*.b.example'], addresses: [] }),
      /it is for a\.example, \*\.b\.example, not for localhost; tls\.servername/,
    ],
    [
      'wrong address',
      authority.issue({ names: [], addresses: ['127.0.0.2'] }),
      /it is for 127\.0\.0\.2, not for 127\.0\.0\.1/,
      { host: '127.0.0.1' },
    ],
    [
      'a name that would steer a terminal',
      authority.issue({ names: ['\u001b[2Jx'], addresses: [] }),
      /it is for \ufffd\[2Jx, not for localhost/,
    ],
  ]) {
    test(what, async (t) => {
      const { port } = await listenTls(t, certificate)
      await assertFails(port, { words, ...more })
    })
  }

  function withChain(authority) {
    const { cert, key } = authority.issue()
    return { key, cert: cert + authority.cert }
  }
})

describe('a server whose TLS does not fit says why:', () => {
  const certificate = selfSigned()
  const tls = { ca: certificate.cert }

  test('no TLS at all', async (t) => {
    const server = await listen(t)
    // OpenSSL has had several codes for it.
    await assertFails(server.port, { tls, words: /is not TLS.*ws:\/\//, code: 'ERR_SSL_WRONG_VERSION_NUMBER' })
  })

  test('another protocol, whose server speaks first', async (t) => {
    const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.6\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address()
    await assertFails(port, { tls, words: /is not TLS.*ws:\/\//, code: 'ERR_SSL_WRONG_VERSION_NUMBER' })
  })

  for (const [what, args, words, code, options] of [
    [
      'too old a version',
      ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
      /no version of TLS that is allowed/,
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    ],
    [
      'older than tls.minVersion',
      ['-tls1_2'],
      /no version of TLS that is allowed.*tls\.minVersion/,
      undefined,
      { minVersion: 'TLSv1.3' },
    ],
    [
      'no common cipher',
      ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA'],
      /no cipher suite or key exchange in common/,
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    ],
  ]) {
    test(what, async (t) => {
      const { port } = await startServer(t, certificate, args)
      await assertFails(port, { tls: { ...tls, ...options }, words, code })
    })
  }

  for (const version of ['-tls1_2', '-tls1_3']) {
    test(`a client certificate is demanded (${version})`, async (t) => {
      const { port } = await startServer(t, certificate, [version, '-Verify', '1', '-verify_return_error'])
      await assertFails(port, { tls, words: /the server demands a client certificate: tls\.cert and tls\.key/ })
    })
  }

  test('what ring cannot verify', async (t) => {
    const weak = selfSigned({ key: RSA_1024 })
    const { port } = await startServer(t, weak, ['-cipher', 'ALL:@SECLEVEL=0'])
    const { error } = await attempt(`wss://localhost:${port}`, { tls: { ca: weak.cert } })
    assert.match(error.message, /RSA from 2048 bits/)
  })
})
