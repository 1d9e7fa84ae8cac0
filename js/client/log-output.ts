/**
 * Writes the log of all clients to standard error, because the environment asks for it. Loaded only then. That nothing
 * in an entry begins another line or controls a terminal is the core's work.
 */
import { stderr } from 'node:process'
import type { LogEntry } from '../shared/types.js'

type Level = LogEntry['level']

/** How the environment asks for it. */
export interface LogSettings {
  /** `MCP_CLIENT_LOG`; `undefined` if `NODE_DEBUG` asks for it. */
  readonly level: string | undefined
  /** `MCP_CLIENT_LOG_FORMAT`. */
  readonly format: string | undefined
}

/**
 * A function that writes an entry as one line, if it is loud enough. Values that are none of those that a variable may
 * have are reported, once, and stand for the quietest that still says something.
 */
export function logOutput({ level = 'debug', format = 'text' }: LogSettings): (entry: LogEntry) => void {
  const limit = LEVELS.indexOf(known('MCP_CLIENT_LOG', level.toLowerCase(), LEVELS, 'warn'))
  const write = known('MCP_CLIENT_LOG_FORMAT', format.toLowerCase(), FORMATS, 'text') === 'json' ? jsonLine : textLine
  return (entry) => {
    if (LEVELS.indexOf(entry.level) <= limit) print(write(new Date(now()).toISOString(), entry))
  }
}

function known<T extends string>(variable: string, value: string, values: readonly T[], otherwise: T): T {
  const found = values.find((one) => one === value)
  if (found === undefined)
    print(
      `mcp-client: ${variable} is ${JSON.stringify(value)}, which is none of ${values.join(', ')}: using ${otherwise}`,
    )
  return found ?? otherwise
}

function jsonLine(time: string, { level, message, fields }: LogEntry): string {
  const { client, connection, ...rest } = fields
  return JSON.stringify({ time, level, client, connection, message, ...rest })
}

function textLine(time: string, { level, message, fields }: LogEntry): string {
  const { client, connection, ...rest } = fields
  const shown = Object.entries(rest).map(([name, value]) => ` ${name}=${wordOf(String(value))}`)
  return `${time} mcp-client ${level} client=${client} connection=${connection} ${message}:${shown.join('')}`
}

function wordOf(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}

/** If nobody reads standard error any more, no more is written: a log must not end the program. */
function print(line: string): void {
  if (isGone) return
  if (pending++ === 0) stderr.on('error', ignore)
  stderr.write(`${line}\n`, (error) => {
    // It is an event too, and that is still to come.
    if (error) isGone = true
    if (--pending === 0 && !isGone) stderr.off('error', ignore)
  })
}

function ignore(): void {}

/** Lines on their way. */
let pending = 0
let isGone = false
/** Taken early: fake timers replace it. */
const { now } = Date
const LEVELS = ['off', 'error', 'warn', 'info', 'debug'] satisfies ('off' | Level)[]
const FORMATS = ['text', 'json'] as const
