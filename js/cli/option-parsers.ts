/** Checks values of options and arguments. Commander calls these before a command runs. */
import { InvalidArgumentError } from 'commander'

export function parsePort(text: string): number {
  const port = wholeNumber(text)
  if (port === undefined || port > 65_535) throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
  return port
}

export function parseMilliseconds(text: string): number {
  const ms = wholeNumber(text)
  if (ms === undefined || ms > MAX_TIMER_MS)
    throw new InvalidArgumentError(`It must be a whole number of milliseconds up to ${MAX_TIMER_MS}.`)
  return ms
}

/** Shorter ones would be a load test. */
export function parseInterval(text: string): number {
  const ms = wholeNumber(text)
  if (ms === undefined || ms < SHORTEST_INTERVAL_MS || ms > MAX_TIMER_MS)
    throw new InvalidArgumentError(`It must be a whole number of milliseconds from ${SHORTEST_INTERVAL_MS}.`)
  return ms
}

export function parseCount(text: string): number {
  const count = wholeNumber(text)
  if (count === undefined || count < 1 || count > MOST_TIMES)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_TIMES}.`)
  return count
}

export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.')
  return text
}

/** For options that may be repeated. */
export function parseTexts(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), parseText(text)]
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

const SHORTEST_INTERVAL_MS = 100

/** Of which the latencies fit into memory. */
const MOST_TIMES = 10_000_000

/** The longest delay of a timer in JavaScript, which is the client's limit too: 24 days. */
const MAX_TIMER_MS = 2_147_483_647
