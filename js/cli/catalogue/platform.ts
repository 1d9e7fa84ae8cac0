/**
 * What the platform says of its tools: its descriptions, or else the names in the results of its tool `status`. The two
 * are never merged.
 */
import type { MCPClient } from '../../index.js'
import { makeCatalogue, placeOf, shown } from './make.js'
import { usableSchema } from './schemas.js'
import type { Catalogue } from './tool.js'

/**
 * Waits for the connection, as calls do.
 * @throws what `client.tools()` rejects with
 */
export async function catalogueOfPlatform(client: MCPClient, options: { timeout?: number } = {}): Promise<Catalogue> {
  const described = await client.tools(options)
  const notes: string[] = []
  const tools = described.map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema: usableSchema(inputSchema ?? {}, (path, fault) =>
      notes.push(`the schema of ${shown(name)} is used without ${placeOf(path) || 'its content'}, which ${fault}`),
    ),
  }))
  return tools.length > 0
    ? makeCatalogue("the platform's descriptions", tools, notes)
    : await catalogueOfStatus(client, options)
}

async function catalogueOfStatus(client: MCPClient, options: { timeout?: number }): Promise<Catalogue> {
  try {
    const names = namesIn(
      parsed(await client.useTool(STATUS, {}, { ...options, idempotent: true, responseType: 'buffer' })),
    )
    const tools = names.map((name) => ({ name, inputSchema: { type: 'object' as const } }))
    return makeCatalogue(tools.length > 0 ? "the platform's status" : undefined, tools, [])
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (code !== 'TOOL_ERROR') throw error
    return makeCatalogue(undefined, [], [`the platform has no tool "status" that lists its tools: ${String(message)}`])
  }
}

/** Nothing for what is too long: as objects it would take many times its length. */
function parsed(results: Buffer | undefined): unknown {
  return results === undefined || results.length === 0 || results.length > LONGEST
    ? undefined
    : JSON.parse(results.toString())
}

/** The names of tools in the results of `status`: `{ activeTools: [{ name }] }`, or a list under another name. */
function namesIn(results: unknown): readonly string[] {
  const { activeTools, tools } = Object(results) as { activeTools?: unknown; tools?: unknown }
  const list = [activeTools, tools].find(Array.isArray) ?? []
  const names = list.map((entry: unknown) =>
    typeof entry === 'string' ? entry : (Object(entry) as { name?: unknown }).name,
  )
  return [...new Set(names.filter((name): name is string => typeof name === 'string' && name !== ''))].slice(0, MOST)
}

const STATUS = 'status'
/** In bytes. */
const LONGEST = 1024 * 1024
const MOST = 1_000
