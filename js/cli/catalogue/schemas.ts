/**
 * Makes a JSON Schema that can be relied on out of any value: whoever wrote it may be hostile. What stays is what JSON
 * Schema 2020-12 defines. Nothing refers to what is elsewhere, so nothing is ever fetched; patterns are regular
 * expressions of a bounded length; texts have no control characters.
 */
import { oneLine, printable } from '../text.js'
import type { ObjectSchema, Schema } from './tool.js'

/** The place of a value in a schema. */
export type Path = readonly (string | number)[]

/** Is told of each value that cannot be used, and is left out. */
export type Report = (path: Path, fault: string) => void

/** The schema of a tool's parameters. What is no schema of an object becomes one of any object. */
export function usableSchema(schema: unknown, report: Report): ObjectSchema {
  const usable = new Reading(report).whole(schema)
  if (typeof usable === 'boolean') return ANY_OBJECT
  const { type = 'object', properties, ...others } = usable
  if (type !== 'object' && !(Array.isArray(type) && type.includes('object'))) {
    report(['type'], 'must be "object", as parameters are')
    return ANY_OBJECT
  }
  // Hosts of older revisions know no booleans there.
  const written = (property: Schema) => (property === true ? {} : property === false ? { not: {} } : property)
  return {
    type: 'object',
    ...(properties !== undefined && { properties: mapValues(properties as Record<string, Schema>, written) }),
    ...others,
  }
}

/** Any schema, the one of results say. */
export function usableResultSchema(schema: unknown, report: Report): Schema {
  return new Reading(report).whole(schema)
}

type Reader = (reading: Reading, value: unknown, path: Path) => unknown

class Reading {
  readonly report: Report
  /** The objects that refer to a place of the schema. */
  readonly #references: { holder: Record<string, unknown>; path: Path }[] = []

  constructor(report: Report) {
    this.report = report
  }

  whole(schema: unknown): Schema {
    const root = this.schema(schema, [])
    for (const { holder, path } of this.#references) {
      if (placeIn(root, holder.$ref as string)) continue
      delete holder.$ref
      this.report([...path, '$ref'], 'must refer to a place in the same schema, as "#/$defs/name" does')
    }
    return root
  }

  schema(value: unknown, path: Path): Schema {
    if (typeof value === 'boolean') return value
    if (!isObject(value)) return this.#instead(path, 'must be a schema: an object, true or false')
    if (path.length > DEEPEST) return this.#instead(path, 'is nested too deep')
    const usable: Record<string, unknown> = {}
    for (const [keyword, reader] of Object.entries(READERS)) {
      if (!Object.hasOwn(value, keyword)) continue
      const read = reader(this, value[keyword], [...path, keyword])
      if (read !== undefined) usable[keyword] = read
    }
    if ('$ref' in usable) this.#references.push({ holder: usable, path })
    return inNewWords(usable)
  }

  #instead(path: Path, fault: string): Schema {
    this.report(path, fault)
    return true
  }
}

/** A list in `items` is that of older drafts. */
function inNewWords(schema: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(schema.items)) return schema
  schema.prefixItems = schema.items
  delete schema.items
  if (schema.additionalItems !== undefined) schema.items = schema.additionalItems
  delete schema.additionalItems
  return schema
}

/** Whether a reference such as `#/$defs/name` leads to something. */
function placeIn(root: Schema, reference: string): boolean {
  if (!/^#(\/|$)/.test(reference)) return false
  let place: unknown = root
  for (const step of reference.slice(1).split('/').slice(1)) {
    const key = decoded(step)
    if (key === undefined || typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) return false
    place = (place as Record<string, unknown>)[key]
  }
  return typeof place === 'boolean' || isObject(place)
}

/** A step of a JSON Pointer in a URI fragment. */
function decoded(step: string): string | undefined {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}

// ── Readers: what a keyword may be, or `undefined` with a report ─────────────────────────────────────────────────────

/** Keeps the value if `isGood`. */
function keep(isGood: (value: unknown) => boolean, expected: string): Reader {
  return ({ report }, value, path) => {
    if (isGood(value)) return value
    report(path, `must be ${expected}`)
    return undefined
  }
}

const schema: Reader = (reading, value, path) => reading.schema(value, path)

const schemas: Reader = (reading, value, path) => {
  if (Array.isArray(value)) return value.map((one, index) => reading.schema(one, [...path, index]))
  reading.report(path, 'must be a list of schemas')
  return undefined
}

const schemaOrSchemas: Reader = (reading, value, path) =>
  (Array.isArray(value) ? schemas : schema)(reading, value, path)

/** An object whose values are schemas. `isGoodName` is told of each name. */
function named(isGoodName: (name: string) => boolean, expected: string): Reader {
  return (reading, value, path) => {
    if (!isObject(value)) {
      reading.report(path, 'must be an object whose values are schemas')
      return undefined
    }
    const entries = Object.entries(value).filter(([name]) => {
      if (isGoodName(name)) return true
      reading.report([...path, name], `has a name that must be ${expected}`)
      return false
    })
    return Object.fromEntries(entries.map(([name, one]) => [name, reading.schema(one, [...path, name])]))
  }
}

function text(clean: (text: string) => string): Reader {
  const read = keep((value) => typeof value === 'string', 'a string')
  return (reading, value, path) => {
    const kept = read(reading, value, path)
    return kept === undefined ? undefined : clean(kept as string)
  }
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > LONGEST_PATTERN) return false
  try {
    new RegExp(value, 'u')
    return true
  } catch {
    return false
  }
}

function isType(value: unknown): boolean {
  return (
    (Array.isArray(value) ? value.length > 0 : true) && [value].flat().every((one) => TYPES.includes(one as string))
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function mapValues<T, U>(object: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

const ANY_OBJECT: ObjectSchema = Object.freeze({ type: 'object' as const })

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']

/** Of the path to a schema: a recursion that follows it must not overflow the stack. */
const DEEPEST = 64

/** In characters. */
const LONGEST_PATTERN = 1_000

const anything = keep(() => true, '')
const number = keep((value) => typeof value === 'number', 'a number')
const count = keep((value) => Number.isInteger(value) && (value as number) >= 0, 'a whole number from 0 on')
const flag = keep((value) => typeof value === 'boolean', 'true or false')
const list = keep(Array.isArray, 'a list')
const strings = keep(isListOfStrings, 'a list of strings')
const pattern = keep(isPattern, `a regular expression of at most ${LONGEST_PATTERN} characters`)
const namedSchemas = named(() => true, '')

/** The keywords of JSON Schema 2020-12, and those of older drafts that mean the same, in the order of the result. */
const READERS: Readonly<Record<string, Reader>> = {
  title: text(oneLine),
  description: text(printable),
  $comment: text(printable),
  type: keep(isType, `one of ${TYPES.join(', ')}, or a list of them`),
  properties: namedSchemas,
  required: strings,
  additionalProperties: schema,
  patternProperties: named(isPattern, `a regular expression of at most ${LONGEST_PATTERN} characters`),
  propertyNames: schema,
  unevaluatedProperties: schema,
  minProperties: count,
  maxProperties: count,
  dependentRequired: keep(
    (value) => isObject(value) && Object.values(value).every(isListOfStrings),
    'an object whose values are lists of strings',
  ),
  dependentSchemas: namedSchemas,
  prefixItems: schemas,
  items: schemaOrSchemas,
  additionalItems: schema,
  unevaluatedItems: schema,
  contains: schema,
  minContains: count,
  maxContains: count,
  minItems: count,
  maxItems: count,
  uniqueItems: flag,
  minLength: count,
  maxLength: count,
  pattern,
  format: keep((value) => typeof value === 'string', 'a string'),
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: keep((value) => typeof value === 'number' && value > 0, 'a number above 0'),
  enum: list,
  const: anything,
  default: anything,
  examples: list,
  deprecated: flag,
  readOnly: flag,
  writeOnly: flag,
  allOf: schemas,
  anyOf: schemas,
  oneOf: schemas,
  not: schema,
  if: schema,
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: schema,
  else: schema,
  $ref: keep((value) => typeof value === 'string', 'a string'),
  $defs: namedSchemas,
  definitions: namedSchemas,
}
