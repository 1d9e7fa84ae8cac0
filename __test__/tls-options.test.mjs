/** The option `tls`: trust, client certificates, and what is wrong with them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MCPClient } from '@mcp-integration/client'
import { createAuthority } from './helpers/certificates.mjs'
import { assertDocumented } from './helpers/networks-page.mjs'
import { convert, EC, ED25519, P384, P521, RSA, selfSigned } from './helpers/openssl.mjs'
import { attempt, listenTls } from './helpers/tls-server.mjs'

const authority = createAuthority()

describe('tls.ca', () => {
  test('trusts an authority, as a string, a buffer, several in one text, or a list', async (t) => {
    const { port } = await listenTls(t, authority.issue())
    const other = createAuthority('another').cert
    for (const ca of [
      authority.cert,
      Buffer.from(authority.cert),
      other + authority.cert,
      [other, Buffer.from(authority.cert)],
    ]) {
      assert.equal((await attempt(`wss://localhost:${port}`, { tls: { ca } })).results, 1)
    }
    assert.equal((await attempt(`wss://localhost:${port}`, { tls: { ca: other } })).state, 'failed')
  })

  for (const [what, key] of Object.entries({ EC, P384, P521, RSA, ED25519 })) {
    test(`trusts what plain openssl req -x509 makes, for its host alone (${what})`, async (t) => {
      const own = selfSigned({ key })
      const { port } = await listenTls(t, own)
      const tls = { ca: own.cert }
      assert.equal((await attempt(`wss://localhost:${port}`, { tls })).results, 1)
      const { error } = await attempt(`wss://127.0.0.1:${port}`, { tls })
      assert.equal(error.cause.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
      assert.match(error.message, /it is for localhost, not for 127\.0\.0\.1/)
    })
  }

  test('trusts a self-signed certificate with alternative names for those alone', async (t) => {
    const own = selfSigned({ args: ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:there.example'] })
    const { port } = await listenTls(t, own)
    const tls = { ca: own.cert }
    assert.equal((await attempt(`wss://127.0.0.1:${port}`, { tls })).results, 1)
    assert.equal((await attempt(`wss://localhost:${port}`, { tls })).state, 'failed')
  })
})

test('tls.servername is asked for and verified', async (t) => {
  const certificate = authority.issue({ names: ['there.example'], addresses: [] })
  const asked = []
  const { port } = await listenTls(t, certificate, {
    SNICallback: (name, done) => {
      asked.push(name)
      done(null)
    },
  })
  const tls = { ca: authority.cert, servername: 'there.example' }
  assert.equal((await attempt(`wss://127.0.0.1:${port}`, { tls })).results, 1)
  assert.deepEqual(asked, ['there.example'])
  const { error } = await attempt(`wss://127.0.0.1:${port}`, { tls: { ...tls, servername: 'elsewhere.example' } })
  assert.match(error.message, /it is for there\.example, not for elsewhere\.example/)
})

test('tls.rejectUnauthorized: false takes any certificate and warns each time', async (t) => {
  const { port, server } = await listenTls(t, selfSigned())
  const client = new MCPClient(`wss://localhost:${port}`, { tls: { rejectUnauthorized: false }, baseReconnectDelay: 1 })
  const warnings = []
  client.on('log', ({ message }) => message.includes('certificate') && warnings.push(message))
  await client.connect()
  const again = new Promise((resolve) => client.once('close', () => client.once('authenticated', resolve)))
  await server.terminateAll()
  await again
  assert.deepEqual(
    warnings,
    Array(2).fill("the server's certificate is not verified (tls.rejectUnauthorized is false)"),
  )
  await client.close()
})

test('tls.minVersion is kept', async (t) => {
  const { port } = await listenTls(t, authority.issue(), { maxVersion: 'TLSv1.2' })
  assert.equal((await attempt(`wss://localhost:${port}`, { tls: { ca: authority.cert } })).results, 1)
  const { error } = await attempt(`wss://localhost:${port}`, { tls: { ca: authority.cert, minVersion: 'TLSv1.3' } })
  assert.match(error.message, /tls\.minVersion/)
})

describe('a client certificate', () => {
  for (const [what, key, form] of [
    ['EC, PKCS#8', EC],
    ['EC, SEC1', EC, ['ec']],
    ['P-384', P384],
    ['RSA, PKCS#8', RSA],
    ['RSA, PKCS#1', RSA, ['rsa', '-traditional']],
    ['Ed25519', ED25519],
  ]) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      test(`is shown to a server that asks for it (${what}, ${maxVersion})`, async (t) => {
        const own = selfSigned({ subject: '/CN=somebody', key })
        const shown = []
        const { port, tls: server } = await listenTls(t, authority.issue(), {
          maxVersion,
          requestCert: true,
          rejectUnauthorized: true,
          ca: own.cert,
        })
        server.on('secureConnection', (socket) => shown.push(socket.getPeerCertificate().subject.CN))
        const privateKey = form === undefined ? own.key : convert(own.key, form)
        const tls = { ca: authority.cert, cert: own.cert, key: privateKey }
        assert.equal((await attempt(`wss://localhost:${port}`, { tls })).results, 1)
        assert.deepEqual(shown, ['somebody'])
      })
    }
  }
})

describe('is refused at once, with the option and the remedy:', () => {
  const one = selfSigned()
  const other = selfSigned()
  const encrypted = convert(one.key, ['pkcs8', '-topk8', '-v2', 'aes-128-cbc', '-passout', 'pass:hunter2'])
  const encryptedTraditionally = convert(one.key, ['ec', '-aes128', '-passout', 'pass:hunter2'])
  const p521 = selfSigned({ key: P521 })
  const situations = {
    'an encrypted key': 'The key is encrypted.',
    'a key that does not match': 'Key and certificate are of two pairs.',
  }
  for (const [what, tls, message] of [
    ['a path in place of the PEM', { ca: './ca.pem' }, /"tls\.ca" must be the certificate itself.*readFileSync/],
    ['nothing', { ca: '' }, /"tls\.ca" is empty/],
    [
      'DER',
      { ca: Buffer.from(one.cert.split('\n').slice(1, -2).join(''), 'base64') },
      /"tls\.ca" must be PEM.*openssl x509 -inform DER/,
    ],
    [
      'damaged PEM',
      { ca: one.cert.slice(0, 300) },
      /"tls\.ca" holds PEM that is damaged|"tls\.ca" holds no certificate/,
    ],
    ['a key in place of a certificate', { ca: one.key }, /"tls\.ca" holds no certificate/],
    ['a certificate without its key', { cert: one.cert }, /"tls\.cert" needs its private key: give it as tls\.key/],
    ['a key without its certificate', { key: one.key }, /"tls\.key" needs its certificate: give it as tls\.cert/],
    ['a key that does not match', { cert: one.cert, key: other.key }, /"tls\.key" does not match tls\.cert/],
    ['a certificate in place of a key', { cert: one.cert, key: one.cert }, /"tls\.key" holds no private key/],
    ['an encrypted key', { cert: one.cert, key: encrypted }, /"tls\.key" is encrypted.*openssl pkey/],
    [
      'one encrypted in the old way',
      { cert: one.cert, key: encryptedTraditionally },
      /"tls\.key" is encrypted.*openssl pkey/,
    ],
    ['a key of P-521', { cert: p521.cert, key: p521.key }, /"tls\.key" is of a kind that is not supported.*P-384/],
    ['a name that is none', { servername: 'a b' }, /"tls\.servername" must be a host name, got "a b"/],
    [
      'a misspelt name',
      { rejectUnauthorised: false },
      /unknown option "tls\.rejectUnauthorised", did you mean "tls\.rejectUnauthorized"/,
    ],
  ]) {
    test(what, () => {
      assert.throws(
        () => new MCPClient('wss://localhost:1', { autoConnect: false, tls }),
        (error) => {
          assert.ok(error instanceof TypeError)
          assert.match(error.message, message)
          if (what in situations) assertDocumented(situations[what], error)
          const secret = one.key.split('\n')[1]
          assert.ok(!error.message.includes(secret) && !String(error.stack).includes(secret))
          return true
        },
      )
    })
  }
})
