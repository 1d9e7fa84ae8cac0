/** `mcp-client watch`: what the server pushes goes to standard output, the fate of the connection to standard error. */
import type { MCPClient } from '../../index.js'
import { createClient, wordsOf } from '../connection.js'
import { ReportedFailure } from '../failures.js'
import { shownMs } from '../numbers.js'
import { clientOptions, type ServerOptions } from '../server-options.js'
import { toldToStop } from '../signals.js'
import { oneLine, printableJson } from '../text.js'

export interface WatchOptions extends ServerOptions {
  readonly all?: true
  readonly count?: number
}

export async function watch(server: string | undefined, options: WatchOptions): Promise<void> {
  const client = await createClient({ ...clientOptions(options, server), maxReconnectAttempts: Infinity })
  const { told, end } = toldToStop()
  report(client)
  const enough = print(client, options)
  const ended = endOf(client)
  client.connect().catch(() => {})
  const hasFailed = await Promise.race([ended, enough, told, brokenPipe()])
  end()
  await client.close()
  if (hasFailed === FAILED) throw new ReportedFailure()
}

/** Resolves when so many messages are printed as are wanted. */
function print(client: MCPClient, { all, count = Infinity }: WatchOptions): Promise<void> {
  return new Promise((resolve) => {
    let printed = 0
    client.addEventListener('message', ({ data }) => {
      if (printed >= count || !(all || isPush(data))) return
      printed += 1
      // Between values a line feed is white space; in a string it is not allowed.
      process.stdout.write(`${printableJson(data.replaceAll('\n', ' '))}\n`)
      if (printed >= count) resolve()
    })
  })
}

/** Neither part of the protocol nor text that is no JSON. */
function isPush(text: string): boolean {
  try {
    const { id, messageType, event } = (JSON.parse(text) ?? {}) as Record<string, unknown>
    return id !== 'auth' && messageType !== 'pong' && !GREETINGS.has(event)
  } catch {
    return false
  }
}

/** A line for each thing that happens to the connection. */
function report(client: MCPClient): void {
  const say = (text: string) => process.stderr.write(`${oneLine(text)}\n`)
  client
    .on('authenticated', () => say(`Connected to ${client.snapshot.url}`))
    .on('reconnecting', ({ delay }) => say(`${whyNot(client)}; next attempt in ${shownMs(delay)}`))
    .on('error', (error) => error.code === 'BAD_MESSAGE' && say(wordsOf(error)))
}

function whyNot({ error }: MCPClient): string {
  return error === null ? 'The connection was lost' : wordsOf(error)
}

/** Resolves when the client has given up, or the server has closed for good. */
function endOf(client: MCPClient): Promise<typeof FAILED | undefined> {
  return new Promise((resolve) => {
    client.on('state', ({ state, error }) => {
      if (state === 'closed') resolve(undefined)
      if (state !== 'failed' && state !== 'unauthorized') return
      process.stderr.write(`mcp-client: ${oneLine(wordsOf(error))}${error ? ` (${error.code})` : ''}\n`)
      resolve(FAILED)
    })
  })
}

/** Resolves when nobody reads the output any more. */
function brokenPipe(): Promise<void> {
  return new Promise((resolve) => process.stdout.once('error', () => resolve()))
}

const FAILED = Symbol('failed')

/** Events of the `event` dialect that come without anything having happened. */
const GREETINGS: ReadonlySet<unknown> = new Set(['connection', 'schemas', 'pong'])
