/** What the server says of itself: on standard error, and to whoever listens, as hosts may with MCP logging. */
import { oneLine } from '../text.js'

/** As MCP names them. */
export type Level = 'debug' | 'info' | 'warning' | 'error'

export class Log {
  readonly #listeners = new Set<(level: Level, message: string) => void>()

  /** At 'debug' nothing is printed: only hosts that ask for it are told. */
  write(level: Level, message: string): void {
    const line = oneLine(message)
    if (level !== 'debug') process.stderr.write(`mcp-client: ${line}\n`)
    for (const listener of this.#listeners) listener(level, line)
  }

  /** Returns what ends it. */
  listen(listener: (level: Level, message: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
