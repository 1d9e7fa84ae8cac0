/** The log of `serve`: what clients do, one line each, for people or as JSON. */
import type { MCPTestConnection, MCPTestServer } from '../../testing.js'
import { oneLine, printableJson } from '../text.js'

/** Logs to standard output from now on. */
export function logRequests(server: MCPTestServer, json: boolean): void {
  const write = json ? writeJson : writeLine
  server
    .on('connection', (connection) =>
      write({ event: 'connection', connection: connection.id, client: clientOf(connection) }),
    )
    .on('request', ({ name, parameters, connection }) =>
      write({ event: 'request', connection: connection.id, tool: name, parameters }),
    )
    .on('close', ({ id, requestCount }, { code }) =>
      write({ event: 'close', connection: id, code, requests: requestCount }),
    )
}

/** Something that happened, and when. */
export function writeJson(entry: object): void {
  const line = JSON.stringify({ time: new Date().toISOString(), ...entry })
  process.stdout.write(`${printableJson(line)}\n`)
}

type Entry =
  | { event: 'connection'; connection: number; client: string }
  | { event: 'request'; connection: number; tool: string; parameters: unknown }
  | { event: 'close'; connection: number; code: number; requests: number }

function writeLine(entry: Entry): void {
  const time = new Date().toTimeString().slice(0, 8)
  process.stdout.write(`${time}  #${entry.connection}  ${oneLine(wordsOf(entry))}\n`)
}

function wordsOf(entry: Entry): string {
  switch (entry.event) {
    case 'connection':
      return `connected${entry.client === '' ? '' : `: ${entry.client}`}`
    case 'request':
      return `${entry.tool} ${shown(entry.parameters)}`
    case 'close':
      return `closed with ${entry.code} after ${entry.requests} requests`
  }
}

/** Parameters may be large. */
function shown(parameters: unknown): string {
  const json = JSON.stringify(parameters) ?? ''
  return json.length > MOST_CHARACTERS ? `${json.slice(0, MOST_CHARACTERS)}…` : json
}

/** A page says where it is from, other programs may say what they are. */
function clientOf({ headers }: MCPTestConnection): string {
  return headers.origin ?? headers['user-agent'] ?? ''
}

const MOST_CHARACTERS = 200
