/** The command `openssl`: certificates as people make them, and its server. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { listening } from './daemon.mjs'
import { freePort } from './ports.mjs'
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

/** The option that allows a version alone: `-tls1_2` of `TLSv1.2`. */
export function optionOf(version) {
  return `-${version.toLowerCase().replace('v', '').replace('.', '_')}`
}

/**
 * `openssl s_server` with this certificate; later ones in its PEM are sent along. Resolves with its port.
 * @param files options whose value is a file, by their name, with what is to be in it
 */
export async function startServer(t, { cert, key }, { args = [], files = {} } = {}) {
  const [own, ...others] = cert.split(/(?=-----BEGIN)/)
  const all = { cert: own, key, ...files, ...(others.length > 0 && { cert_chain: others.join('') }) }
  const folder = await folderOf(t, all)
  const given = Object.keys(all).flatMap((name) => [`-${name}`, join(folder, name)])
  const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', ...given, ...args], {
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

/**
 * `openssl s_server` in front of the port `to`: what a client sends in TLS goes there, for one connection after the
 * other. Resolves with its port and its process.
 */
export async function startTunnel(t, { cert, key }, to, args = []) {
  const port = await freePort()
  const folder = await folderOf(t, { cert, key })
  const files = ['-cert', join(folder, 'cert'), '-key', join(folder, 'key')]
  // Quiet, it carries between TLS and its standard streams, and does nothing else.
  const given = ['s_server', '-quiet', '-accept', `127.0.0.1:${port}`, ...files, ...args]
  const server = spawn('openssl', given, { stdio: ['pipe', 'pipe', 'ignore'] })
  let inner
  t.after(() => {
    server.kill('SIGKILL')
    inner?.destroy()
  })
  server.stdout.on('data', (data) => {
    inner ??= connect(to, '127.0.0.1')
      .on('error', () => {})
      .on('data', (data) => server.stdin.write(data))
      .on('close', () => (inner = undefined))
    inner.write(data)
  })
  server.once('exit', () => inner?.destroy()).stdin.on('error', () => {})
  if (!(await listening(port, server))) throw new Error('openssl s_server ended')
  return { port, server }
}
