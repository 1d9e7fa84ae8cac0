/** What the server says of itself: on standard error, and to whoever listens, as hosts may with MCP logging. */
import { oneLine } from '../text.js'

/** As MCP names them. */
export type Level = 'info' | 'warning' | 'error'

export class Log {
  readonly #listeners = new Set<(level: Level, message: string) => void>()

  write(level: Level, message: string): void {
    const line = oneLine(message)
    process.stderr.write(`mcp-client: ${line}\n`)
    for (const listener of this.#listeners) listener(level, line)
  }

  /** Returns what ends it. */
  listen(listener: (level: Level, message: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
