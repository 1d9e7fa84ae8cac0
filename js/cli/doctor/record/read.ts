/** `mcp-client doctor --read`: a flight record in words. */
import { shownMs, shownSpan } from '../../numbers.js'
import { oneLine, printableJson } from '../../text.js'
import { recordsIn, type FlightRecord, type RecordedEvent } from './records.js'
import { wordsOfEvent } from './words.js'

/** What a record tells. */
export interface Story {
  readonly client: number
  readonly url: string
  readonly version: string
  /** The states passed through, the one at the beginning first. */
  readonly states: readonly string[]
  /** What went wrong, and how often. */
  readonly troubles: Readonly<Record<string, number>>
  readonly events: readonly { readonly at: string; readonly words: string }[]
}

/** @throws UsageError if the file holds no record */
export async function read(path: string, json: boolean): Promise<void> {
  const records = await recordsIn(path)
  const stories = records.map(({ record }) => storyOf(record))
  if (json) process.stdout.write(`${printableJson(JSON.stringify(stories))}\n`)
  else for (const [index, { record }] of records.entries()) print(record, stories[index]!)
}

function storyOf({ client, url, version, start, events }: FlightRecord): Story {
  const changes = events.filter(({ kind }) => kind === 'state')
  const first = changes[0]?.previous ?? start.state
  const states = [first, ...changes.map(({ state }) => state)].filter((state) => typeof state === 'string')
  const told = events.flatMap((event) => {
    const words = wordsOfEvent(event)
    return words === undefined ? [] : [{ at: new Date(event.at).toISOString(), words }]
  })
  return { client, url, version, states, troubles: troublesOf(events), events: told }
}

function troublesOf(events: readonly RecordedEvent[]): Record<string, number> {
  const troubles: Record<string, number> = {}
  for (const event of events) {
    const trouble = troubleOf(event)
    const count = typeof event.count === 'number' && event.kind === 'settled' ? event.count : 1
    if (trouble !== undefined) troubles[trouble] = (troubles[trouble] ?? 0) + count
  }
  return troubles
}

function troubleOf(event: RecordedEvent): string | undefined {
  switch (event.kind) {
    case 'closed':
      return event.code === 1000 && event.clean === true ? undefined : wordsOfEvent(event)
    case 'dialFailed':
    case 'bug':
    case 'clocks':
    case 'network':
    case 'paused':
      return event.paused === false ? undefined : wordsOfEvent(event)
    case 'received':
      return /refused|notjson|error/i.test(String(event.frame)) || event.outcome === 'late'
        ? wordsOfEvent({ at: 0, kind: 'received', frame: event.frame, outcome: event.outcome })
        : undefined
    case 'timeout':
      // A page's client does not tell which one.
      return [undefined, 'race', 'renewal', 'ping', 'retry'].includes(event.timer as string | undefined)
        ? undefined
        : wordsOfEvent(event)
    case 'settled':
      return event.code ? `Calls or commands failed with ${event.code}` : undefined
    default:
      return undefined
  }
}

function print({ events }: FlightRecord, { client, url, version, states, troubles, events: told }: Story): void {
  const write = (line: string) => process.stdout.write(`${oneLine(line)}\n`)
  write(`Client ${client} of ${url}, made by version ${version}`)
  const [first, last] = [events[0], events.at(-1)]
  if (first === undefined || last === undefined) return void write('The record has no events.')
  write(`${events.length} events in ${shownSpan(last.at - first.at)}, from ${clock(first.at)} to ${clock(last.at)}`)
  write(`States: ${states.join(' → ')}`)
  process.stdout.write('\n')
  let before = first.at
  for (const { at, words } of told) {
    const time = Date.parse(at)
    process.stdout.write(`${clock(time)} ${gap(time - before).padStart(9)}  ${oneLine(words)}\n`)
    before = time
  }
  process.stdout.write('\n')
  const counts = Object.entries(troubles)
  write(counts.length === 0 ? 'Nothing went wrong in it.' : 'What went wrong:')
  for (const [trouble, count] of counts) process.stdout.write(`${String(count).padStart(6)} × ${oneLine(trouble)}\n`)
  process.stdout.write('\n')
}

/** The time since the line before, if it is worth a look. */
function gap(ms: number): string {
  return ms >= 100 ? `+${shownMs(ms)}` : ''
}

function clock(at: number): string {
  const date = new Date(at)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
