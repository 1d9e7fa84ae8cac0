/** Hints for a connection that could not be made. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isLoopback } from '../shared/loopback.js'

/**
 * The remedy for a failure; `undefined` if it would be a guess.
 * @param words - everything that is known about the failure
 */
export async function hintFor(words: string, url: URL): Promise<string | undefined> {
  if (/\bECONNREFUSED\b/.test(words)) {
    return isLoopback(url.hostname) ? '"mcp-client serve" starts a server' : undefined
  }
  return await otherScheme(words, url)
}

/** The remedy if the server speaks the other scheme on this port. */
export async function otherScheme(words: string, url: URL): Promise<string | undefined> {
  const [, status] = /\bHTTP (\d{3})\b/.exec(words) ?? []
  // Other statuses come from a server that has understood the request.
  if (status !== undefined && !/^(3..|400)$/.test(status)) return undefined
  const other = new URL(url)
  other.protocol = url.protocol === 'wss:' ? 'ws:' : 'wss:'
  if (!(await isRight(other))) return undefined
  return `the server speaks ${other.protocol}//: try ${other.protocol}//${other.host}${other.pathname}`
}

/** Whether the server speaks this scheme. Nothing that could be a secret is sent. */
async function isRight(url: URL): Promise<boolean> {
  const wss = new URL(url)
  wss.protocol = 'wss:'
  if (url.protocol === 'wss:') return await speaksTls(wss)
  // A server that needs TLS may answer in plain HTTP to say so.
  return !(await speaksTls(wss)) && (await speaksHttp(url))
}

function speaksTls(url: URL): Promise<boolean> {
  const { host, port } = addressOf(url, 443)
  const socket = connectTls({ host, port, rejectUnauthorized: false, ...(/[a-z]/i.test(host) && { servername: host }) })
  return settled(socket, (resolve) => socket.once('secureConnect', () => resolve(true)))
}

function speaksHttp(url: URL): Promise<boolean> {
  const socket = connectTcp(addressOf(url, 80))
  socket.once('connect', () => socket.write(`HEAD / HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`))
  return settled(socket, (resolve) => socket.once('data', (bytes) => resolve(/^HTTP\/1/.test(String(bytes)))))
}

function addressOf(url: URL, defaultPort: number): { host: string; port: number } {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || defaultPort) }
}

/** False also if the socket fails, or stays silent for too long. */
async function settled(socket: Socket, listen: (resolve: (answer: boolean) => void) => void): Promise<boolean> {
  const answer = await new Promise<boolean>((resolve) => {
    listen(resolve)
    for (const event of ['error', 'close', 'timeout']) socket.on(event, () => resolve(false))
    socket.setTimeout(PATIENCE_MS)
  })
  socket.destroy()
  return answer
}

/** Short, because the user already waits for an error message. */
const PATIENCE_MS = 2_000
