import { inspect } from 'node:util'

/** A value in an error message: on one line, and without characters that could steer a terminal. */
export function describe(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity })
}
