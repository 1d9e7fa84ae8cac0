/**
 * `@mcp-integration/client/retry`: repeats calls that failed, and makes many calls a bounded number at once.
 * For every client of the package, in Node.js and in pages. It loads no native code.
 *
 * @packageDocumentation
 */
export { withRetry, type RetryOptions } from './retry/with-retry.js'
export { mapTools, type MapToolsOptions } from './retry/map-tools.js'
export type {
  MCPClientLike,
  MCPTools,
  ParametersOf,
  ResultsOf,
  ToolsWithoutRequiredParameters,
  Undeclared,
  UseToolOptions,
} from './shared/types.js'
