import type { BuiltInTool } from '../toolbox.js'

/** Answers with its own parameters, whatever they are. */
export const echo: BuiltInTool = {
  name: 'echo',
  schema: { type: 'object', properties: {} },
  run: (parameters) => parameters,
}
