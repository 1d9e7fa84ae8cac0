/** What the platform says of its tools, in one form. The core has already left out those without a name. */
import type { ErrorData } from '../native-types.js'
import type { ToolDescription } from '../types.js'
import type { NativeClient } from './binding.js'
import { Call, type Caller } from './call.js'
import { drainSoon, occupy, vacate } from './hub.js'

/** Who asks. */
interface Asking extends Caller {
  readonly native: NativeClient
}

/** @param ask asks the core, which settles the slot; returns as `NativeClient.tools` does */
export async function describedBy(
  client: Asking,
  signal: AbortSignal | undefined,
  ask: (slot: number) => number | string,
): Promise<readonly ToolDescription[]> {
  const described = await new Promise<unknown>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const question = new Call(client, undefined, resolve, reject)
    const slot = occupy(question)
    const key = ask(slot)
    if (typeof key === 'string') {
      vacate(slot)
      return reject(client.failure(JSON.parse(key) as ErrorData, undefined)())
    }
    if (signal !== undefined) question.abortBy(signal, () => client.native.abort(key) && vacate(slot))
    // The answer may be there already, and nothing else keep the process alive.
    drainSoon()
  })
  return descriptionsOf(described)
}

/** @param described an array of objects with a name */
function descriptionsOf(described: unknown): readonly ToolDescription[] {
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
