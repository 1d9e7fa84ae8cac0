/** `mcp-client doctor --replay`: whether the rules decide the same again as in a flight record. */
import type { ReplayReport } from '../../../client/replay.js'
import { ReportedFailure, UsageError } from '../../failures.js'
import { oneLine, printableJson } from '../../text.js'
import { recordsIn, type FlightRecord, type RecordedEvent } from './records.js'
import { wordsOfEvent } from './words.js'

/**
 * @throws UsageError if the file holds no record; Error if one cannot be replayed; ReportedFailure if the rules decide
 * otherwise
 */
export async function replayFile(path: string, json: boolean): Promise<void> {
  const records = await recordsIn(path)
  const reports = []
  for (const { text, record } of records) reports.push({ record, report: await replayed(text, path) })
  if (json) {
    const told = reports.map(({ record: { client, url, version }, report }) => ({ client, url, version, ...report }))
    process.stdout.write(`${printableJson(JSON.stringify(told))}\n`)
  } else {
    for (const { record, report } of reports) print(record, report)
  }
  if (reports.some(({ report }) => report.difference !== null)) throw new ReportedFailure()
}

async function replayed(text: string, path: string): Promise<ReplayReport> {
  // The binary is loaded only for this.
  const { replay } = await import('../../../client/replay.js')
  try {
    return replay(text)
  } catch (error) {
    const message = `${path}: ${(error as Error).message}`
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(message) : new Error(message)
  }
}

function print({ client, url }: FlightRecord, { events, inputs, difference }: ReplayReport): void {
  const write = (line: string) => process.stdout.write(`${oneLine(line)}\n`)
  const what = `Client ${client} of ${url}: ${events} events, of which ${inputs} were given to the rules again.`
  if (difference === null) return void write(`${what} They decide the same.`)
  const { event, recorded, rules } = difference
  write(`${what} They decide otherwise at event ${event}.`)
  process.stdout.write(`  recorded: ${shown(recorded)}\n  now:      ${shown(rules)}\n`)
}

/** In words, and as it is: the words may be the same for two events. */
function shown(event: unknown): string {
  if (event === null) return 'nothing'
  const words = wordsOfEvent(event as RecordedEvent)
  return oneLine(`${words === undefined ? '' : `${words}, `}${JSON.stringify(event)}`)
}
