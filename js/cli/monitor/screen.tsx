/** The screen of the monitor. */
import ansiEscapes from 'ansi-escapes'
import chalk from 'chalk'
import { Box, render, Text, useApp, useInput, useStdout } from 'ink'
import { Fragment, useEffect, useState, type ReactNode } from 'react'
import type { ConnectionState, MCPClient } from '../../index.js'
import { shownBytes, shownCount, shownMs, shownSpan } from '../numbers.js'
import { toldToStop } from '../signals.js'
import { oneLine } from '../text.js'
import type { History, Moment } from './history.js'
import { sparkline } from './sparkline.js'

/** Shows it until the user quits, or a signal asks the process to stop. */
export async function showScreen(client: MCPClient, history: History, every: number): Promise<void> {
  // Ink's own look at the environment does not include NO_COLOR.
  if (!process.stdout.hasColors()) chalk.level = 0
  const { told, end } = toldToStop()
  process.stdout.write(ansiEscapes.enterAlternativeScreen)
  try {
    const screen = <Screen client={client} history={history} every={Math.min(every, REFRESHED_EVERY_MS)} />
    const { waitUntilExit, unmount } = render(screen, { patchConsole: false })
    void told.then(() => unmount())
    await waitUntilExit()
  } finally {
    process.stdout.write(ansiEscapes.exitAlternativeScreen)
    end()
  }
}

interface ScreenProps {
  readonly client: MCPClient
  readonly history: History
  readonly every: number
}

function Screen({ client, history, every }: ScreenProps): ReactNode {
  const { exit } = useApp()
  const { columns, rows } = useSize()
  const moment = useMoment(client, history, every)
  useInput((input) => {
    if (input === 'q') exit()
    if (input === 'r') void client.reconnect()
    if (input === 'p') history.ping()
  })
  // One row less than there are: Ink clears the whole screen for each change of an output that fills it.
  const height = rows - 1
  const room = height - HEADING_ROWS - KEYS_ROWS
  const numbers = mostImportant(rowsOf(moment, columns), Math.max(room - EVENT_ROWS, Math.min(room, LEAST_NUMBERS)))
  const events = Math.max(room - numbers.length - 1, 0)
  return (
    <Box flexDirection="column" width={columns} height={height}>
      <Heading moment={moment} />
      {numbers.map(({ name, value }) => (
        <Line key={name}>
          <Text dimColor>{name.padEnd(NAMES)}</Text>
          {value}
        </Line>
      ))}
      {events > 0 && <Line> </Line>}
      <Box flexDirection="column" flexGrow={1}>
        {moment.happenings.slice(0, events).map(({ number, at, words }) => (
          <Line key={number}>
            <Text dimColor>{clock(at)}</Text> {oneLine(words)}
          </Line>
        ))}
      </Box>
      <Keys isNarrow={columns < WIDTH_OF_KEYS} />
    </Box>
  )
}

function Heading({ moment }: { readonly moment: Moment }): ReactNode {
  const { snapshot, since } = moment
  const { state, url, error } = snapshot
  return (
    <>
      <Line>
        <Text bold>{oneLine(url)}</Text>
      </Line>
      <Line>
        <Text bold color={COLOURS[state]}>
          {`● ${state}`}
        </Text>
        {` for ${shownSpan(Date.now() - since)}, since ${clock(since)}`}
      </Line>
      <Line>
        <Text color="red">{error === null || state === 'ready' ? ' ' : oneLine(error.message)}</Text>
      </Line>
    </>
  )
}

interface NumbersRow {
  readonly name: string
  readonly value: ReactNode
  /** 1 is the most important one: it stays where there is room for one row only. */
  readonly rank: number
}

function rowsOf({ stats, roundTrips, rates, errors }: Moment, columns: number): readonly NumbersRow[] {
  const { last, min, mean, max } = stats.heartbeatRtt
  const { p50, p90, p99 } = stats.requestLatency
  const { calls, bytesSent, bytesReceived } = rates
  const counts = errors.map(([code, count]) => `${shownCount(count)} ${code}`)
  const line = sparkline(roundTrips, Math.min(columns - NAMES - 8, LONGEST_LINE))
  const [pending, queued] = [shownCount(stats.pending), shownCount(stats.queued)]
  return [
    { name: 'RTT', rank: 1, value: `${ms(last).padEnd(7)} ${line}` },
    { name: '', rank: 5, value: `min ${ms(min)}  mean ${ms(mean)}  max ${ms(max)}` },
    { name: 'Calls', rank: 2, value: `${calls.toFixed(1)}/s  in flight ${pending}  queued ${queued}` },
    {
      name: 'Latency',
      rank: 4,
      value: `p50 ${ms(p50)}  p90 ${ms(p90)}  p99 ${ms(p99)}  max ${ms(stats.requestLatency.max)}`,
    },
    { name: 'Traffic', rank: 7, value: `↑ ${shownBytes(bytesSent)}/s  ↓ ${shownBytes(bytesReceived)}/s` },
    { name: 'Outages', rank: 6, value: `${shownCount(stats.reconnects)} survived` },
    { name: 'Errors', rank: 3, value: counts.length === 0 ? 'none' : <Text color="red">{counts.join('  ')}</Text> },
  ]
}

function mostImportant(rows: readonly NumbersRow[], count: number): readonly NumbersRow[] {
  return rows.filter(({ rank }) => rank <= count)
}

function Keys({ isNarrow }: { readonly isNarrow: boolean }): ReactNode {
  const keys = [
    ['r', 'reconnect'],
    ['p', 'ping'],
    ['q', 'quit'],
  ] as const
  return (
    <Line>
      {keys.map(([key, words]) => (
        <Fragment key={key}>
          <Text bold inverse>
            {isNarrow ? key : ` ${key} `}
          </Text>
          {isNarrow ? `:${words} ` : ` ${words}  `}
        </Fragment>
      ))}
    </Line>
  )
}

/** What does not fit is cut off. */
function Line({ children }: { readonly children: ReactNode }): ReactNode {
  return <Text wrap="truncate">{children}</Text>
}

/** Anew each second, and at once when the state changes. */
function useMoment(client: MCPClient, history: History, every: number): Moment {
  const [moment, setMoment] = useState(() => history.moment())
  useEffect(() => {
    const update = () => setMoment(history.moment())
    const timer = setInterval(update, every)
    client.on('state', update)
    return () => {
      clearInterval(timer)
      client.off('state', update)
    }
  }, [client, history, every])
  return moment
}

/** Follows the window. */
function useSize(): { readonly columns: number; readonly rows: number } {
  const { stdout } = useStdout()
  const sizeNow = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  const [size, setSize] = useState(sizeNow)
  useEffect(() => {
    const update = () => setSize(sizeNow())
    stdout.on('resize', update)
    return () => void stdout.off('resize', update)
  })
  return size
}

function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}

function ms(value: number | null): string {
  return value === null ? '–' : shownMs(value)
}

const COLOURS: Readonly<Record<ConnectionState, string>> = {
  idle: 'gray',
  connecting: 'yellow',
  authenticating: 'yellow',
  ready: 'green',
  unauthorized: 'red',
  reconnecting: 'yellow',
  closing: 'gray',
  closed: 'gray',
  failed: 'red',
}

/** Columns of the names of the rows. */
const NAMES = 9

const HEADING_ROWS = 3
const KEYS_ROWS = 1

/** Rows of events that come before the less important numbers. */
const EVENT_ROWS = 5
/** These numbers come before all events. */
const LEAST_NUMBERS = 4

/** Columns. */
const LONGEST_LINE = 60
const WIDTH_OF_KEYS = 36

/** Times are in seconds. */
const REFRESHED_EVERY_MS = 1_000
