/** What a client shows of its connection while it is examined. */
import type { CloseInfo, MCPClient } from '../../index.js'
import { DIALED, type AskForPage } from '../../shared/internals.js'
import type { DialReport } from '../../shared/native-types.js'
import { printableJson } from '../text.js'

export interface Observed {
  readonly dial: DialReport | null
  /** Asks the server for a page. */
  readonly ask: AskForPage | null
  /** The round-trip times of the pings so far, in ms. */
  readonly roundTrips: readonly number[]
  /** How the socket ended, if it has. */
  readonly close: CloseInfo | null
  /** The first thing that the server sent, in quotes, escaped and cut. */
  readonly heard: string | null
  readonly isEventDialect: boolean
  /** Warnings of the client that are no failure. */
  readonly warnings: readonly string[]
  /** When the dial was over, as `performance.now()` has it. */
  readonly dialedAt: number
}

/** @param key - left out of what the server sends: it may repeat what it was sent */
export function observe(client: MCPClient, key: string | undefined): Observed {
  const warnings: string[] = []
  const roundTrips: number[] = []
  const nothing = { dial: null, ask: null, close: null, heard: null, isEventDialect: false, dialedAt: 0 }
  const observed: { -readonly [K in keyof Observed]: Observed[K] } = { ...nothing, warnings, roundTrips }
  const dialing = client as unknown as {
    on(event: symbol, listener: (dial: DialReport, ask: AskForPage) => void): void
  }
  dialing.on(DIALED, (dial, ask) => Object.assign(observed, { dial, ask, dialedAt: performance.now() }))
  client.on('close', (info) => (observed.close = info))
  client.on('heartbeat', ({ rtt }) => roundTrips.push(rtt))
  client.on('log', ({ level, message, fields }) => {
    if (message === 'the server speaks the event dialect') observed.isEventDialect = true
    // Those with a cause tell of a failure, which is a step.
    if (level === 'warn' && fields.cause === undefined && fields.timeout === undefined) warnings.push(message)
  })
  client.on('error', ({ code, message }) => {
    if (code === 'BAD_MESSAGE' && message.includes('binary')) observed.heard ??= message
  })
  client.addEventListener('message', ({ data }) => (observed.heard ??= beginningOf(data, key)))
  return observed
}

function beginningOf(text: string, key: string | undefined): string {
  const bytes = Buffer.from(key ? withoutKey(text, key) : text)
  const beginning = bytes
    .subarray(0, MOST_BYTES)
    .toString()
    .replace(/\ufffd$/, '')
  return `${printableJson(JSON.stringify(beginning))}${bytes.length > MOST_BYTES ? '…' : ''}`
}

/** As it is, or as JSON has it. */
function withoutKey(text: string, key: string): string {
  return text.replaceAll(key, '[key]').replaceAll(JSON.stringify(key).slice(1, -1), '[key]')
}

const MOST_BYTES = 200
