/** `mcp-client call`: one tool call, and its results on standard output. */
import type { MCPClient, MCPToolError } from '../../index.js'
import { PARAMETERS_ARE_JSON } from '../../shared/arguments.js'
import { withClient } from '../connection.js'
import { clientOptions, type ServerOptions } from '../server-options.js'
import { printableJson } from '../text.js'
import { readParameters } from './parameters.js'
import { render } from './render.js'

export interface CallOptions extends ServerOptions {
  readonly json?: true
}

export async function call(tool: string, words: readonly string[], options: CallOptions): Promise<void> {
  const parameters = await readParameters(words)
  await withClient(clientOptions(options), async (client) => {
    const results = await resultsOf(client, tool, parameters)
    process.stdout.write(`${options.json ? printableJson(results || 'null') : render(results)}\n`)
  })
}

/** JSON in, JSON out, so that no digit of a number is lost. Empty if the answer has no results. */
async function resultsOf(client: MCPClient, tool: string, parameters: string): Promise<string> {
  const options = { responseType: 'buffer' as const, [PARAMETERS_ARE_JSON]: true }
  try {
    const bytes = (await client.useTool(tool, parameters, options)) as Buffer | undefined
    return bytes?.toString() ?? ''
  } catch (error) {
    throw (error as Partial<MCPToolError>).code === 'TOOL_ERROR' ? named(error as MCPToolError, tool) : error
  }
}

/** Some tools begin their messages with their name. */
function named({ message, toolCode }: MCPToolError, tool: string): Error {
  const said = message.startsWith(`${tool}:`) ? message : `${tool} failed: ${message}`
  return new Error(`${said}${toolCode ? ` (${toolCode})` : ''}`)
}
