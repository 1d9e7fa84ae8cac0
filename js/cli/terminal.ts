/** What a stream of this process can show. */
import { Chalk, type ChalkInstance } from 'chalk'

/** Colours for a stream, or none: it is no terminal, `NO_COLOR` is set, `TERM` is dumb. */
export function colours(stream: NodeJS.WriteStream): ChalkInstance {
  // Node.js looks at NO_COLOR and TERM. Sixteen colours are those that the user has chosen.
  return new Chalk({ level: stream.isTTY && stream.hasColors() ? 1 : 0 })
}

/** The columns of a terminal; `undefined` for anything else, and for one that does not know. */
export function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY && stream.columns > 0 ? stream.columns : undefined
}
