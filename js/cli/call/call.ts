/** `mcp-client call`: one tool call, and its results on standard output; or many, and how long they took. */
import type { MCPClient, MCPToolError } from '../../index.js'
import { PARAMETERS_ARE_JSON } from '../../shared/arguments.js'
import { withClient } from '../connection.js'
import { ReportedFailure, UsageError } from '../failures.js'
import { clientOptions, type ServerOptions } from '../server-options.js'
import { printableJson } from '../text.js'
import { readParameters } from './parameters.js'
import { render } from './render.js'
import { renderSummary, repeat } from './repeat.js'

export interface CallOptions extends ServerOptions {
  readonly json?: true
  readonly repeat?: number
  readonly concurrency?: number
}

export async function call(tool: string, words: readonly string[], options: CallOptions): Promise<void> {
  const { json, repeat: times, concurrency = 1 } = options
  if (times === undefined && options.concurrency !== undefined)
    throw new UsageError('--concurrency is for many calls: say how many with --repeat')
  const parameters = await readParameters(words)
  await withClient(clientOptions(options), async (client) => {
    if (times === undefined) await callOnce(client, tool, parameters, json)
    else await callOften(client, tool, parameters, { times, concurrency, json })
  })
}

async function callOnce(client: MCPClient, tool: string, parameters: string, json: true | undefined): Promise<void> {
  const results = await resultsOf(client, tool, parameters)
  process.stdout.write(`${json ? printableJson(results || 'null') : render(results)}\n`)
}

async function callOften(
  client: MCPClient,
  tool: string,
  parameters: string,
  { times, concurrency, json }: { times: number; concurrency: number; json: true | undefined },
): Promise<void> {
  const once = () => client.useTool(tool, parameters, AS_IT_CAME)
  const summary = await repeat(once, times, concurrency)
  process.stdout.write(`${json ? JSON.stringify(summary) : renderSummary(summary)}\n`)
  if (summary.failed > 0 || summary.wasStopped) throw new ReportedFailure()
}

/** JSON in, JSON out, so that no digit of a number is lost. Empty if the answer has no results. */
async function resultsOf(client: MCPClient, tool: string, parameters: string): Promise<string> {
  try {
    const bytes = (await client.useTool(tool, parameters, AS_IT_CAME)) as Buffer | undefined
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

const AS_IT_CAME = { responseType: 'buffer' as const, [PARAMETERS_ARE_JSON]: true }
