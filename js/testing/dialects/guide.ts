/** The dialect of the integration guide: `auth` first, then `{ id, name, parameters }`; see PROTOCOL.md. */
import type { Connection } from '../connection.js'
import { answer, isObject, isRequestId, parseFrame, type Dialect, type DialectHost } from './dialect.js'

export const guide: Dialect = { pingInterval: 0, saysGoodbye: true, greet: () => {}, receive }

type Frame = Readonly<Record<string, unknown>>

function receive(text: string, connection: Connection, host: DialectHost): void {
  const parsed = parseFrame(text)
  if (!parsed) {
    connection.send({ error: { message: 'The message is not JSON', code: 'BAD_MESSAGE' } })
    return
  }
  const frame = parsed.value
  if (!isObject(frame)) return
  if (frame.id === 'auth') authenticate(frame, connection, host)
  else if (frame.messageType === 'ping') pong(connection, host)
  else if ('id' in frame || 'name' in frame) call(frame, connection, host)
  // Anything else is a message of the application: listeners have seen it, and it needs no answer.
}

function authenticate(frame: Frame, connection: Connection, host: DialectHost): void {
  const token = frame.token
  connection.authenticated = typeof token === 'string' && host.accepts(token)
  // A client that is refused keeps its connection and may try another token.
  connection.send(
    connection.authenticated ? { id: 'auth', success: true } : { id: 'auth', success: false, error: refusal(token) },
  )
}

function refusal(token: unknown): object {
  if (typeof token !== 'string' || token === '') {
    return { message: 'The token is missing: send {"id":"auth","token":"your-api-key"}', code: 'BAD_TOKEN' }
  }
  return { message: 'The token is not known to this server', code: 'BAD_TOKEN' }
}

function pong(connection: Connection, host: DialectHost): void {
  if (host.answersPings()) connection.send({ messageType: 'pong', timestamp: Date.now() })
}

function call(frame: Frame, connection: Connection, host: DialectHost): void {
  const { id, name, parameters } = frame
  if (!isRequestId(id)) {
    connection.send({
      error: { message: 'A tool request needs an "id", a string that its answer will have', code: 'BAD_REQUEST' },
    })
    return
  }
  const refuse = (message: string, code: string) => connection.send({ id, error: { message, code } })
  if (typeof name !== 'string') {
    refuse('A tool request needs a "name", the name of the tool', 'BAD_REQUEST')
    return
  }
  const request = host.record(id, name, parameters, connection)
  if (!connection.authenticated) {
    refuse('Not authenticated: send {"id":"auth","token":"your-api-key"} first', 'NOT_AUTHENTICATED')
    return
  }
  void answer(request, connection, host.toolbox, (outcome) => ({ id, ...outcome }))
}
