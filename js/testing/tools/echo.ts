import type { BuiltInTool } from '../toolbox.js'

/** Answers with its own parameters, whatever they are. */
export const echo: BuiltInTool = {
  name: 'echo',
  description: 'Answers with its own parameters.',
  parameters: { type: 'object', properties: {} },
  run: (parameters) => parameters,
}
