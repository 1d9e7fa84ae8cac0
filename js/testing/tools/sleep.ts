import { delay } from '../node.js'
import type { BuiltInTool } from '../toolbox.js'
import { Parameters } from './parameters.js'

/** Answers after a delay: to test timeouts, drains, and answers that overtake each other. */
export const sleep: BuiltInTool = {
  name: 'sleep',
  description: 'Answers after a delay.',
  parameters: {
    type: 'object',
    properties: { ms: { type: 'number', minimum: 0, maximum: 60_000 } },
    required: ['ms'],
  },
  async run(parameters, { signal }) {
    const ms = new Parameters('sleep', parameters).number('ms', { min: 0, max: 60_000 })
    await delay(ms, undefined, { signal })
    return { slept: ms }
  },
}
