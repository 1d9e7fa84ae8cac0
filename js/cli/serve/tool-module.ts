/** Tools from a module of the user. Its code is run, with all rights of this process. */
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DescribedTool, ToolHandler } from '../../testing.js'
import { UsageError } from '../failures.js'

/**
 * The functions that the module exports by name, or in an object as its default export.
 * @throws UsageError that says what is wrong with the file
 */
export async function toolsIn(file: string): Promise<Record<string, ToolHandler | DescribedTool>> {
  const path = resolve(file)
  await access(path).catch(() => {
    throw new UsageError(`--tool-module: there is no file ${path}`)
  })
  const exported = await load(path)
  const { default: all, ...named } = exported
  const tools = Object.entries({ ...(typeof all === 'object' ? all : undefined), ...named })
  // What require() and import() add for each other.
  const own = tools.filter(([name]) => name !== '__esModule' && name !== 'module.exports')
  if (own.length === 0) throw new UsageError(`--tool-module: ${path} exports no tool: export functions by name`)
  for (const [name, tool] of own) {
    if (!isTool(tool)) throw new UsageError(`--tool-module: ${name} of ${path} is no function, nor { run } with one`)
  }
  return Object.fromEntries(own) as Record<string, ToolHandler | DescribedTool>
}

async function load(path: string): Promise<Record<string, unknown> & { default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    throw new UsageError(`--tool-module: ${path} cannot be loaded: ${error instanceof Error ? error.message : error}`)
  }
}

function isTool(tool: unknown): boolean {
  return typeof tool === 'function' || typeof (tool as Partial<DescribedTool> | null)?.run === 'function'
}
