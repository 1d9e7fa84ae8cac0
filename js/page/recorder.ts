/**
 * The flight recorder of a client in a page: its newest events, as its driver saw them. The recorder of the core, whose
 * records can be replayed, would be a sixth of what a page loads.
 */
import type { FlightEvent, Notice } from '../shared/native-types.js'
import type { FlightRecord } from '../shared/types.js'
import * as NAMES from './exports.js'
import { now, wallClock } from './globals.js'

/** Of an event: its times by both clocks; of a text its connection, and its size. */
type Row = [mono: number, at: number, connection: number, size: number]

type Facts = Omit<FlightEvent, 'at' | 'mono' | 'kind'>

export class FlightRecorder {
  // Rings. What is noted for every call makes no object before the event is asked for.
  readonly #kinds: string[] = []
  /** Of what is no text. */
  readonly #facts: (Facts | undefined)[] = []
  /** A {@link Row} for each event. */
  readonly #numbers = new Float64Array(NEWEST * ROW)
  #count = 0

  note(kind: string, facts: Facts): void {
    this.#facts[this.#count % NEWEST] = facts
    this.#note(kind, now(), wallClock(), 0, 0)
  }

  /** A call, or a text that was sent or received. What has no connection has 0. */
  noteText(kind: string, connection: number, size: number, mono: number, at: number): void {
    this.#facts[this.#count % NEWEST] = undefined
    this.#note(kind, mono, at, connection, size)
  }

  #note(kind: string, mono: number, at: number, connection: number, size: number): void {
    const place = this.#count++ % NEWEST
    const [numbers, first] = [this.#numbers, place * ROW]
    this.#kinds[place] = kind
    numbers[first] = mono
    numbers[first + 1] = at
    numbers[first + 2] = connection
    numbers[first + 3] = size
  }

  /** A function of the core is called with these arguments. Of a text only its length is kept. */
  noteInput(name: string, args: readonly (string | number)[]): void {
    const [kind, ...names] = INPUTS[name]?.split(' ') ?? []
    if (kind === undefined) return
    const facts: Record<string, number> = {}
    names.forEach((name, place) => {
      const value = args[place]!
      if (name !== '-') facts[name] = typeof value === 'string' ? value.length : value
    })
    this.note(kind, facts)
  }

  /** A call or a command has failed, with this error as JSON. */
  noteFailure(json: string): void {
    const { code, sent = null } = JSON.parse(json) as { code: string; sent?: boolean }
    this.note('settled', { code, sent })
  }

  /**
   * Notes the change that a notice tells, if it tells one.
   * @returns the notice; that of a failure with the newest events
   */
  noteNotice(json: string): string {
    // Log lines may come often, and tell nothing new.
    if (json.startsWith(LOG)) return json
    const notice = JSON.parse(json) as Notice
    if (notice.type === 'state') {
      const { state, attempt, error, retryDelay: delay } = notice.snapshot
      this.note('state', { state, previous: notice.previous, attempt, error: error?.code ?? null, delay })
    } else if (notice.type === 'close') {
      const { code, willReconnect } = notice.info
      this.note('closeTold', { code, willReconnect })
    } else if (notice.type === 'failed') return JSON.stringify({ ...notice, events: JSON.stringify(this.newest(TAIL)) })
    return json
  }

  /** At most so many events, oldest first. */
  newest(most = NEWEST): FlightEvent[] {
    const length = Math.min(this.#count, most)
    return Array.from({ length }, (_, n) => this.#event((this.#count - length + n) % NEWEST))
  }

  #event(place: number): FlightEvent {
    const [mono, at, connection, size] = this.#numbers.subarray(place * ROW) as unknown as Row
    const text = connection === 0 ? { size } : { connection, size }
    return { at, mono: Math.round(mono * 1000) / 1000, kind: this.#kinds[place]!, ...(this.#facts[place] ?? text) }
  }

  /** The record as JSON. The options and the state before the events are not kept. */
  record(client: number, url: string): string {
    const events = this.newest()
    const start = { complete: false }
    return JSON.stringify({ version: PACKAGE_VERSION, client, url, options: {}, start, events } satisfies FlightRecord)
  }
}

/**
 * How the functions of the core are told that are called when something comes in (instance.ts), and their arguments;
 * those without a name are left out.
 */
const INPUTS: Readonly<Record<string, string>> = {
  [NAMES.connect]: 'connect',
  [NAMES.reconnect]: 'reconnect',
  [NAMES.authenticate]: 'authenticate',
  [NAMES.close]: 'close code - drain',
  [NAMES.tools]: 'tools',
  [NAMES.abort]: 'abort',
  [NAMES.send_tool_request]: 'toolRequest',
  [NAMES.send]: 'send size',
  [NAMES.answer_token]: 'token connection',
  [NAMES.fail_token]: 'tokenFailed connection',
  [NAMES.answer_urls]: 'urls connection',
  [NAMES.fail_urls]: 'urlsFailed connection',
  [NAMES.opened]: 'open connection',
  [NAMES.dial_failed]: 'dialFailed connection',
  [NAMES.binary_message]: 'binary connection size',
  [NAMES.closed]: 'closed connection code - clean',
  [NAMES.timeout]: 'timeout',
  [NAMES.network_changed]: 'network',
}

/** How many events are kept. */
const NEWEST = 256
/** How many numbers are in a {@link Row}. */
const ROW = 4
/** How many of them come with the error of a client that has failed. */
const TAIL = 16

/** How a notice of a log line begins. */
const LOG = '{"type":"log"'
