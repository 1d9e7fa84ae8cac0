/** One tool call. */
import type { MCPClient, MCPError, MCPToolError } from '../../index.js'
import { PARAMETERS_ARE_JSON } from '../../shared/arguments.js'
import { wordsOf } from '../connection.js'
import type { Diagnosis } from './diagnosis.js'
import { failed, ok, type Step } from './step.js'

/** The call that the examination is to make. */
export interface ToolCall {
  readonly name: string
  /** JSON. */
  readonly parameters: string
}

export async function toolStep(client: MCPClient, { name, parameters }: ToolCall): Promise<Step> {
  const begun = performance.now()
  const options = { responseType: 'buffer' as const, [PARAMETERS_ARE_JSON]: true }
  try {
    const results = (await client.useTool(name, parameters, options)) as Buffer | undefined
    return ok('tool', `${name} answered with ${results?.length ?? 0} bytes`, performance.now() - begun)
  } catch (error) {
    return failed('tool', wordsOf(error), diagnose(error as MCPError, name), performance.now() - begun)
  }
}

function diagnose(error: MCPError, name: string): Diagnosis {
  switch (error.code) {
    case 'TOOL_ERROR': {
      const { toolCode } = error as MCPToolError
      return {
        cause: `The connection works; the tool ${name} answered with an error${toolCode ? ` (${toolCode})` : ''}.`,
        next: 'Check its name and --parameters; the error is in the words of the server.',
      }
    }
    case 'REQUEST_TIMEOUT':
      return {
        cause: `The connection works; the tool ${name} has not answered in time.`,
        next: 'Give it more time with --timeout, or look at what the tool waits for.',
      }
    default:
      return {
        cause: 'The connection was lost before the tool answered.',
        next: 'Run it again; look at the log of the server.',
      }
  }
}
