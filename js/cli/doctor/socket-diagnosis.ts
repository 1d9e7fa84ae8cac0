/** Why an open WebSocket is of no use: the server refused the key, said nothing that is understood, or is gone. */
import type { CloseInfo, MCPError } from '../../index.js'
import type { Diagnosis } from './diagnosis.js'

/** What is known of a connection that has failed after it was open. */
export interface FailedSocket {
  readonly error: MCPError
  /** How the socket ended, if it has. */
  readonly close: CloseInfo | null
  /** The first thing that the server sent, escaped and cut; `null` if it sent nothing. */
  readonly heard: string | null
  /** Where the key comes from. */
  readonly key: string
  /** The dialect was agreed on. */
  readonly isUnderstood: boolean
}

export function diagnoseSocket(socket: FailedSocket): Diagnosis {
  switch (socket.error.code) {
    case 'AUTH_FAILED':
      return refusedKey(socket)
    case 'AUTH_TIMEOUT':
      return notUnderstood(socket)
    case 'MESSAGE_TOO_LARGE':
      return { cause: 'A message is larger than the client allows.', next: 'Raise maxMessageSize in the program.' }
    default:
      return socket.close === null ? brokenOff() : closed(socket.close, socket)
  }
}

/** The answer to the auth message is that message. */
export function isEcho(heard: string | null): boolean {
  return heard?.startsWith('"{\\"id\\":\\"auth\\",\\"token\\"') === true
}

function refusedKey({ key, heard }: FailedSocket): Diagnosis {
  if (isEcho(heard)) {
    return {
      cause: `The server sends each message back, as servers for trying WebSockets do. It sent: ${heard}`,
      next: 'Check host, port and path: this is no server of the platform.',
    }
  }
  return {
    cause: `The server speaks the guide's dialect and refuses the key, ${key}.`,
    next:
      key === "'anonymous'"
        ? 'Give a key: MCP_API_KEY in the environment, or --api-key.'
        : 'Check that the key is whole, belongs to this server, and has not expired.',
  }
}

function notUnderstood({ heard }: FailedSocket): Diagnosis {
  if (heard === null) {
    return {
      cause: 'A WebSocket server took the connection, and has said nothing: it speaks another protocol, or hangs.',
      next: 'Check host, port and path. This is no client for MCP servers that speak JSON-RPC; a longer --timeout shows whether it is only slow.',
    }
  }
  return {
    cause: `The server speaks neither dialect of the platform. It sent: ${heard}`,
    next: 'Check host, port and path. This is no client for MCP servers that speak JSON-RPC.',
  }
}

function brokenOff(): Diagnosis {
  return {
    cause: 'The connection is gone.',
    next: 'Run it again; look at the log of the server.',
  }
}

function closed({ code, reason }: CloseInfo, { heard, isUnderstood }: FailedSocket): Diagnosis {
  if (reason === 'heartbeat timeout') {
    return {
      cause:
        'The connection is open, but nothing comes through it any more: the network, a firewall or the server has frozen.',
      next: 'Run it again. If it happens after a time of silence, something between forgets idle connections: lower heartbeatInterval.',
    }
  }
  const known = BY_CLOSE_CODE[code]
  if (known !== undefined) return known
  const said = heard === null || isUnderstood ? '' : ` Before, it sent: ${heard}`
  return {
    cause: `The server closed the connection with its own code ${code}.${said}`,
    next: `Ask its operator what ${code} means.`,
  }
}

const DAMAGED: Diagnosis = {
  cause: 'What the server sent breaks the rules of WebSockets: it was damaged on its way, or the server has a fault.',
  next: 'Look for what changes the bytes between: a faulty proxy, VPN or network adapter. With wss:// damage shows at once.',
}

const NOT_WELL: Diagnosis = {
  cause: 'The server, or what is before it, has an internal error.',
  next: 'Wait, then try again; look at the log of the server.',
}

const LATER: Diagnosis = {
  cause: 'The server is being restarted, or has too much to do.',
  next: 'Wait, then try again: a client does so by itself.',
}

const BY_CLOSE_CODE: Readonly<Record<number, Diagnosis>> = {
  1000: {
    cause: 'The server ended the connection as if all were done.',
    next: 'Ask its operator why: a client does not come back after that code by itself.',
  },
  1001: LATER,
  1002: DAMAGED,
  1003: {
    cause: 'The server does not take what the client sends: it speaks another protocol.',
    next: 'Check host, port and path.',
  },
  1006: {
    cause: 'The connection was cut without a word: the server crashed, or something between drops connections.',
    next: 'Look at the log of the server; check that gateways and firewalls between let WebSockets stay open.',
  },
  1007: DAMAGED,
  1008: {
    cause: 'The server closed for a breach of its policy: the key, the network, or a limit on connections.',
    next: 'Check the key; ask the operator of the server.',
  },
  1009: {
    cause: 'A message was too large for one side.',
    next: 'Raise maxMessageSize in the program, or ask for less.',
  },
  1011: NOT_WELL,
  1012: LATER,
  1013: LATER,
  1014: NOT_WELL,
}
