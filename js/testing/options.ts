/**
 * Checks the options of `MCPTestServer.listen()` and fills in their defaults. Of the file system, it only looks whether
 * the `docs` folder exists.
 */
import { opendir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { checkNames } from '../shared/option-names.js'
import { type AccessRules, checkHosts, checkOrigins } from './access.js'
import { describe } from './describe.js'
import type { DescribedTool, MCPTestServerOptions, ServerDialect, StubOptions, ToolHandler } from './types.js'

/** The user's own tools, as they were given. */
export type ToolsByName = Readonly<Record<string, ToolHandler | DescribedTool>>

export interface Settings extends AccessRules {
  readonly port: number
  readonly path: string
  readonly tokens: readonly string[] | undefined
  readonly tools: ToolsByName
  readonly schemas: 'nameless' | 'named' | readonly unknown[]
  readonly dialect: ServerDialect
  readonly docs: string | undefined
  readonly compression: boolean
  readonly history: number
}

export async function resolveOptions(options: MCPTestServerOptions): Promise<Settings> {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`MCPTestServer.listen() takes an object of options, not ${describe(options)}`)
  checkNames(options, OPTION_NAMES, 'MCPTestServer.listen')
  return {
    port: checkPort(options.port ?? 0),
    host: checkText('host', options.host ?? '127.0.0.1'),
    path: checkPath(options.path ?? '/mcp-ws'),
    tokens: checkTokens(options.tokens),
    tools: checkTools(options.tools ?? {}),
    schemas: checkSchemas(options.schemas ?? 'nameless'),
    dialect: checkDialect(options.dialect ?? 'guide'),
    docs: await checkFolder(options.docs),
    compression: checkCompression(options.compression ?? false),
    history: checkHistory(options.history ?? Infinity),
    allowedOrigins: checkOrigins(options.allowedOrigins ?? []),
    allowedHosts: checkHosts(options.allowedHosts ?? []),
  }
}

export function checkTokens(tokens: readonly string[] | undefined): readonly string[] | undefined {
  if (tokens === undefined) return undefined
  const good = Array.isArray(tokens) && tokens.every((token) => typeof token === 'string' && token !== '')
  // The message does not show the value, because tokens are secrets.
  if (!good) throw new TypeError('option "tokens" must be an array of strings that are not empty')
  return [...tokens]
}

export function checkPort(port: unknown): number {
  if (typeof port !== 'number') throw new TypeError(`option "port" must be a number, not ${describe(port)}`)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`option "port" must be a whole number from 0 to 65535, not ${port}`)
  }
  return port
}

export function checkText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`option "${name}" must be a string that is not empty, not ${describe(value)}`)
  }
  return value
}

function checkPath(path: unknown): string {
  if (typeof path !== 'string' || !/^\/[^?#\s]*$/.test(path)) {
    throw new TypeError(
      `option "path" must be a string that starts with a slash and has no query, not ${describe(path)}`,
    )
  }
  return path
}

export function checkTools(tools: unknown): ToolsByName {
  if (typeof tools !== 'object' || tools === null)
    throw new TypeError(`option "tools" must be an object, not ${describe(tools)}`)
  for (const [name, tool] of Object.entries(tools)) {
    if (typeof tool !== 'function') checkDescribed(name, tool)
  }
  return tools as ToolsByName
}

function checkDescribed(name: string, tool: unknown): void {
  const { description, parameters, run } = Object(tool) as Readonly<Record<string, unknown>>
  if (typeof run !== 'function')
    throw new TypeError(
      `option "tools": "${name}" must be a function, or an object whose "run" is one, not ${describe(tool)}`,
    )
  checkNames(
    tool as object,
    ['description', 'parameters', 'run'] satisfies (keyof DescribedTool)[],
    `the tool "${name}"`,
  )
  if (description !== undefined && typeof description !== 'string')
    throw new TypeError(`option "tools": the description of "${name}" must be a string, not ${describe(description)}`)
  if (parameters !== undefined && (typeof parameters !== 'object' || parameters === null))
    throw new TypeError(
      `option "tools": the parameters of "${name}" must be a JSON Schema, not ${describe(parameters)}`,
    )
}

function checkSchemas(schemas: unknown): Settings['schemas'] {
  if (schemas === 'nameless' || schemas === 'named' || Array.isArray(schemas)) return schemas
  throw new TypeError(`option "schemas" must be 'nameless', 'named' or an array to send, not ${describe(schemas)}`)
}

/**
 * Checks the arguments of `stub()`; returns how many requests it answers.
 * @throws TypeError or RangeError that names the argument at fault
 */
export function checkStub(name: unknown, handler: unknown, options: StubOptions): number {
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`the name of a tool must be a string that is not empty, not ${describe(name)}`)
  if (typeof handler !== 'function')
    throw new TypeError(`the stub of "${name}" must be a function, not ${describe(handler)}: () => value gives a value`)
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`the options of a stub must be an object, not ${describe(options)}`)
  checkNames(options, ['times'] satisfies (keyof StubOptions)[], 'stub')
  const { times = Infinity } = options
  if (typeof times !== 'number') throw new TypeError(`option "times" must be a number, not ${describe(times)}`)
  if (times !== Infinity && !(Number.isInteger(times) && times >= 1))
    throw new RangeError(`option "times" must be a whole number from 1 on, or Infinity, not ${times}`)
  return times
}

function checkDialect(dialect: unknown): ServerDialect {
  if (dialect !== 'guide' && dialect !== 'event') {
    throw new TypeError(`option "dialect" must be 'guide' or 'event', not ${describe(dialect)}`)
  }
  return dialect
}

async function checkFolder(docs: unknown): Promise<string | undefined> {
  if (docs === undefined) return undefined
  const folder = resolve(checkText('docs', docs))
  try {
    await (await opendir(folder)).close()
    return folder
  } catch (error) {
    throw new TypeError(`option "docs": ${whyNoFolder((error as NodeJS.ErrnoException).code, folder)}`)
  }
}

function whyNoFolder(code: string | undefined, folder: string): string {
  if (code === 'ENOENT') return `there is no folder ${folder}`
  if (code === 'ENOTDIR') return `${folder} is not a folder`
  return `the folder ${folder} cannot be read (${code})`
}

function checkCompression(compression: unknown): boolean {
  if (typeof compression !== 'boolean')
    throw new TypeError(`option "compression" must be true or false, not ${describe(compression)}`)
  return compression
}

function checkHistory(history: unknown): number {
  if (typeof history !== 'number') throw new TypeError(`option "history" must be a number, not ${describe(history)}`)
  if (history !== Infinity && (!Number.isInteger(history) || history < 0)) {
    throw new RangeError(`option "history" must be a whole number from 0 on, or Infinity, not ${history}`)
  }
  return history
}

const OPTION_NAMES: ReadonlySet<string> = new Set([
  'port',
  'host',
  'path',
  'tokens',
  'tools',
  'schemas',
  'dialect',
  'docs',
  'compression',
  'history',
  'allowedOrigins',
  'allowedHosts',
] satisfies (keyof MCPTestServerOptions)[])
