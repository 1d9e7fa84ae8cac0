/** What the two dialects share. A dialect defines the form and the meaning of frames; the server does the rest. */
import type { Connection } from '../connection.js'
import { wireError, type Outcome, type Toolbox } from '../toolbox.js'
import type { MCPTestRequest } from '../types.js'

export interface Dialect {
  /** Milliseconds between the server's protocol-level pings; 0 for none. */
  readonly pingInterval: number
  /** Whether a server that stops sends close frames. */
  readonly saysGoodbye: boolean
  /** Sends the first messages of the server. */
  greet(connection: Connection, host: DialectHost): void
  /** Handles one frame. Nothing that a client can send makes it throw. */
  receive(text: string, connection: Connection, host: DialectHost): void
}

/** What a dialect needs of the server. */
export interface DialectHost {
  readonly toolbox: Toolbox
  /** What clients of the event dialect are told of the tools. */
  schemas(): readonly unknown[]
  /** False while pings get no answer. */
  answersPings(): boolean
  accepts(token: string): boolean
  /** Records a tool request and emits its event. */
  record(id: string | number, name: string, parameters: unknown, connection: Connection): MCPTestRequest
}

/** `undefined` if the text is not JSON. */
export function parseFrame(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isRequestId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number'
}

/** Runs the tool and sends its outcome, in the form that `frame` gives it. */
export async function answer(
  request: MCPTestRequest,
  connection: Connection,
  toolbox: Toolbox,
  frame: (outcome: Outcome) => object,
): Promise<void> {
  const outcome = await toolbox.run(request, connection.signal)
  try {
    connection.send(frame(outcome))
  } catch (thrown) {
    // The results cannot be written as JSON: a BigInt, a circular reference, too deep a nesting.
    const { message } = wireError(thrown)
    connection.send(
      frame({ error: wireError(new Error(`${request.name}: the results cannot be sent as JSON: ${message}`)) }),
    )
  }
}
