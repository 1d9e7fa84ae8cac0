import { ToolFailure } from '../tool-failure.js'
import type { BuiltInTool } from '../toolbox.js'
import { Parameters } from './parameters.js'

/** Fails, with a message and a code of the caller's choice. */
export const fail: BuiltInTool = {
  name: 'fail',
  description: 'Fails, with a message and a code of your choice.',
  parameters: {
    type: 'object',
    properties: { message: { type: 'string' }, code: { type: 'string' } },
  },
  run(parameters) {
    const read = new Parameters('fail', parameters)
    throw new ToolFailure(read.optionalText('message') ?? 'The tool failed, as requested', read.optionalText('code'))
  },
}
