/**
 * What the two dialects have in common. A dialect says how frames look and what they mean; the server does the rest.
 */
import type { Connection } from '../connection.js'
import { wireError, type Outcome, type Toolbox } from '../toolbox.js'
import type { MCPTestRequest } from '../types.js'

export interface Dialect {
  /** Milliseconds between the server's protocol-level pings; 0 for none. */
  readonly pingInterval: number
  /** Whether a server that stops says so with a close frame. */
  readonly saysGoodbye: boolean
  /** Sends what the server says first. */
  greet(connection: Connection, host: DialectHost): void
  /** Does what one frame asks for. Nothing that a client can send makes it throw. */
  receive(text: string, connection: Connection, host: DialectHost): void
}

/** The server, as far as a dialect sees it. */
export interface DialectHost {
  readonly toolbox: Toolbox
  /** False while pings are to be left without an answer. */
  answersPings(): boolean
  accepts(token: string): boolean
  /** Puts a tool request on record and tells the listeners. */
  record(id: string | number, name: string, parameters: unknown, connection: Connection): MCPTestRequest
}

/** `undefined` for text that is no JSON. */
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

/** Runs the tool and sends what `frame` makes of the outcome. */
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
    // The tool returned what JSON cannot say: a BigInt, a circle, a nesting too deep.
    const { message } = wireError(thrown)
    connection.send(
      frame({ error: wireError(new Error(`${request.name}: the results cannot be sent as JSON: ${message}`)) }),
    )
  }
}
