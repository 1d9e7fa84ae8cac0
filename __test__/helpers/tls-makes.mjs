/** TLS servers of two makes, with the same settings. */
import { optionOf, startServer } from './openssl.mjs'
import { listenTls } from './tls-server.mjs'

/**
 * Each starts a server that ends with the test, and resolves with its port. Of the settings, `version` is the only one
 * that it speaks, such as `TLSv1.2`; `ciphers` are those of TLS 1.2 and older; with `clients` it demands a certificate
 * that this authority has issued.
 */
export const MAKES = {
  'Node.js': async (t, certificate, { version, ciphers, clients } = {}) => {
    const demands = clients === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: clients.cert }
    const only = version === undefined ? {} : { minVersion: version, maxVersion: version }
    return (await listenTls(t, certificate, { ...demands, ...only, ciphers })).port
  },
  openssl: async (t, certificate, { version, ciphers, clients } = {}) => {
    const args = []
    if (version !== undefined) args.push(optionOf(version))
    if (ciphers !== undefined) args.push('-cipher', ciphers)
    if (clients !== undefined) args.push('-Verify', '1', '-verify_return_error')
    const files = clients === undefined ? {} : { CAfile: clients.cert }
    return (await startServer(t, certificate, { args, files })).port
  },
}
