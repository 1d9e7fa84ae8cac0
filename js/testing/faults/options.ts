/** Checks the options of `FaultProxy.listen()` and fills in their defaults. */
import { describe } from '../describe.js'
import { checkNames } from '../../shared/option-names.js'
import { checkPort, checkText } from '../options.js'
import type { DirectionFaults, FaultPlan, FaultProxyOptions, Faults } from './types.js'

export interface FaultProxySettings {
  readonly target: URL
  readonly plan: FaultPlan
  readonly seed: number
  readonly port: number
  readonly host: string
}

/** All faults of a direction, with their defaults filled in. */
export type LaneFaults = Readonly<Record<keyof DirectionFaults, number>>

/** The faults of a connection. */
export interface ConnectionFaults {
  readonly toServer: LaneFaults
  readonly toClient: LaneFaults
}

export function resolveOptions(options: FaultProxyOptions): FaultProxySettings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`FaultProxy.listen() takes an object of options, not ${describe(options)}`)
  checkNames(options, OPTION_NAMES, 'FaultProxy.listen')
  return {
    target: checkTarget(options.target),
    plan: checkPlan(options.faults ?? {}),
    seed: checkSeed(options.seed ?? 1),
    port: checkPort(options.port ?? 0),
    host: checkText('host', options.host ?? '127.0.0.1'),
  }
}

/** Faults that are the same for all connections are checked here, those of a function when it returns them. */
export function checkPlan(faults: Faults | FaultPlan): FaultPlan {
  if (typeof faults === 'function') return faults
  resolveFaults(faults)
  return () => faults
}

export function resolveFaults(faults: Faults): ConnectionFaults {
  if (typeof faults !== 'object' || faults === null)
    throw new TypeError(`faults must be an object, not ${describe(faults)}`)
  checkNames(faults, DIRECTIONS, undefined, 'direction')
  return {
    toServer: resolveDirection('toServer', faults.toServer),
    toClient: resolveDirection('toClient', faults.toClient),
  }
}

function resolveDirection(direction: keyof Faults, faults: DirectionFaults = {}): LaneFaults {
  if (typeof faults !== 'object' || faults === null)
    throw new TypeError(`"${direction}" must be an object, not ${describe(faults)}`)
  checkNames(faults, Object.keys(FAULTS), `"${direction}"`, 'fault')
  const resolved = { ...NO_FAULTS }
  for (const [name, { least, most }] of Object.entries(FAULTS) as [keyof DirectionFaults, Range][]) {
    const value: unknown = faults[name]
    if (value === undefined) continue
    if (typeof value !== 'number')
      throw new TypeError(`fault "${name}" of "${direction}" must be a number, not ${describe(value)}`)
    if (!(value >= least && value <= most))
      throw new RangeError(`fault "${name}" of "${direction}" must be from ${least} to ${most}, not ${value}`)
    resolved[name] = value
  }
  return resolved
}

function checkTarget(target: unknown): URL {
  const text = String(target ?? '')
  if (!URL.canParse(text))
    throw new TypeError(
      `option "target" must be the URL of a server, ws://127.0.0.1:8080/mcp-ws say, not ${describe(target)}`,
    )
  const url = new URL(text)
  if (!(url.protocol in PORTS))
    throw new TypeError(`option "target" must be a ws:, wss:, http: or https: URL, not one of ${url.protocol}`)
  return url
}

/** The TCP port of a URL. */
export function portOf(url: URL): number {
  return Number(url.port || PORTS[url.protocol])
}

function checkSeed(seed: unknown): number {
  if (!Number.isSafeInteger(seed)) throw new TypeError(`option "seed" must be a whole number, not ${describe(seed)}`)
  return seed as number
}

interface Range {
  readonly none: number
  readonly least: number
  readonly most: number
}

/** The longest timer of Node.js. */
const LONGEST_TIME = 2 ** 31 - 1
const TIME = { none: 0, least: 0, most: LONGEST_TIME }
const COUNT = { none: Infinity, least: 0, most: Infinity }

const FAULTS: Readonly<Record<keyof DirectionFaults, Range>> = {
  latency: TIME,
  jitter: TIME,
  bandwidth: { ...COUNT, least: 1 },
  split: { ...COUNT, least: 1 },
  merge: TIME,
  corruption: { none: 0, least: 0, most: 1 },
  freezeAfter: COUNT,
  endAfter: COUNT,
  resetAfter: COUNT,
}

const NO_FAULTS = Object.fromEntries(Object.entries(FAULTS).map(([name, { none }]) => [name, none])) as Record<
  keyof DirectionFaults,
  number
>

const DIRECTIONS: ReadonlySet<string> = new Set(['toServer', 'toClient'] satisfies (keyof Faults)[])

const OPTION_NAMES: ReadonlySet<string> = new Set([
  'target',
  'faults',
  'seed',
  'port',
  'host',
] satisfies (keyof FaultProxyOptions)[])

const PORTS: Readonly<Record<string, number>> = { 'ws:': 80, 'http:': 80, 'wss:': 443, 'https:': 443 }
