/** Makes a catalogue of what a source says. */
import { oneLine, printable } from '../text.js'
import { hostNamesOf } from './names.js'
import type { Path } from './schemas.js'
import type { Annotations, Catalogue, ObjectSchema, Schema, Source, Tool } from './tool.js'

/** A tool as its source describes it, with schemas that can be relied on. */
export interface Described {
  readonly name: string
  readonly description?: string | undefined
  readonly inputSchema: ObjectSchema
  readonly outputSchema?: Schema | undefined
  readonly annotations?: Annotations | undefined
  readonly isIdempotent?: boolean
}

/** Of tools with the same name the first is kept. They are in the order of their names for hosts. */
export function makeCatalogue(
  source: Source | undefined,
  described: readonly Described[],
  notes: readonly string[],
): Catalogue {
  const byName = new Map<string, Described>()
  const moreNotes = [...notes]
  for (const tool of described) {
    if (byName.has(tool.name)) moreNotes.push(`${shown(tool.name)} is described twice: the first description counts`)
    else byName.set(tool.name, tool)
  }
  const hostNames = hostNamesOf([...byName.keys()])
  const tools = [...byName.values()].map((tool) => toolOf(tool, hostNames.get(tool.name)!))
  return { source, tools: tools.sort((a, b) => (a.hostName < b.hostName ? -1 : 1)), notes: moreNotes }
}

function toolOf(described: Described, hostName: string): Tool {
  const { name, description, inputSchema, outputSchema, annotations, isIdempotent = false } = described
  const words = description === undefined ? '' : printable(description).trim()
  return {
    name,
    hostName,
    description: words === '' ? undefined : words,
    inputSchema,
    outputSchema,
    annotations,
    isIdempotent,
  }
}

/** A name as notes and errors show it. */
export function shown(name: string): string {
  const line = oneLine(name)
  return JSON.stringify(line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN)}…` : line)
}

/** A place in a tool's description, as in JavaScript: `inputSchema.properties["a b"].type`. */
export function placeOf(path: Path): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`
      return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${shown(step)}]`
    })
    .join('')
    .replace(/^\./, '')
}

const LONGEST_SHOWN = 128
