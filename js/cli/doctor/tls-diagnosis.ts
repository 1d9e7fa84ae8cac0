/** Why TLS failed. */
import type { Diagnosis, FailedDial } from './diagnosis.js'

/** @param whose - `server`, or `proxy` */
export function tlsDiagnosis({ code, words, host, port }: FailedDial, whose = 'server'): Diagnosis {
  const known = BY_CODE[code]
  if (known !== undefined) return known(whose, `${host}:${port}`)
  if (/broke off/.test(words)) return brokenOff(whose)
  if (/client certificate|client's certificate/.test(words)) return identity(whose)
  return {
    cause: `The ${whose} and the client did not agree on TLS.`,
    next: `Compare with "openssl s_client -connect ${host}:${port}".`,
  }
}

function untrusted(whose: string): Diagnosis {
  return {
    cause: `The client does not know who signed the certificate of the ${whose}: your company, a proxy that opens TLS, or the ${whose} itself.`,
    next: 'If it is right, name that authority: NODE_EXTRA_CA_CERTS=authority.pem, or the option tls.ca.',
  }
}

function chain(whose: string): Diagnosis {
  return {
    cause: `The client does not know the issuer of the certificate, or the ${whose} leaves out the certificates in between.`,
    next: `Let the ${whose} send the whole chain; or name its authority: NODE_EXTRA_CA_CERTS=authority.pem, or the option tls.ca.`,
  }
}

function clock(whose: string): Diagnosis {
  return {
    cause: `The certificate of the ${whose} is not valid yet, or the clock of this machine is slow.`,
    next: 'Compare the clock of this machine ("date -u") with the day on which the certificate begins.',
  }
}

function noTls(whose: string): Diagnosis {
  return {
    cause: `The ${whose} speaks no TLS on this port.`,
    next:
      whose === 'proxy' ? 'Begin the URL of the proxy with http://.' : 'Begin the URL with ws://, or correct the port.',
  }
}

function tooOld(whose: string): Diagnosis {
  return {
    cause: `The ${whose} speaks only versions of TLS that the client does not allow: it wants TLS 1.2 or newer.`,
    next: `Update the ${whose}, or allow TLS 1.2 on it.`,
  }
}

function nothingInCommon(whose: string): Diagnosis {
  return {
    cause: `The ${whose} and the client have no cipher suite, key exchange or signature in common, or the ${whose} demands a client certificate.`,
    next: `Compare with what the ${whose} allows; a client certificate is given by the options tls.cert and tls.key.`,
  }
}

function identity(whose: string): Diagnosis {
  return {
    cause: `The ${whose} demands a certificate of the client, or refuses the one that it got.`,
    next: 'Give one that it takes, by the options tls.cert and tls.key.',
  }
}

function brokenOff(whose: string): Diagnosis {
  return {
    cause: `The connection was ended in the middle of the TLS handshake: the ${whose} speaks none here, or something between stops it.`,
    next: 'Correct the port; check firewalls and proxies that look into TLS.',
  }
}

function damaged(whose: string): Diagnosis {
  return {
    cause: `What came from the ${whose} was damaged on its way, or does not keep to the rules of TLS.`,
    next: 'Look for what changes the bytes between: a faulty proxy, VPN or network adapter.',
  }
}

const BY_CODE: Readonly<Record<string, (whose: string, address: string) => Diagnosis>> = {
  CERT_HAS_EXPIRED: (whose) => ({
    cause: `The certificate of the ${whose} has expired.`,
    next: `Renew it on the ${whose}. If it was renewed already, restart what serves it; check the clock of this machine.`,
  }),
  CERT_NOT_YET_VALID: clock,
  DEPTH_ZERO_SELF_SIGNED_CERT: (whose) => ({
    cause: `The certificate of the ${whose} is self-signed: nobody vouches for it.`,
    next: 'If it is yours, trust that very certificate: NODE_EXTRA_CA_CERTS=certificate.pem, or the option tls.ca.',
  }),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: chain,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: chain,
  ERR_TLS_CERT_ALTNAME_INVALID: (whose) => ({
    cause: `The certificate of the ${whose} is for another name.`,
    next: 'Use a name that it is for; or let the certificate be issued for this one.',
  }),
  CERT_UNTRUSTED: (whose) => ({
    cause: `This system refuses the certificate of the ${whose}, for a reason of its own.`,
    next: 'The error has its words. If the certificate is right, name it or its authority: NODE_EXTRA_CA_CERTS, or tls.ca.',
  }),
  CERT_REVOKED: (whose) => ({
    cause: `The certificate of the ${whose} was revoked.`,
    next: 'Ask its operator for a new one.',
  }),
  CERT_SIGNATURE_FAILURE: (whose) => ({
    cause: `The certificate of the ${whose} is signed wrongly, or in a way that the client does not support.`,
    next: 'Let it be issued with RSA from 2048 bits and SHA-256, ECDSA, or Ed25519.',
  }),
  INVALID_PURPOSE: (whose) => ({
    cause: `The certificate of the ${whose} is not made for servers.`,
    next: 'Let it be issued with the extended key usage "serverAuth".',
  }),
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_UNSUPPORTED_PROTOCOL: tooOld,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: tooOld,
  ERR_SSL_NO_SHARED_CIPHER: nothingInCommon,
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: nothingInCommon,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: nothingInCommon,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: identity,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: identity,
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: identity,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: identity,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: identity,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: identity,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: identity,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: identity,
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: (whose) => ({
    cause: `The ${whose} has no host of this name.`,
    next: 'Use the name that it is configured for.',
  }),
  ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: damaged,
  ERR_SSL_UNEXPECTED_MESSAGE: damaged,
}
