/**
 * Writes the types of tools. Names and descriptions come from the platform and may be hostile: they are only written as
 * strings and comments that they cannot leave.
 */
import { compile } from 'json-schema-to-typescript-lite'
import { shown } from '../catalogue/make.js'
import type { Catalogue, Schema, Tool } from '../catalogue/tool.js'

export interface Declarations {
  readonly text: string
  /** What has no types, a sentence each. */
  readonly notes: readonly string[]
}

export async function declarationsOf({ tools }: Catalogue): Promise<Declarations> {
  const notes: string[] = []
  const namespacesOf = uniqueNames(tools.map(({ hostName }) => `Tool_${hostName.replace(/\W/g, '_')}`))
  const written = await Promise.all(tools.map((tool, index) => writtenOf(tool, namespacesOf[index]!, notes)))
  const members = written.map(({ member }) => member).join('\n')
  const namespaces = written.map(({ namespace }) => namespace).filter((text) => text !== '')
  return {
    text: [
      HEAD,
      `declare module '@mcp-integration/client' {\n  interface MCPTools {\n${members}\n  }\n}\n`,
      ...namespaces,
    ].join('\n'),
    notes,
  }
}

/** Numbers those that are there already. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  return names.map((name) => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return count === 1 ? name : `${name}$${count}`
  })
}

interface Written {
  /** Of the interface of all tools. */
  readonly member: string
  /** The types that it names; may be empty. */
  readonly namespace: string
}

async function writtenOf(tool: Tool, namespace: string, notes: string[]): Promise<Written> {
  const kinds = { Parameters: closed(tool.inputSchema), Results: tool.outputSchema ?? true }
  const types: string[] = []
  const named = async (kind: keyof typeof kinds): Promise<string> => {
    const schema = kinds[kind]
    if (schema === true) return 'unknown'
    try {
      types.push(await compiled(schema, kind))
      return `${namespace}.${kind}`
    } catch (error) {
      notes.push(`the ${kind.toLowerCase()} of ${shown(tool.name)} have no type: ${(error as Error).message}`)
      return 'unknown'
    }
  }
  const [parameters, results] = [await named('Parameters'), await named('Results')]
  return {
    member: `${comment(tool.description)}    ${JSON.stringify(tool.name)}: { parameters: ${parameters}; results: ${results} }`,
    namespace: types.length === 0 ? '' : `declare namespace ${namespace} {\n${indented(types.join('\n'), '  ')}\n}\n`,
  }
}

/** Without properties any object will do; with some, another one is a mistake unless the schema says otherwise. */
function closed(schema: Tool['inputSchema']): Schema {
  return 'properties' in schema || 'additionalProperties' in schema ? schema : { ...schema, additionalProperties: true }
}

/** Types of which one has this name. */
async function compiled(schema: Schema, name: string): Promise<string> {
  const text = await compile(withoutTitles(schema) as object, name, {
    additionalProperties: false,
    unreachableDefinitions: false,
    $refOptions: { resolve: { external: false } },
  })
  if (!new RegExp(`^export (interface|type) ${name}\\b`, 'm').test(text)) throw new Error('its schema has another name')
  return text.trim()
}

/** A title would be taken for the name of a type. */
function withoutTitles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTitles)
  if (typeof value !== 'object' || value === null) return value
  const isText = (key: string, one: unknown) => key === 'title' && typeof one === 'string'
  const entries = Object.entries(value).filter(([key, one]) => !isText(key, one))
  return Object.fromEntries(entries.map(([key, one]) => [key, withoutTitles(one)]))
}

function comment(description: string | undefined): string {
  if (description === undefined) return ''
  const lines = description.replaceAll('*/', '* /').split(/[\n\u2028\u2029]/)
  return lines.length === 1
    ? `    /** ${lines[0]} */\n`
    : ['    /**', ...lines.map((line) => `     * ${line}`.trimEnd()), '     */\n'].join('\n')
}

function indented(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by)
}

const HEAD = `// Made by "mcp-client types": do not edit it, make it again.
export {}
`
