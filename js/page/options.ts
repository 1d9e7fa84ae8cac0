/**
 * Checks the options of a client in a page, by the table of the core: before the core is there, a wrong option must
 * throw already. The sentences are those of the core in the addon.
 */
import { similarTo } from '../shared/option-names.js'
import { OPTION_TABLE } from './option-table.js'

/** Options as the core of a page takes them. */
export interface CheckedOptions {
  /** In the order of the table. */
  readonly numbers: readonly number[]
  /** The key; empty if a function gives it. */
  readonly token: string
  /** `null` if a function gives them. */
  readonly urls: readonly string[] | null
  readonly protocols: readonly string[]
  readonly requestTimeout: number
}

type Name = keyof typeof OPTION_TABLE

type Row = readonly [reader: string, initial?: unknown, least?: number, most?: number]

type Kind = typeof TypeError | typeof RangeError

/**
 * @param json the options; `{"$number"}` and `{"$type"}` stand for what JSON cannot hold
 * @throws TypeError or RangeError that names the option at fault
 */
export function checkOptions(json: string): CheckedOptions {
  const given = JSON.parse(json) as Record<string, unknown>
  // The core of the addon has them in this order: of two faults both report the same.
  for (const name of Object.keys(given).sort()) check(name, given[name])
  const chosen = (name: Name): unknown => (name in given ? given[name] : (OPTION_TABLE[name] as Row)[1])
  const { url, apiKey, protocols = [] } = given
  return {
    numbers: (Object.keys(OPTION_TABLE) as Name[]).flatMap((name) => numbersOf(OPTION_TABLE[name][0], chosen(name))),
    token: typeof apiKey === 'string' ? apiKey : 'anonymous',
    urls: isFunction(url) ? null : stringsOf(url),
    protocols: stringsOf(protocols),
    requestTimeout: chosen('requestTimeout') as number,
  }
}

/**
 * The endpoints that a function has given.
 * @throws as {@link checkOptions}
 */
export function checkUrls(urls: readonly string[]): void {
  if (urls.length === 0) fail(TypeError, 'url', 'is an empty list: give at least one endpoint')
  const twice = urls.find((url, place) => urls.indexOf(url) < place)
  if (twice === undefined) return
  const shown = twice.split('?')[0]
  fail(TypeError, 'url', `names ${shown} twice: each endpoint is dialed once in a round, so leave one out`)
}

/** The options that are none here, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  headers: 'a WebSocket of the browser or runtime takes none',
  tls: 'the browser or runtime verifies the server, by its own certificates',
  proxy: 'the browser or runtime chooses it',
  maxRetryAfter: 'a WebSocket of the browser or runtime tells nothing of Retry-After',
}

/** A worker is no page, nor is Node.js. */
const HERE = 'document' in globalThis ? 'in a page' : 'with the portable client'

function check(name: string, value: unknown): void {
  const row: Row | undefined = Object.hasOwn(OPTION_TABLE, name) ? OPTION_TABLE[name as Name] : undefined
  if (row === undefined) throw new TypeError(unknownOption(name))
  const why = NOT_HERE[name]
  if (why !== undefined) fail(TypeError, name, `cannot be used ${HERE}: ${why}; leave it out`)
  const [reader, , least = 0, most = LARGEST] = row
  const must = (kind: Kind, what: string): never => fail(kind, name, `must be ${what}, got ${shownOf(name, value)}`)
  const number = (what: string, isInRange: (number: number) => boolean): void => {
    const given = numberOf(value)
    if (given === undefined) must(TypeError, what)
    else if (!isInRange(given)) must(RangeError, what)
  }
  switch (reader) {
    case 'number':
      return number(`a number from ${least} to ${most}`, (n) => n >= least && n <= most)
    case 'duration':
      return number(`a number of ms from ${least} to ${MAX_MS}`, (n) => n >= least && n <= MAX_MS)
    case 'duration_or_none':
      return number(`a number of ms from 1 to ${MAX_MS}, or 0 for none`, (n) => n === 0 || (n >= 1 && n <= MAX_MS))
    case 'count':
      return number(`a whole number from ${least} to ${LARGEST}`, (n) => isWhole(n) && n >= least)
    case 'attempts':
      return number(`a whole number from 0 to ${LARGEST}, or Infinity`, (n) => n === Infinity || isWhole(n))
    case 'jitter': {
      const what = "a number from 0 to 1, or 'full'"
      if (value === 'full') return
      if (typeof value === 'string') must(RangeError, what)
      return number(what, (n) => n >= 0 && n <= 1)
    }
    case 'close_codes':
      return checkCodes(value, must)
    case 'boolean':
      if (typeof value !== 'boolean') must(TypeError, 'true or false')
      if (name === 'compression' && value === false)
        fail(TypeError, name, `cannot be false ${HERE}: the browser or runtime decides that; leave it out`)
      return
    case 'dialect': {
      const what = "'auto', 'guide' or 'event'"
      if (typeof value !== 'string') must(TypeError, what)
      if (!DIALECTS.includes(value as string)) must(RangeError, what)
      return
    }
    case 'token':
      if (typeof value !== 'string' && !isFunction(value)) must(TypeError, 'a string, or a function that returns one')
      return
    default: {
      if (name === 'url' && isFunction(value)) return
      const isList = Array.isArray(value) && value.every((text) => typeof text === 'string')
      if (typeof value !== 'string' && !isList) must(TypeError, 'a string or an array of strings')
      if (name === 'url') checkUrls(stringsOf(value))
      const wrong = name === 'protocols' ? stringsOf(value).findIndex((text) => !TOKEN.test(text)) + 1 : 0
      if (wrong > 0) fail(TypeError, name, `has a value that HTTP does not allow as a subprotocol (number ${wrong})`)
    }
  }
}

function checkCodes(value: unknown, must: (kind: Kind, what: string) => never): void {
  const what = 'an array of close codes from 1000 to 4999'
  if (!Array.isArray(value)) return must(TypeError, what)
  for (const item of value) {
    const code = numberOf(item)
    if (code === undefined) must(TypeError, what)
    else if (!isWhole(code) || code < 1000 || code > 4999) must(RangeError, what)
  }
}

/** A value that was checked, as the core reads it. What is no number comes by itself. */
function numbersOf(reader: string, value: unknown): number[] {
  switch (reader) {
    case 'close_codes': {
      const codes = value as number[]
      return [codes.length, ...codes]
    }
    case 'dialect':
      return [DIALECTS.indexOf(value as string)]
    case 'token':
      return [isFunction(value) ? 1 : 0]
    case 'jitter':
      return [value === 'full' ? -1 : (value as number)]
    case 'boolean':
      return [Number(value)]
  }
  const number = numberOf(value)
  return number === undefined ? [] : [number]
}

function unknownOption(name: string): string {
  const similar = similarTo(name, [...Object.keys(OPTION_TABLE), 'autoConnect', 'onMessage'])
  return `unknown option "${name}"${similar === undefined ? '' : `, did you mean "${similar}"?`}`
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const tag = (value as { $number?: unknown } | null)?.$number
  return typeof tag === 'string' ? Number(tag) : undefined
}

function isWhole(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= LARGEST
}

function isFunction(value: unknown): boolean {
  return (value as { $type?: unknown } | null)?.$type === 'function'
}

function stringsOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : (value as string[])
}

/** The value in JavaScript's own words, cut where it is long; of what may be a secret, its kind. */
function shownOf(name: string, value: unknown): string {
  const tag = value as { $number?: string; $type?: string } | null
  const word = tag?.$number ?? tag?.$type
  if (typeof value === 'object' && word !== undefined) return word
  if (SECRET.includes(name)) return kindOf(value)
  const characters = [...JSON.stringify(value)]
  return characters.length <= 80 ? characters.join('') : `${characters.slice(0, 79).join('')}…`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function fail(kind: Kind, option: string, complaint: string): never {
  throw new kind(`option "${option}" ${complaint}`)
}

/** RFC 9110 § 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
/** The largest delay that JavaScript's own timers take. */
const MAX_MS = 2 ** 31 - 1
const LARGEST = 2 ** 32 - 1
const DIALECTS = ['auto', 'guide', 'event']
const SECRET = ['apiKey', 'protocols']
