/** The tools that every test server has. */
import type { BuiltInTool } from '../toolbox.js'
import { echo } from './echo.js'
import { fail } from './fail.js'
import { sleep } from './sleep.js'
import { webSearch } from './web-search/tool.js'

/**
 * @param status - returns the results of the `status` tool
 * @param docs - the folder that `web_search` searches; by default, this package's own documents
 */
export function builtInTools(status: () => object, docs: string | undefined): readonly BuiltInTool[] {
  return [
    webSearch(docs),
    {
      name: 'status',
      description: 'Says how the server is, and which tools it has.',
      parameters: { type: 'object', properties: {} },
      run: status,
    },
    echo,
    sleep,
    fail,
  ]
}
