/**
 * Reads a tools file: JSON, a list of tools, or an object with such a list as `tools`. Errors name the line and the
 * field. The file is trusted, but it must be right.
 */
import {
  type Node,
  type ParseError,
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import { checkNames } from '../../shared/option-names.js'
import { UsageError } from '../failures.js'
import { readText } from '../text-files.js'
import { type Described, makeCatalogue, placeOf, shown } from './make.js'
import { type Path, usableResultSchema, usableSchema } from './schemas.js'
import type { Annotations, Catalogue } from './tool.js'

/** @throws UsageError that names the line and the field */
export async function catalogueOfFile(path: string): Promise<Catalogue> {
  return new ToolsFile(path, await readText(path)).catalogue()
}

type Fields = Readonly<Record<string, unknown>>

class ToolsFile {
  readonly #path: string
  readonly #text: string
  readonly #root: Node

  constructor(path: string, text: string) {
    this.#path = path
    this.#text = text.replace(/^\uFEFF/, '')
    if (this.#text.trim() === '')
      throw new UsageError(`${path}: the file is empty: it must be a list of tools, as JSON`)
    const errors: ParseError[] = []
    const root = parseTree(this.#text, errors, { disallowComments: true })
    const [first] = errors
    if (first !== undefined) throw this.#wrongAt(first.offset, `it is not JSON: ${wordsOf(first)}`)
    // Without an error there is a value.
    this.#root = root!
  }

  catalogue(): Catalogue {
    const [tools, path] = this.#list()
    const lines = new Map<unknown, number>()
    const described = tools.map((tool, index) => {
      const place = [...path, index]
      const one = this.#tool(tool, place)
      const before = lines.get(one.name)
      if (before !== undefined)
        throw this.#wrong([...place, 'name'], `${shown(one.name)} is the name of another tool too, in line ${before}`)
      lines.set(one.name, this.#lineOf([...place, 'name']))
      return one
    })
    return makeCatalogue('the tools file', described, [])
  }

  #list(): [readonly unknown[], Path] {
    const value: unknown = getNodeValue(this.#root)
    if (Array.isArray(value)) return [value, []]
    const { tools } = Object(value) as { tools?: unknown }
    if (Array.isArray(tools)) return [tools, ['tools']]
    throw this.#wrong([], 'the file must be a list of tools, or an object with such a list as "tools"')
  }

  #tool(tool: unknown, path: Path): Described {
    if (!isObject(tool)) throw this.#wrong(path, 'a tool must be an object')
    this.#checkNames(tool, FIELDS, path)
    const { name, description, inputSchema, outputSchema, idempotent } = tool
    if (typeof name !== 'string' || name === '') throw this.#wrong([...path, 'name'], 'must be the name of the tool')
    if (description !== undefined && typeof description !== 'string')
      throw this.#wrong([...path, 'description'], 'must be a string')
    if (idempotent !== undefined && typeof idempotent !== 'boolean')
      throw this.#wrong([...path, 'idempotent'], 'must be true or false')
    const annotations = this.#annotations(tool, path)
    const report = (field: string) => (place: Path, fault: string) => {
      throw this.#wrong([...path, field, ...place], fault)
    }
    return {
      name,
      description,
      inputSchema: usableSchema(inputSchema ?? {}, report('inputSchema')),
      outputSchema: outputSchema === undefined ? undefined : usableResultSchema(outputSchema, report('outputSchema')),
      annotations,
      isIdempotent: annotations?.idempotentHint ?? false,
    }
  }

  /** `idempotent` and `annotations.idempotentHint` are one thing. */
  #annotations({ annotations = {}, idempotent }: Fields, path: Path): Annotations | undefined {
    const place = [...path, 'annotations']
    if (!isObject(annotations)) throw this.#wrong(place, 'must be an object')
    this.#checkNames(annotations, HINTS, place)
    for (const [hint, value] of Object.entries(annotations)) {
      const expected = hint === 'title' ? 'string' : 'boolean'
      if (typeof value !== expected)
        throw this.#wrong([...place, hint], expected === 'string' ? 'must be a string' : 'must be true or false')
    }
    const { idempotentHint = idempotent } = annotations
    if (idempotent !== undefined && idempotentHint !== idempotent)
      throw this.#wrong([...place, 'idempotentHint'], `contradicts "idempotent", which is ${String(idempotent)}`)
    const all = { ...annotations, ...(idempotentHint !== undefined && { idempotentHint }) }
    return Object.keys(all).length === 0 ? undefined : (all as Annotations)
  }

  #checkNames(fields: Fields, known: readonly string[], path: Path): void {
    try {
      checkNames(fields, known, undefined, 'field')
    } catch (error) {
      const unknown = Object.keys(fields).find((name) => !known.includes(name))!
      throw this.#wrongAt(this.#keyOffset(path, unknown), `${placeOf([...path, unknown])}: ${(error as Error).message}`)
    }
  }

  #wrong(path: Path, fault: string): UsageError {
    const place = placeOf(path)
    return this.#wrongAt(this.#offsetOf(path), place === '' ? fault : `${place} ${fault}`)
  }

  #wrongAt(offset: number, what: string): UsageError {
    return new UsageError(`${this.#path}, line ${this.#line(offset)}: ${what}`)
  }

  #lineOf(path: Path): number {
    return this.#line(this.#offsetOf(path))
  }

  #line(offset: number): number {
    return this.#text.slice(0, offset).split('\n').length
  }

  /** Where the value is, or the innermost one around it that is there. */
  #offsetOf(path: Path): number {
    for (let length = path.length; length > 0; length -= 1) {
      const node = findNodeAtLocation(this.#root, path.slice(0, length))
      if (node !== undefined) return node.offset
    }
    return this.#root.offset
  }

  #keyOffset(path: Path, key: string): number {
    const property = findNodeAtLocation(this.#root, [...path, key])?.parent
    return property?.offset ?? this.#offsetOf(path)
  }
}

function wordsOf({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const FIELDS = ['name', 'description', 'inputSchema', 'outputSchema', 'annotations', 'idempotent']
const HINTS = [
  'title',
  'readOnlyHint',
  'destructiveHint',
  'idempotentHint',
  'openWorldHint',
] satisfies (keyof Annotations)[]
