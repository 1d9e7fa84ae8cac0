import { inspect } from 'node:util'

/** Formats a value for an error message: on one line, and without characters that control a terminal. */
export function describe(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity })
}
