/**
 * Examines one endpoint with a client, step by step. What a step needs is asked of the client: it dials, authenticates,
 * pings and calls as it does in a program.
 */
import type { MCPClient, MCPClientOptions, MCPError } from '../../index.js'
import type { DialReport } from '../../shared/native-types.js'
import { createClient, wordsOf } from '../connection.js'
import { UsageError } from '../failures.js'
import { otherScheme } from '../hints.js'
import { diagnoseDial } from './dial-diagnosis.js'
import { stepsOfDial, type Failure } from './dial-steps.js'
import { environmentStep, sourceOfKey } from './environment.js'
import { observe, type Observed } from './observed.js'
import { pageSteps } from './pages.js'
import { PINGS, pingStep } from './pings.js'
import { diagnoseSocket, isEcho } from './socket-diagnosis.js'
import { failed, ok, warning, type Step } from './step.js'
import { toolStep, type ToolCall } from './tool.js'

/** What is examined, and how. */
export interface Examination {
  /** One endpoint. */
  readonly url: string
  /** That of the command line. */
  readonly apiKey: string | undefined
  readonly options: MCPClientOptions
  /** The tool to call, if one is to be called. */
  readonly call: ToolCall | undefined
  /** Gets the dial when it is over. */
  readonly tellDial: (dial: DialReport) => void
}

export async function* examine(examination: Examination): AsyncGenerator<Step> {
  const { url, apiKey, options } = examination
  let client: MCPClient
  try {
    const { connectTimeout } = options
    const heartbeat = { heartbeatInterval: PING_EVERY_MS, ...(connectTimeout && { heartbeatTimeout: connectTimeout }) }
    client = await createClient({ ...options, url, ...heartbeat })
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return yield notMade(error.message)
  }
  try {
    yield ok('url', client.snapshot.url)
    yield environmentStep(apiKey)
    yield* stepsWith(client, examination)
  } finally {
    await client.close()
  }
}

async function* stepsWith(client: MCPClient, examination: Examination): AsyncGenerator<Step> {
  const { options, apiKey, call, tellDial } = examination
  const seen = observe(client, apiKey ?? process.env.MCP_API_KEY)
  const error = await client.connect().then(
    () => null,
    (error: MCPError) => error,
  )
  const { dial, ask } = seen
  // Nothing was dialed only if something is wrong with the client itself.
  if (dial === null) throw error ?? new Error(NOT_TOLD)
  tellDial(dial)
  const isOpen = dial.error === null
  yield* stepsOfDial(dial, isOpen || error === null ? null : await dialFailure(error, client))
  for (const message of seen.warnings) yield warning('client', message, 'Correct it, or leave it if it is meant so.')
  if (isOpen) yield* afterOpening(seen, apiKey, error)
  if (error === null) yield await pingStep(client, seen, PINGS * PING_EVERY_MS + 2 * patienceOf(options))
  if (client.state === 'ready' && call !== undefined) yield await toolStep(client, call)
  if (ask !== null && hasAnswered(dial)) yield* pageSteps(ask, Math.min(patienceOf(options), PAGE_MS))
}

/** What the server makes of the client: which dialect it speaks, and whether it takes the key. */
function* afterOpening(seen: Observed, apiKey: string | undefined, error: MCPError | null): Generator<Step> {
  const { close, heard, isEventDialect, dialedAt } = seen
  const ms = performance.now() - dialedAt
  const isUnderstood = isEventDialect || error === null || (error.code === 'AUTH_FAILED' && !isEcho(heard))
  if (isUnderstood) yield ok('dialect', isEventDialect ? 'event' : 'guide')
  if (error === null) {
    return yield ok('key', isEventDialect ? 'none is asked for in this dialect' : 'the server accepts it', ms)
  }
  const diagnosis = diagnoseSocket({ error, close, heard, key: sourceOfKey(apiKey), isUnderstood })
  const step = error.code === 'AUTH_TIMEOUT' || isEcho(heard) ? 'dialect' : 'key'
  yield failed(step, wordsOf(error), diagnosis, ms)
}

async function dialFailure(error: MCPError, client: MCPClient): Promise<Failure> {
  const url = new URL(client.url)
  const { code, message } = (error.cause ?? {}) as Partial<NodeJS.ErrnoException>
  // What has a code is in the error's own words.
  const more = message === undefined || code !== undefined ? '' : `: ${message}`
  const found = error.message.replace(/^cannot connect to \S+: /, '') + more
  const diagnosis = diagnoseDial(error, url)
  // Probing without the proxy would say nothing of the way through it.
  const mayBeScheme = code !== 'ETIMEDOUT' && error.proxy === undefined && /^(tls|upgrade)$/.test(error.phase ?? '')
  const hint = mayBeScheme ? await otherScheme(found, url) : undefined
  return {
    found,
    phase: error.phase,
    ...diagnosis,
    ...(hint !== undefined && { cause: WRONG_SCHEME, next: `${hint}.` }),
  }
}

/** What has answered speaks HTTP, and so may have pages. */
function hasAnswered({ phases }: DialReport): boolean {
  return phases.some(({ upgrade }) => upgrade !== undefined)
}

function patienceOf({ connectTimeout }: MCPClientOptions): number {
  return connectTimeout ?? PATIENCE_MS
}

/** The options are wrong, so that no client could be made. */
function notMade(message: string): Step {
  const step = /^option "url"/.test(message) ? 'url' : /apiKey|API_KEY/.test(message) ? 'key' : 'environment'
  return failed(step, message, WRONG_OPTIONS[step])
}

const WRONG_SCHEME = 'The scheme of the URL is not the one that the server speaks on this port.'

const WRONG_OPTIONS = {
  url: {
    cause: 'What was given is no URL of a WebSocket server.',
    next: 'Give one such as wss://example.com/mcp-ws, or host:port.',
  },
  key: {
    cause: 'The key is empty, or holds the end of a line: most often that of the file that it was read from.',
    next: 'Take the key without it: MCP_API_KEY="$(cat key-file)" leaves it out.',
  },
  environment: {
    cause: 'A variable of the environment, or an option, has a value that cannot be used.',
    next: 'Correct the one that is named, or unset it.',
  },
}

/** Often enough to be done soon, seldom enough not to be in the way. */
const PING_EVERY_MS = 100

/** How long a page may take: it is worth a short wait only. */
const PAGE_MS = 3_000

/** The client's own default for a dial and for an answer to a ping. */
const PATIENCE_MS = 10_000

/** The portable client tells of none. */
const NOT_TOLD =
  'the client tells nothing of its dials, as is so where MCP_CLIENT_PORTABLE=1 has it do without a binary: ' +
  'examine the server from a platform that has one'
