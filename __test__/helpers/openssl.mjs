/** The command `openssl`: certificates as people make them, and its server. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { folderOf } from './documents.mjs'

function openssl(args, input = '') {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
}

/** What `openssl req -x509` makes, which is CA:TRUE: a certificate and its key, both PEM. */
export function selfSigned({ subject = '/CN=localhost', key = EC, args = [] } = {}) {
  const pem = openssl(['req', '-x509', '-nodes', ...key, '-keyout', '-', '-subj', subject, '-days', '2', ...args])
  return { key: keyIn(pem), cert: pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')) }
}

export const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
export const P384 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1']
export const P521 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp521r1']
export const RSA = ['-newkey', 'rsa:2048']
export const RSA_1024 = ['-newkey', 'rsa:1024']
export const ED25519 = ['-newkey', 'ed25519']

/** A private key in another form. `args` are those of `openssl pkey`, or of another command. */
export function convert(key, args) {
  return openssl(args, key)
}

function keyIn(pem) {
  return /-----BEGIN (?:\w+ )?PRIVATE KEY-----[^]*?-----END (?:\w+ )?PRIVATE KEY-----\n/.exec(pem)[0]
}

/** `openssl s_server` with this certificate; resolves with its port. */
export async function startServer(t, { cert, key }, args = []) {
  const folder = await folderOf(t, {})
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key)
  const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-cert', certFile, '-key', keyFile, ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  t.after(() => server.kill('SIGKILL'))
  for await (const line of createInterface({ input: server.stdout })) {
    const port = /^ACCEPT .*:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) {
      server.stdout.resume()
      return { port: Number(port), server }
    }
  }
  throw new Error(`openssl s_server ended: ${(await once(server, 'exit'))[0]}`)
}
