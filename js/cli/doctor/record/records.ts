/** Finds flight records in a file: that of `dump()`, or one a line, as a signal has them written to standard error. */
import { readFile, stat } from 'node:fs/promises'
import { UsageError } from '../../failures.js'

/** An event of a record, as it is. */
export interface RecordedEvent {
  /** Epoch ms. */
  readonly at: number
  readonly kind: string
  readonly [field: string]: unknown
}

/** What is read of a record. */
export interface FlightRecord {
  readonly version: string
  readonly client: number
  readonly url: string
  readonly options: Readonly<Record<string, unknown>>
  readonly start: Readonly<Record<string, unknown>>
  readonly events: readonly RecordedEvent[]
}

/** @throws UsageError that says why there is no record */
export async function recordsIn(
  path: string,
): Promise<readonly { readonly text: string; readonly record: FlightRecord }[]> {
  const text = await contentsOf(path)
  const whole = parsed(text)
  // A record that is alone may stand on several lines.
  if (whole !== undefined) return [{ text, record: checked(whole, path) }]
  const lines = text.split('\n').filter((line) => line.startsWith('{') && line.includes('"events"'))
  const found = lines.flatMap((line) => {
    const record = parsed(line)
    return record !== undefined && fault(record) === undefined ? [{ text: line, record: record as FlightRecord }] : []
  })
  if (found.length === 0) throw new UsageError(`${path} holds no flight record: it is not JSON, nor is a line of it`)
  return found
}

/** @throws UsageError */
export async function contentsOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > MOST_BYTES) throw new UsageError(`${path} has ${size} bytes: a flight record has at most ${MOST_BYTES}`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new UsageError(`there is no file ${path}`)
    if (code === 'EISDIR') throw new UsageError(`${path} is a folder, not a file`)
    throw new UsageError(`${path} cannot be read (${code})`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function checked(value: unknown, path: string): FlightRecord {
  const why = fault(value)
  if (why !== undefined) throw new UsageError(`${path} is no flight record: ${why}`)
  return value as FlightRecord
}

/** What is wrong with it, if anything is. */
function fault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no JSON object'
  const record = value as Partial<Record<keyof FlightRecord, unknown>>
  if (typeof record.version !== 'string') return 'its "version" is no string'
  if (typeof record.url !== 'string') return 'its "url" is no string'
  if (typeof record.client !== 'number') return 'its "client" is no number'
  for (const name of ['options', 'start'] as const)
    if (typeof record[name] !== 'object' || record[name] === null) return `its "${name}" is no object`
  if (!Array.isArray(record.events)) return 'its "events" are no array'
  const place = record.events.findIndex((event) => !isEvent(event))
  return place === -1 ? undefined : `event ${place} of it has no "kind" and no time "at"`
}

function isEvent(value: unknown): value is RecordedEvent {
  const { at, kind } = (value ?? {}) as Partial<RecordedEvent>
  return typeof at === 'number' && Number.isFinite(new Date(at).getTime()) && typeof kind === 'string'
}

/** Records are far smaller. */
const MOST_BYTES = 16 * 1024 * 1024
