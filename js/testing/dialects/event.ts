/**
 * The dialect of the event servers: `{ event, data }` from the server, `{ type, … }` from the client, and no
 * authentication; see PROTOCOL.md.
 */
import { randomUUID } from 'node:crypto'
import type { Connection } from '../connection.js'
import { answer, isObject, isRequestId, parseFrame, type Dialect, type DialectHost } from './dialect.js'

export const event: Dialect = { pingInterval: 30_000, saysGoodbye: false, greet, receive }

function greet(connection: Connection, host: DialectHost): void {
  // There is no authentication in this dialect.
  connection.authenticated = true
  send(connection, 'connection', {
    clientId: randomUUID(),
    timestamp: Date.now(),
    message: 'Connected to the MCP server',
  })
  send(connection, 'schemas', host.schemas())
}

function receive(text: string, connection: Connection, host: DialectHost): void {
  const parsed = parseFrame(text)
  if (!parsed) {
    fail(connection, 'The message is not JSON')
    return
  }
  const frame = parsed.value
  if (!isObject(frame)) return
  if (frame.type === 'ping') pong(connection, host)
  else if (frame.type === 'mcp_request') call(frame.request, connection, host)
  // Other frames, those of the guide for example, are silently ignored, as the platform's server does.
}

function pong(connection: Connection, host: DialectHost): void {
  if (host.answersPings()) connection.send({ event: 'pong', timestamp: Date.now() })
}

function call(body: unknown, connection: Connection, host: DialectHost): void {
  if (!isObject(body)) {
    fail(connection, 'An mcp_request needs a "request" with "id", "name" and "parameters"')
    return
  }
  const id = isRequestId(body.id) ? body.id : randomUUID()
  const { name, parameters } = body
  if (typeof name !== 'string') {
    fail(connection, 'An mcp_request needs a "name", the name of the tool', id)
    return
  }
  const request = host.record(id, name, parameters, connection)
  if (parameters === undefined || parameters === null) {
    fail(connection, `${name}: an mcp_request needs "parameters"; send {} where there are none`, id)
    return
  }
  if (!host.toolbox.has(name)) {
    fail(connection, host.toolbox.unknownTool(name).message, id)
    return
  }
  void answer(request, connection, host.toolbox, (outcome) => ({ event: 'response', data: { id, ...outcome } }))
}

function fail(connection: Connection, message: string, requestId?: string | number): void {
  send(connection, 'error', { message, requestId })
}

function send(connection: Connection, event: string, data: unknown): void {
  connection.send({ event, data })
}
