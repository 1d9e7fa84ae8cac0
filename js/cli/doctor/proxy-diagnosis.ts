/** Why a proxy opened no tunnel. */
import type { Diagnosis, FailedDial } from './diagnosis.js'
import { tlsDiagnosis } from './tls-diagnosis.js'

export function proxyDiagnosis(dial: FailedDial): Diagnosis {
  const { words, code, error, host, port } = dial
  const proxy = error.proxy ?? 'the proxy'
  if (error.status !== undefined) return ofStatus(error.status, dial)
  if (/TLS with the proxy failed/.test(words)) return tlsDiagnosis(dial, 'proxy')
  if (/name of the proxy/.test(words)) {
    return {
      cause: `The name of the proxy ${proxy} is not known to this machine.`,
      next: `${CORRECT} Perhaps a VPN is needed.`,
    }
  }
  if (/cannot be reached/.test(words)) {
    return { cause: `Nobody answers at the proxy ${proxy}${code === '' ? '' : ` (${code})`}.`, next: CORRECT }
  }
  if (/not the answer of such a proxy/.test(words)) {
    return {
      cause: `What listens at ${proxy} is no proxy of this kind.`,
      next: `${CORRECT} http:// is for CONNECT, socks5:// and socks5h:// are for SOCKS.`,
    }
  }
  if (/user|password|authenticate/.test(words)) return wantsLogin(proxy)
  if (/rules do not allow/.test(words)) return forbids(proxy, `${host}:${port}`)
  if (/cannot connect to the server/.test(words)) return cannotReach(proxy, `${host}:${port}`)
  return {
    cause: `The proxy ${proxy} ended the connection before it had opened the tunnel.`,
    next: `Look at the log of the proxy. ${CORRECT}`,
  }
}

function ofStatus(status: number, { error, host, port }: FailedDial): Diagnosis {
  const proxy = error.proxy ?? 'the proxy'
  // tinyproxy answers a wrong login with 401.
  if (status === 407 || status === 401) return wantsLogin(proxy)
  if (status >= 502 && status <= 504) return cannotReach(proxy, `${host}:${port}`)
  if (status >= 500)
    return { cause: `The proxy ${proxy} does not work at the moment.`, next: 'Try again; ask its operator.' }
  return forbids(proxy, `${host}:${port}`)
}

function wantsLogin(proxy: string): Diagnosis {
  return {
    cause: `The proxy ${proxy} wants a user and a password, or refuses those that it got.`,
    next: 'Write them into its URL, http://user:password@host:port; a special character as %40, say.',
  }
}

function cannotReach(proxy: string, server: string): Diagnosis {
  return {
    cause: `The proxy ${proxy} works, but does not reach ${server}.`,
    next: 'Check the host and the port of the URL. If the server is inside your network, name it in NO_PROXY.',
  }
}

function forbids(proxy: string, server: string): Diagnosis {
  return {
    cause: `The proxy ${proxy} does not allow tunnels to ${server}.`,
    next: 'Ask its operator to allow that host and port. If the server is inside your network, name it in NO_PROXY.',
  }
}

const CORRECT = 'Correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or make an exception with NO_PROXY.'
