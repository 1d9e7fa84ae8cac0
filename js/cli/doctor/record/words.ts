/** What the events of a flight record mean, in words. */
import { shownBytes, shownMs } from '../../numbers.js'
import type { RecordedEvent } from './records.js'

/** `undefined` for what only the rules need to know. An event of an unknown kind is shown as it is. */
export function wordsOfEvent(event: RecordedEvent): string | undefined {
  if (QUIET.has(event.kind)) return undefined
  return WORDS[event.kind]?.(event) ?? asItIs(event)
}

type Words = (event: RecordedEvent) => string

const WORDS: Readonly<Record<string, Words>> = {
  connect: () => 'The program called connect()',
  reconnect: () => 'The program called reconnect()',
  authenticate: ({ withKey }) => `The program called authenticate()${withKey ? ' with another key' : ''}`,
  close: ({ code, drain }) => `The program called close() with ${code}${drain ? `, draining for ${ms(drain)}` : ''}`,
  call: ({ id, size, outcome }) => `A tool was called${ofId(id)}${ofSize(size)}${outcomeOf(outcome)}`,
  toolRequest: ({ id, size, sent }) =>
    `sendToolRequest()${ofId(id)}${ofSize(size)}${sent === false ? ': not possible' : ''}`,
  tools: ({ id }) => `The program asked for the tools${ofId(id)}`,
  send: ({ frame, size, sent }) =>
    `The program sent a message${frame ? ` (${frame})` : ''}${ofSize(size)}${sent === false ? ': not possible' : ''}`,
  abort: ({ id, found }) => `A call was aborted${ofId(id)}${found === false ? ', too late' : ''}`,
  token: ({ key }) => `The key function answered${key ? `: ${key}` : ''}`,
  tokenFailed: () => 'The key function failed',
  urls: ({ given, urls }) =>
    given === false ? 'The url function failed' : `The url function answered${urls ? `: ${urls}` : ''}`,
  urlsFailed: () => 'The url function failed',
  via: ({ proxy }) => (proxy ? `The dial goes through the proxy ${proxy}` : 'The dial goes through no proxy'),
  phase: ({ phase }) => `The dial has reached: ${PHASES[String(phase)] ?? phase}`,
  address: ({ address }) => `TCP has connected to ${address}`,
  open: ({ connection }) => `Connection ${connection} is open`,
  // A browser tells a page nothing of it.
  dialFailed: ({ phase, code, status, address }) =>
    `The dial failed${phase ? ` at ${PHASES[String(phase)] ?? phase}` : ''}${code === undefined ? '' : `: ${[code, status && `HTTP ${status}`, address].filter(Boolean).join(', ') || 'no code'}`}`,
  closed: ({ code, clean, tooLarge }) =>
    `The connection ended with ${code}${clean ? '' : ', without a closing handshake'}${tooLarge ? ': a message was too large' : ''}`,
  received: ({ frame, size, id, outcome }) =>
    `Came: ${MESSAGES[String(frame)] ?? frame ?? 'a message'}${ofSize(size)}${ofId(id)}${outcome === 'late' ? ', that nobody waited for' : ''}`,
  binary: ({ size }) => `Came: a binary message that is no text${ofSize(size)}`,
  paused: ({ paused }) => (paused ? 'The program does not keep up: reading stopped' : 'Reading goes on'),
  network: () => 'The machine is on another network',
  clocks: () => 'The clocks have run apart: the machine slept, or its clock was set',
  timeout: ({ timer }) => `Time was over${timer ? `: ${TIMERS[String(timer)] ?? timer}` : ''}`,
  bug: () => 'The client has a bug: please report it',
  heartbeats: ({ count, rtt }) => `${count} pings were answered, the last one after ${ms(rtt)}`,
  state: ({ state, previous, error, attempt, delay }) =>
    `State: ${previous} → ${state}${error ? `, because of ${error}` : ''}${attempt ? `, attempt ${attempt}` : ''}${delay ? `, in ${ms(delay)}` : ''}`,
  dial: ({ connection, endpoint }) =>
    `Dials${endpoint === undefined ? '' : ` endpoint ${Number(endpoint) + 1}`} (connection ${connection})`,
  askUrls: () => 'The url function is asked',
  askToken: () => 'The key function is asked',
  closeFrame: ({ code }) => `Sends a close frame with ${code}`,
  drop: ({ connection }) => `Gives connection ${connection} up`,
  sent: ({ frame, size, id, count }) =>
    `Sends ${several(count, frame ? (FRAMES[String(frame)] ?? String(frame)) : 'message')}${ofSize(size)}${ofId(id)}`,
  settled: ({ code, sent, count, id }) =>
    `${typeof count === 'number' && count > 1 ? `${count} calls or commands` : 'A call or command'} ${code ? `failed with ${code}${sentWords(sent)}` : 'succeeded'}${ofId(id)}`,
  closeTold: ({ code, willReconnect }) =>
    `The program is told of the end: ${code}${willReconnect ? ', it will reconnect' : ''}`,
}

/** Of no use to people. */
const QUIET: ReadonlySet<string> = new Set(['openTold', 'interest', 'writing', 'written', 'bytes', 'drawn'])

const PHASES: Readonly<Record<string, string>> = {
  name: 'the look-up of the name',
  tcp: 'TCP',
  proxy: 'the proxy',
  tls: 'TLS',
  upgrade: 'the HTTP upgrade',
}

const MESSAGES: Readonly<Record<string, string>> = {
  ignored: 'a message on a connection that is given up',
  push: 'a push',
  authAccepted: 'the server accepts the key',
  authRefused: 'the server refuses the key',
  pong: 'a pong',
  results: 'results of a call',
  error: 'an error of a call',
  notJson: 'text that is not JSON',
  eventPush: 'a push',
  eventConnection: 'the greeting of the event dialect',
  eventSchemas: 'the schemas of the tools',
  eventPong: 'a pong',
  eventResults: 'results of a call',
  eventError: 'an error of a call',
  eventNotJson: 'text that is not JSON',
}

const FRAMES: Readonly<Record<string, string>> = {
  request: 'tool request',
  ping: 'ping',
  auth: 'auth message',
  message: 'message',
  authWithoutToken: 'auth message without a key',
}

const TIMERS: Readonly<Record<string, string>> = {
  connect: 'the dial took longer than connectTimeout',
  race: 'the next dial of the race begins',
  auth: 'no answer to the key within authTimeout',
  renewal: 'the key is to be renewed',
  keyExpiry: 'the key has expired',
  ping: 'a ping is due',
  pong: 'no answer to a ping within heartbeatTimeout',
  retry: 'the wait before the next attempt',
  request: 'a call took longer than its timeout',
  tools: 'no description of the tools has come',
  drain: 'the time to drain',
  closeHandshake: 'the server did not answer the close frame',
}

function asItIs({ at: _at, mono: _mono, kind, ...fields }: RecordedEvent): string {
  return `${kind} ${JSON.stringify(fields)}`
}

function ofId(id: unknown): string {
  return typeof id === 'string' ? ` [${id}]` : ''
}

function ofSize(size: unknown): string {
  return typeof size === 'number' && size > 0 ? `, ${shownBytes(size)}` : ''
}

function outcomeOf(outcome: unknown): string {
  if (outcome === 'queued') return ': it waits for a connection'
  return outcome === 'sent' || outcome === undefined ? '' : `: refused with ${outcome}`
}

function sentWords(sent: unknown): string {
  if (typeof sent !== 'boolean') return ''
  return sent ? ' after they may have been sent' : ' before they were sent'
}

function several(count: unknown, what: string): string {
  return typeof count === 'number' && count > 1 ? `${count} × ${what}` : what
}

function ms(value: unknown): string {
  return typeof value === 'number' ? shownMs(value) : String(value)
}
