/** The tools of a server by name. Only here are tools run, and their exceptions turned into errors to send. */
import { Stub } from './stub.js'
import { DEFAULT_TOOL_ERROR_CODE, ToolFailure } from './tool-failure.js'
import type { DescribedTool, MCPTestRequest, ToolHandler, ToolStub } from './types.js'

/** The outcome of a tool call, as it is sent. */
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

/** A tool as servers that name their tools describe it. */
export interface ToolDescription {
  readonly name: string
  readonly description: string | undefined
  readonly parameters: object
}

/** A tool that comes with the server. */
export interface BuiltInTool {
  readonly name: string
  readonly description: string
  readonly parameters: ToolSchema
  readonly run: ToolHandler
}

/** Tools are looked up in this order: stubs, the newest first; the user's own tools; built-in tools. */
export class Toolbox {
  readonly #builtIn: ReadonlyMap<string, BuiltInTool>
  #own: ReadonlyMap<string, DescribedTool> = new Map()
  #stubs: readonly Stub[] = []

  constructor(builtIn: readonly BuiltInTool[], own: Readonly<Record<string, ToolHandler | DescribedTool>>) {
    this.#builtIn = new Map(builtIn.map((tool) => [tool.name, tool]))
    this.setOwn(own)
  }

  /** Replaces the user's own tools. */
  setOwn(own: Readonly<Record<string, ToolHandler | DescribedTool>>): void {
    const described = (tool: ToolHandler | DescribedTool) => (typeof tool === 'function' ? { run: tool } : tool)
    this.#own = new Map(Object.entries(own).map(([name, tool]) => [name, described(tool)]))
  }

  stub(name: string, handler: ToolHandler, times: number): ToolStub {
    const stub = new Stub(name, handler, times, () => {
      this.#stubs = this.#stubs.filter((other) => other !== stub)
    })
    this.#stubs = [stub, ...this.#stubs]
    return stub
  }

  restoreStubs(): void {
    this.#stubs = []
  }

  /** What is known of each tool. */
  get descriptions(): readonly ToolDescription[] {
    return this.names.map((name) => {
      const { description, parameters } = this.#own.get(name) ?? this.#builtIn.get(name) ?? {}
      return { name, description, parameters: parameters ?? SCHEMA_OF_ANYTHING }
    })
  }

  has(name: string): boolean {
    return this.#handlerOf(name) !== undefined
  }

  /** Never rejects. */
  async run(request: MCPTestRequest, signal: AbortSignal): Promise<Outcome> {
    const stub = this.#stubOf(request.name)
    stub?.take(request)
    const handler = stub?.handler ?? this.#handlerOf(request.name)
    if (!handler) return { error: this.unknownTool(request.name) }
    try {
      return { results: await handler(request.parameters, { request, signal }) }
    } catch (thrown) {
      return { error: wireError(thrown) }
    }
  }

  unknownTool(name: string): WireError {
    const names = [...this.names].sort().join(', ')
    return wireError(new ToolFailure(`Unknown tool "${name}". This server has: ${names}`, 'UNKNOWN_TOOL'))
  }

  get names(): readonly string[] {
    const stubbed = this.#stubs.filter((stub) => stub.isDue).map(({ name }) => name)
    return [...new Set([...this.#builtIn.keys(), ...this.#own.keys(), ...stubbed])]
  }

  #stubOf(name: string): Stub | undefined {
    return this.#stubs.find((stub) => stub.name === name && stub.isDue)
  }

  #handlerOf(name: string): ToolHandler | undefined {
    return this.#stubOf(name)?.handler ?? (this.#own.get(name) ?? this.#builtIn.get(name))?.run
  }
}

export function wireError(thrown: unknown): WireError {
  // Under Jest and Vitest an error of Node.js is no instance of the Error here.
  const { message, code } = Object(thrown) as { message?: unknown; code?: unknown }
  return {
    message: typeof message === 'string' ? message : String(thrown),
    code: typeof code === 'string' ? code : DEFAULT_TOOL_ERROR_CODE,
  }
}

const SCHEMA_OF_ANYTHING: ToolSchema = { type: 'object', properties: {} }
