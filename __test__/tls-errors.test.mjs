/**
 * What stands in the way of TLS, in words, with the code that Node.js itself has for it: against servers of Node.js and
 * of openssl.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAuthority } from './helpers/certificates.mjs'
import { assertDocumented } from './helpers/networks-page.mjs'
import { RSA_1024, selfSigned } from './helpers/openssl.mjs'
import { listenTcp } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'
import { MAKES } from './helpers/tls-makes.mjs'
import { attempt, codeOfNode } from './helpers/tls-server.mjs'

const DAY = 86_400_000
const authority = createAuthority()
const stranger = createAuthority('another authority')
const trusting = { ca: authority.cert }

/** Connects to a server; the error must have these words, and the code that Node.js has unless another is given. */
async function failure(port, { host = 'localhost', words, tls = trusting, code, servername = host }) {
  const { state, error } = await attempt(`wss://${host}:${port}`, { tls })
  assert.equal(state, 'failed', error?.message)
  assert.equal(error.code, 'CONNECT_FAILED')
  assert.equal(error.phase, 'tls')
  assert.equal(error.retryable, false)
  assert.match(error.message, words)
  // A debug word of Rust.
  assert.doesNotMatch(error.message, /\b[A-Z][a-z]+[A-Z]\w+\b(?<!TLSv1|RsaPss)|\{|\bSome\(/)
  const name = /^[\d.]+$/.test(servername) ? {} : { servername }
  assert.equal(error.cause?.code, code ?? (await codeOfNode(port, { ...tls, ...name })), error.message)
  return error
}

for (const [make, start] of Object.entries(MAKES)) {
  describe(`a certificate of a server of ${make} that does not verify says why:`, () => {
    for (const [situation, what, certificate, words, more] of [
      [
        'It is too old.',
        'expired',
        authority.issue({ from: -2 * DAY, until: -DAY }),
        /it expired on 20\d\d-\d\d-\d\dT[\d:]+Z \(CERT_HAS/,
      ],
      [
        'It is too new.',
        'not yet valid',
        authority.issue({ from: DAY, until: 2 * DAY }),
        /not valid before 20\d\d-.*clock.*\(CERT_NOT_YET/,
      ],
      [
        "A company's own authority, or a proxy that opens TLS.",
        'unknown issuer',
        stranger.issue(),
        /its issuer "CN=another authority" is not trusted.*tls\.ca/,
      ],
      [
        'The same, and the server sends the authority along.',
        'an authority that is sent along',
        withChain(stranger),
        /authority "CN=another authority" is not trusted.*tls\.ca/,
      ],
      [
        'A self-signed certificate, such as `openssl req -x509` makes.',
        'self-signed',
        selfSigned(),
        /it is self-signed; tls\.ca/,
      ],
      [
        'It is for another name.',
        'wrong name',
        authority.issue({ names: ['a.example', '*.b.example'], addresses: [] }),
        /it is for a\.example, \*\.b\.example, not for localhost; tls\.servername/,
      ],
      [
        'It is for another name.',
        'wrong address',
        authority.issue({ names: [], addresses: ['127.0.0.2'] }),
        /it is for 127\.0\.0\.2, not for 127\.0\.0\.1/,
        { host: '127.0.0.1' },
      ],
      [
        'It is for another name.',
        'a name that would steer a terminal',
        authority.issue({ names: ['\u001b[2Jx'], addresses: [] }),
        /it is for \ufffd\[2Jx, not for localhost/,
      ],
    ]) {
      test(what, async (t) => {
        assertDocumented(situation, await failure(await start(t, certificate), { words, ...more }))
      })
    }

    test('a missing certificate in between', async (t) => {
      const between = authority.certify('CN between')
      const below = between.certify('CN below')
      const leaf = below.issue()
      const [without, half] = [leaf, { ...leaf, cert: leaf.cert + below.cert }]
      const words = /or the server does not send the certificates in between/
      const errors = [await failure(await start(t, without), { words }), await failure(await start(t, half), { words })]
      assertDocumented('The server does not send all certificates in between.', ...errors)
    })
  })

  describe(`a server of ${make} whose TLS does not fit says why:`, () => {
    const certificate = selfSigned()
    const tls = { ca: certificate.cert }
    const OLD = 'ALL:@SECLEVEL=0'

    test('too old a version, and older than tls.minVersion', async (t) => {
      const tooOld = await failure(await start(t, certificate, { version: 'TLSv1.1', ciphers: OLD }), {
        tls,
        words: /no version of TLS that is allowed/,
        code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      })
      const olderThan = await failure(await start(t, certificate, { version: 'TLSv1.2' }), {
        tls: { ...tls, minVersion: 'TLSv1.3' },
        words: /no version of TLS that is allowed.*tls\.minVersion/,
      })
      const { port } = await answering(t, SERVER_HELLO_OF_TLS_1_1)
      const muchTooOld = await failure(port, { words: /no version of TLS that is allowed/ })
      assertDocumented('The server is too old, or `tls.minVersion` too new.', tooOld, olderThan, muchTooOld)
    })

    test('no common cipher', async (t) => {
      const port = await start(t, certificate, { version: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' })
      const code = 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'
      const error = await failure(port, { tls, code, words: /no cipher suite or key exchange in common/ })
      assertDocumented('No cipher suite fits.', error)
    })

    test('what ring cannot verify', async (t) => {
      const weak = selfSigned({ key: RSA_1024 })
      const port = await start(t, weak, { ciphers: OLD })
      const { error } = await attempt(`wss://localhost:${port}`, { tls: { ca: weak.cert } })
      assert.match(error.message, /RSA from 2048 bits/)
    })
  })
}

describe('a server that wants a client certificate', () => {
  const certificate = selfSigned()
  const tls = { ca: certificate.cert }
  const clients = selfSigned({ subject: '/CN=clients' })
  const other = selfSigned({ subject: '/CN=somebody' })
  const [demanded, refused, closed] = [[], [], []]

  for (const [make, start] of Object.entries(MAKES)) {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      test(`says that it demands one (${make}, ${version})`, async (t) => {
        const port = await start(t, certificate, { version, clients })
        const words = /the server demands a client certificate: tls\.cert and tls\.key/
        // Under TLS 1.3 the refusal may come before the client has sent its request, while it does, or afterwards.
        for (let time = 0; time < 20; time++) demanded.push(await failure(port, { tls, words }))
      })

      test(`refuses one that it does not trust (${make}, ${version})`, async (t) => {
        const port = await start(t, certificate, { version, clients })
        const { error } = await attempt(`wss://localhost:${port}`, {
          tls: { ...tls, cert: other.cert, key: other.key },
        })
        assert.equal(error.code, 'CONNECT_FAILED')
        ;(make === 'Node.js' ? closed : refused).push(error)
      })
    }
  }

  test('is documented', () => {
    assertDocumented('The server demands one.', ...demanded)
    assertDocumented('The server does not trust it.', ...refused)
    assertDocumented('The same, and the server is of Node.js, which only closes the connection.', ...closed)
  })
})

describe('a server without TLS says that:', () => {
  const words = /is not TLS.*ws:\/\//
  // OpenSSL has had several codes for it.
  const code = 'ERR_SSL_WRONG_VERSION_NUMBER'

  test('a server of ws:', async (t) => {
    const { port } = await listen(t)
    assertDocumented('The port speaks no TLS.', await failure(port, { words, code }))
  })

  test('one of another protocol, who speaks first', async (t) => {
    const { port } = await answering(t, 'SSH-2.0-OpenSSH_9.6\r\n')
    await failure(port, { words, code })
  })
})

/** A server that says this to everybody and hangs up. */
async function answering(t, bytes) {
  const { server } = await listenTcp(t, (socket) => socket.end(bytes))
  return server.address()
}

// RFC 4346 § 6.2.1 and § 7.4.1.3: one of a server that has never heard of a newer version.
const SERVER_HELLO_OF_TLS_1_1 = Buffer.from(`160302002a${'02000026'}0302${'5a'.repeat(32)}00${'002f'}00`, 'hex')

function withChain(authority) {
  const { cert, key } = authority.issue()
  return { key, cert: cert + authority.cert }
}
