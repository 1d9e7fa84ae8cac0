/** What a process trusts: the store of the machine, the variables of OpenSSL and of Node.js. */
import assert from 'node:assert/strict'
import { delimiter, join } from 'node:path'
import { describe, test } from 'node:test'
import { createAuthority } from './helpers/certificates.mjs'
import { folderOf } from './helpers/documents.mjs'
import { assertDocumented } from './helpers/networks-page.mjs'
import { selfSigned } from './helpers/openssl.mjs'
import { run } from './helpers/program.mjs'
import { listenTls } from './helpers/tls-server.mjs'

const authority = createAuthority()
const other = createAuthority('another authority')
/** Without those that the machine may have. */
const CLEAN = {
  NODE_EXTRA_CA_CERTS: undefined,
  SSL_CERT_FILE: undefined,
  SSL_CERT_DIR: undefined,
  NODE_USE_SYSTEM_CA: undefined,
}

/** Connects twice in a process of its own; tells the state, the error and the log of each client. */
async function connecting(t, port, { env = {}, tls = {}, under = [] } = {}) {
  const told = await run(
    t,
    async ({ MCPClient, tell, input: { url, tls } }) => {
      for (let i = 0; i < 2; i++) {
        const client = new MCPClient(url, { maxReconnectAttempts: 0, tls })
        const log = []
        client.on('log', ({ level, message }) => log.push(`${level}: ${message}`))
        const error = await client.connect().catch(({ message, cause }) => ({ message, code: cause?.code }))
        tell({ state: client.state, error, log })
        await client.close()
      }
    },
    { url: `wss://localhost:${port}`, tls },
    { env: { ...CLEAN, ...env }, under },
  )
  assert.deepEqual(told[0].log.filter(isOfTrust), told[1].log.filter(isOfTrust), 'each client says it')
  return { ...told[0], log: told[0].log.filter(isOfTrust) }
}

function isOfTrust(line) {
  return /CERT|NODE_|certificates/.test(line)
}

describe('NODE_EXTRA_CA_CERTS', () => {
  const complaints = []
  for (const [what, text, state, complaint] of [
    ['is trusted, several certificates at once', other.cert + authority.cert, 'ready'],
    ['of another authority is of no use', other.cert, 'failed'],
    [
      'that is partly broken is a warning that names the file, and the rest is trusted',
      `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${authority.cert}`,
      'ready',
      /^warn: NODE_EXTRA_CA_CERTS \(.*extra\.pem\): 1 of its certificates cannot be read; 1 are trusted$/,
    ],
    [
      'that holds none is a warning',
      'hello',
      'failed',
      /^warn: NODE_EXTRA_CA_CERTS \(.*extra\.pem\): it holds no cert/,
    ],
    [
      'that is not there is a warning',
      null,
      'failed',
      /^warn: NODE_EXTRA_CA_CERTS \(.*extra\.pem\): it is ignored, for/,
    ],
  ]) {
    test(what, async (t) => {
      const folder = await folderOf(t, text === null ? {} : { 'extra.pem': text })
      const { port } = await listenTls(t, authority.issue())
      const told = await connecting(t, port, { env: { NODE_EXTRA_CA_CERTS: join(folder, 'extra.pem') } })
      assert.equal(told.state, state, told.error?.message)
      assert.equal(told.log.length, complaint === undefined ? 0 : 1)
      if (complaint !== undefined) assert.match(told.log[0], complaint)
      complaints.push(...told.log)
    })
  }

  test('is documented', () => {
    assertDocumented('`NODE_EXTRA_CA_CERTS` is missing or damaged.', ...complaints)
  })

  test('may name the certificate of the server itself', async (t) => {
    const own = selfSigned()
    const folder = await folderOf(t, { 'extra.pem': own.cert })
    const { port } = await listenTls(t, own)
    const told = await connecting(t, port, { env: { NODE_EXTRA_CA_CERTS: join(folder, 'extra.pem') } })
    assert.equal(told.state, 'ready', told.error?.message)
  })
})

describe('SSL_CERT_FILE and SSL_CERT_DIR', () => {
  test('replace the store of the machine, and the other certificates add to them', async (t) => {
    const folder = await folderOf(t, { 'store.pem': other.cert, 'extra.pem': authority.cert })
    const { port } = await listenTls(t, authority.issue())
    const SSL_CERT_FILE = join(folder, 'store.pem')
    const NODE_EXTRA_CA_CERTS = join(folder, 'extra.pem')
    assert.equal((await connecting(t, port, { env: { SSL_CERT_FILE } })).state, 'failed')
    assert.equal((await connecting(t, port, { env: { SSL_CERT_FILE: NODE_EXTRA_CA_CERTS } })).state, 'ready')
    assert.equal((await connecting(t, port, { env: { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } })).state, 'ready')
    assert.equal((await connecting(t, port, { env: { SSL_CERT_FILE }, tls: { ca: authority.cert } })).state, 'ready')
  })

  test('that lead nowhere are a warning that names the variable', async (t) => {
    const { port } = await listenTls(t, authority.issue())
    const { log, error } = await connecting(t, port, { env: { SSL_CERT_FILE: '/nowhere/store.pem' } })
    assert.equal(error.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    assertDocumented('`SSL_CERT_FILE` leads nowhere.', log[0])
    assert.match(log[0], /^warn: SSL_CERT_FILE: no certificate is trusted, for none was found: .*\/nowhere\/store\.pem/)
  })

  test('that are empty are not set', async (t) => {
    const folder = await folderOf(t, { 'store.pem': authority.cert })
    const { port } = await listenTls(t, authority.issue())
    const unset = await connecting(t, port)
    for (const env of [{ SSL_CERT_FILE: '' }, { SSL_CERT_DIR: '' }, { SSL_CERT_FILE: '', SSL_CERT_DIR: '' }])
      assert.deepEqual(await connecting(t, port, { env }), unset)
    for (const env of [
      { SSL_CERT_FILE: join(folder, 'store.pem'), SSL_CERT_DIR: '' },
      { SSL_CERT_FILE: '', SSL_CERT_DIR: `/nowhere${delimiter}${folder}` },
    ])
      assert.equal((await connecting(t, port, { env })).state, 'ready')
  })
})

test('on a machine without a store, what Node.js brings is trusted, and the log says so', {
  skip: (process.platform !== 'linux' || process.getuid() !== 0) && 'only root on Linux can hide the store',
}, async (t) => {
  const { port } = await listenTls(t, authority.issue())
  // In a mount namespace of its own, whose folders of certificates are empty.
  const hide = 'for dir in /etc/ssl /etc/pki /usr/local/share/certs /var/lib/ca-certificates; do '
  const under = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `${hide} if [ -d $dir ]; then mount -t tmpfs none $dir || exit 9; fi; done; exec "$@"`,
    'sh',
  ]
  const { log, error } = await connecting(t, port, { under })
  assert.deepEqual(log, ['info: this machine has no store of certificates: those that Node.js brings are trusted'])
  assertDocumented('A slim image without certificates.', ...log)
  assert.equal(error.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.equal((await connecting(t, port, { under, tls: { ca: authority.cert } })).state, 'ready')
})

test('variables that mean something to Node.js alone are answered in words', async (t) => {
  const { port } = await listenTls(t, authority.issue())
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_USE_SYSTEM_CA: '1' }
  const { state, log } = await connecting(t, port, { env })
  assert.equal(state, 'failed')
  assertDocumented('`NODE_TLS_REJECT_UNAUTHORIZED=0` has no effect.', log[0])
  assert.deepEqual(log, [
    'warn: NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored: the option tls.rejectUnauthorized turns verification off',
    'info: NODE_USE_SYSTEM_CA=1 changes nothing: the certificates of the system are trusted in any case',
  ])
})
