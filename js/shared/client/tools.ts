/** The descriptions of tools, in one form. The core has already left out those without a name. */
import type { ToolDescription } from '../types.js'

/** @param described an array of objects with a name */
export function descriptionsOf(described: unknown): readonly ToolDescription[] {
  return Object.freeze((described as readonly Readonly<Record<string, unknown>>[]).map(descriptionOf))
}

/** Platforms call the schema `parameters`; MCP calls it `inputSchema`. */
function descriptionOf(entry: Readonly<Record<string, unknown>>): ToolDescription {
  const { name, description, inputSchema, parameters } = entry
  const schema = [inputSchema, parameters].find(isSchema)
  return Object.freeze({
    name: name as string,
    ...(typeof description === 'string' && { description }),
    ...(schema !== undefined && { inputSchema: schema }),
  })
}

function isSchema(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
