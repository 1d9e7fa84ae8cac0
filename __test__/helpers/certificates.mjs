/** X.509 certificates for tests, made with node:crypto alone: EC P-256 keys, signed with ECDSA and SHA-256. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const DAY = 86_400_000

/** A certificate authority that no system trusts. */
export function createAuthority(name = 'MCP test authority') {
  const own = { name, ...keyPair() }
  return authority(own, own)
}

/** An authority that `issuer` has certified, which may be itself. */
function authority(own, issuer) {
  const { name, publicKey } = own
  return {
    ...own,
    cert: certificate({ issuer, subject: name, publicKey, extensions: [IS_AUTHORITY] }),
    issue: (options) => issue(own, options),
    certify: (name) => authority({ name, ...keyPair() }, own),
  }
}

/**
 * A server's certificate and key, both PEM, for host names and IPv4 addresses.
 * @param from, until - in ms from now
 */
function issue(authority, { names = ['localhost'], addresses = ['127.0.0.1'], from = -DAY, until = DAY } = {}) {
  const { publicKey, privateKey } = keyPair()
  const subject = names[0] ?? addresses[0]
  const extensions = [alternativeNames(names, addresses), IS_SERVER]
  return {
    cert: certificate({ issuer: authority, subject, publicKey, extensions, from, until }),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

// RFC 5280 § 4.1
function certificate({ issuer, subject, publicKey, extensions, from = -DAY, until = DAY }) {
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    commonName(issuer.name),
    sequence(time(Date.now() + from), time(Date.now() + until)),
    commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuer.privateKey)
  const der = sequence(body, ECDSA_WITH_SHA256, tagged(0x03, Buffer.from([0]), signature))
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

function alternativeNames(names, addresses) {
  const list = [
    ...names.map((name) => tagged(0x82, Buffer.from(name))),
    ...addresses.map((address) => tagged(0x87, Buffer.from(address.split('.').map(Number)))),
  ]
  return extension([2, 5, 29, 17], sequence(...list))
}

function commonName(name) {
  return sequence(tagged(0x31, sequence(objectId(2, 5, 4, 3), tagged(0x0c, Buffer.from(name)))))
}

function extension(id, value) {
  return sequence(objectId(...id), tagged(0x01, Buffer.from([0xff])), tagged(0x04, value))
}

function time(ms) {
  return tagged(0x18, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')))
}

function integer(bytes) {
  return tagged(0x02, bytes)
}

function sequence(...parts) {
  return tagged(0x30, ...parts)
}

function objectId(first, second, ...rest) {
  const bytes = rest.flatMap((arc) => {
    const septets = [arc & 0x7f]
    for (let more = arc >>> 7; more > 0; more >>>= 7) septets.unshift((more & 0x7f) | 0x80)
    return septets
  })
  return tagged(0x06, Buffer.from([40 * first + second, ...bytes]))
}

/** Tag, length, contents: DER. */
function tagged(tag, ...parts) {
  const contents = Buffer.concat(parts)
  const { length } = contents
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), contents])
}

const ECDSA_WITH_SHA256 = sequence(objectId(1, 2, 840, 10045, 4, 3, 2))
/** basicConstraints: CA. */
const IS_AUTHORITY = extension([2, 5, 29, 19], sequence(tagged(0x01, Buffer.from([0xff]))))
/** extendedKeyUsage: serverAuth. */
const IS_SERVER = extension([2, 5, 29, 37], sequence(objectId(1, 3, 6, 1, 5, 5, 7, 3, 1)))
