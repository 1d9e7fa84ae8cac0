/** Why a dial failed, in plain words, and what to try next: by its phase, the code of Node.js, the HTTP status. */
import type { MCPError } from '../../index.js'
import { isLoopback } from '../../shared/loopback.js'
import type { Diagnosis, FailedDial } from './diagnosis.js'
import { proxyDiagnosis } from './proxy-diagnosis.js'
import { tlsDiagnosis } from './tls-diagnosis.js'

/** @param url - the endpoint */
export function diagnoseDial(error: MCPError, url: URL): Diagnosis {
  const cause = error.cause as NodeJS.ErrnoException | undefined
  const port = url.port || (url.protocol === 'wss:' ? '443' : '80')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const dial = { host, port, code: cause?.code ?? '', words: `${error.message} ${cause?.message ?? ''}`, error }
  if (EXHAUSTED.has(dial.code)) return exhausted(dial)
  if (dial.code === 'ETIMEDOUT' && /longer than connectTimeout/.test(error.message)) return tooSlow(dial)
  switch (error.phase) {
    case 'name':
      return nameDiagnosis(dial)
    case 'tcp':
      return tcpDiagnosis(dial)
    case 'proxy':
      return proxyDiagnosis(dial)
    case 'tls':
      return tlsDiagnosis(dial)
    case 'upgrade':
      return upgradeDiagnosis(dial)
    default:
      return { cause: 'The dial did not begin.', next: 'Read the error above; it names what is missing.' }
  }
}

function exhausted({ code }: FailedDial): Diagnosis {
  return {
    cause: `This machine, or this process, has no file handle or thread left (${code}).`,
    next: 'Look for a leak of files or threads, or raise the limit: "ulimit -n", "ulimit -u", the limits of the container.',
  }
}

/** The time was over. */
function tooSlow({ host, port, error }: FailedDial): Diagnosis {
  switch (error.phase) {
    case 'name':
      return {
        cause: `The resolver of this machine does not answer when it is asked for ${host}.`,
        next: 'Check the network, the VPN and the DNS servers of this machine (/etc/resolv.conf).',
      }
    case 'proxy':
      return {
        cause: `The proxy ${error.proxy ?? ''} was silent when it was asked for a tunnel to ${host}:${port}.`,
        next: 'Check that the proxy is up and may reach the server; NO_PROXY makes an exception for a host.',
      }
    case 'tls':
      return {
        cause:
          'The server took the TCP connection, but is silent where TLS begins: it waits for something else, hangs, or a firewall stops TLS.',
        next: `If the port speaks no TLS, begin the URL with ws://. Else try "openssl s_client -connect ${host}:${port}".`,
      }
    case 'upgrade':
      return {
        cause:
          'The server took the connection, but does not answer the HTTP upgrade: it hangs, or speaks no HTTP, or the network has frozen.',
        next: "Check the port; ask the server's operator whether it is overloaded; a longer --timeout shows whether it is only slow.",
      }
    default:
      return {
        cause: `Nobody answers at ${host}:${port}: a firewall drops the packets, or the machine is off.`,
        next: 'Check the host and the port, the firewall, and whether a VPN is needed.',
      }
  }
}

function nameDiagnosis({ host, code }: FailedDial): Diagnosis {
  if (code === 'EAI_AGAIN') {
    return {
      cause:
        'The resolver of this machine cannot look names up at the moment: it has no network, or its DNS servers do not answer.',
      next: 'Check the network, the VPN and the DNS servers of this machine (/etc/resolv.conf), then try again.',
    }
  }
  return {
    cause: `No DNS server that this machine asks knows the name ${host}.`,
    next: `Check the spelling; "getent hosts ${host}" asks the same resolver. Names of a VPN, or of other containers, are known only there.`,
  }
}

function tcpDiagnosis({ host, port, code }: FailedDial): Diagnosis {
  switch (code) {
    case 'ECONNREFUSED':
      return {
        cause: `The machine ${host} is there, but nothing listens on port ${port}.`,
        next: isLoopback(host)
          ? `Start the server ("mcp-client serve" starts one), or correct the port. In a container, ${host} is the container itself.`
          : 'Start the server, or correct the host and the port.',
      }
    case 'ETIMEDOUT':
      return {
        cause: `Nobody answers at ${host}:${port}: a firewall drops the packets, or the machine is off.`,
        next: 'Check the host and the port, the firewall, and whether a VPN is needed.',
      }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return {
        cause: `This machine has no way to ${host} (${code}).`,
        next: 'Check the network and the VPN. If the host has only IPv6 addresses, this machine needs IPv6.',
      }
    case 'EINVAL':
      return {
        cause: `${host} is an address of a link, which leads nowhere without the interface that the link is at.`,
        next: 'Say which one it is: ws://[fe80::1%25eth0]:8080.',
      }
    case 'EACCES':
      return {
        cause: `This machine does not let this process connect to ${host}:${port}.`,
        next: 'Look at its firewall, at the sandbox or the container, and at SELinux.',
      }
    default:
      return {
        cause: `The TCP connection to ${host}:${port} failed${code === '' ? '' : ` (${code})`}.`,
        next: 'Check the host and the port, and what lies between: firewalls, VPN, load balancers.',
      }
  }
}

function upgradeDiagnosis(dial: FailedDial): Diagnosis {
  const { error, words } = dial
  if (error.status !== undefined) return statusDiagnosis(error.status, dial)
  if (/\\u\{15\}\\u\{3\}/.test(words)) {
    return { cause: 'The server speaks TLS on this port, and the URL does not.', next: 'Begin the URL with wss://.' }
  }
  if (/it is not HTTP/.test(words)) {
    return {
      cause: 'What listens on this port is no web server, or what it sent was damaged on its way.',
      next: 'Correct the port. What was sent tells what it is: SSH, SMTP and databases begin with their names.',
    }
  }
  if (/not a WebSocket handshake/.test(words)) {
    return {
      cause: 'The server, or a gateway before it, answers the upgrade in a way that no WebSocket may be opened by.',
      next: 'Let the gateway pass the headers Upgrade, Connection and Sec-WebSocket-*, and use HTTP/1.1 towards the server.',
    }
  }
  return {
    cause: 'The connection was ended while the upgrade was under way: the server, or something between, dropped it.',
    next: 'Look at the log of the server; check that gateways and firewalls between let WebSockets pass.',
  }
}

function statusDiagnosis(status: number, { error, host }: FailedDial): Diagnosis {
  if (status >= 300 && status < 400) {
    return {
      cause: `The server sends the client elsewhere, and a client with a key never follows.${portal(error)}`,
      next: `If ${error.location ?? 'that place'} is right, give it as the URL.`,
    }
  }
  if (status === 511) {
    return {
      cause: 'The network wants you to sign in before it lets anything through.',
      next: 'Open any page in a browser and sign in there, then try again.',
    }
  }
  if (status === 426) {
    return {
      cause:
        'What answers asks for an upgrade, as if none had been asked for: a gateway before the server does not pass it on.',
      next: 'nginx needs "proxy_http_version 1.1" and the headers Upgrade and Connection; or the path is that of something else.',
    }
  }
  if (status === 401 || status === 403) {
    return {
      cause:
        'The server, or a gateway before it, refuses the client before the WebSocket is open. The API key is sent only after that.',
      next: 'Ask its operator which header, cookie or network it asks for. A test server refuses names and pages that it does not know.',
    }
  }
  if (status === 429)
    return { cause: 'The server has had too many connections from here.', next: 'Wait, then try again.' }
  if (status >= 500) {
    return {
      cause: `A web server answers at ${host}, but the platform behind it does not work, or is starting.`,
      next: 'Wait, then try again; ask its operator. The pages below may say more.',
    }
  }
  if (status < 300) {
    return {
      cause: `A web server answers, but this path of it is no WebSocket.${portal(error)}`,
      next: 'Correct the path of the URL: that of the platform is /mcp-ws.',
    }
  }
  return {
    cause: 'A web server answers, but does not take WebSockets at this path.',
    next: 'Correct the path of the URL: that of the platform is /mcp-ws. A gateway must let the header Upgrade pass.',
  }
}

/** What intercepts connections in hotels and trains. */
function portal({ body, location }: MCPError): string {
  const isLogin = /log.?in|sign.?in|portal/i.test(`${body ?? ''} ${location ?? ''}`)
  return isLogin ? ' It looks like a page to log in to, as those of guest networks and of company gateways.' : ''
}

const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'])
