/**
 * The tools of a server by name, and the one place where a tool runs and where what it throws becomes an error to send.
 */
import { DEFAULT_TOOL_ERROR_CODE, ToolFailure } from './tool-failure.js'
import type { MCPTestRequest, ToolHandler } from './types.js'

/** What a tool call came to, in the words of the wire. */
export type Outcome = { readonly results: unknown } | { readonly error: WireError }

/** The error object of both dialects. */
export interface WireError {
  readonly message: string
  readonly code: string
}

/** JSON Schema of a tool's parameters, as the `event` dialect announces it. */
export interface ToolSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

/** A tool that comes with the server. */
export interface BuiltInTool {
  readonly name: string
  readonly schema: ToolSchema
  readonly run: ToolHandler
}

export class Toolbox {
  readonly #handlers = new Map<string, ToolHandler>()
  readonly #schemas = new Map<string, ToolSchema>()

  constructor(builtIn: readonly BuiltInTool[], own: Readonly<Record<string, ToolHandler>>) {
    for (const tool of builtIn) {
      this.#handlers.set(tool.name, tool.run)
      this.#schemas.set(tool.name, tool.schema)
    }
    for (const [name, handler] of Object.entries(own)) {
      this.#handlers.set(name, handler)
      this.#schemas.set(name, SCHEMA_OF_ANYTHING)
    }
  }

  get schemas(): readonly ToolSchema[] {
    return [...this.#schemas.values()]
  }

  has(name: string): boolean {
    return this.#handlers.has(name)
  }

  /** Never rejects. */
  async run(request: MCPTestRequest, signal: AbortSignal): Promise<Outcome> {
    const handler = this.#handlers.get(request.name)
    if (!handler) return { error: this.unknownTool(request.name) }
    try {
      return { results: await handler(request.parameters, { request, signal }) }
    } catch (thrown) {
      return { error: wireError(thrown) }
    }
  }

  unknownTool(name: string): WireError {
    const names = [...this.#handlers.keys()].sort().join(', ')
    return wireError(new ToolFailure(`Unknown tool "${name}". This server has: ${names}`, 'UNKNOWN_TOOL'))
  }
}

export function wireError(thrown: unknown): WireError {
  if (!(thrown instanceof Error)) return { message: String(thrown), code: DEFAULT_TOOL_ERROR_CODE }
  const { code } = thrown as { code?: unknown }
  return { message: thrown.message, code: typeof code === 'string' ? code : DEFAULT_TOOL_ERROR_CODE }
}

const SCHEMA_OF_ANYTHING: ToolSchema = { type: 'object', properties: {} }
