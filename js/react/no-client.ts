/**
 * Replaces `MCPClient` where native code cannot be loaded: in pages, sandboxed renderers and their bundles (`imports`
 * of package.json).
 */
import { makeError } from '../shared/errors.js'

export class MCPClient {
  /** @throws MCPError CONNECT_FAILED, always */
  constructor() {
    throw makeError('CONNECT_FAILED', {
      retryable: false,
      message:
        'no client can be made here, because a page cannot load native code: make one in Node.js or in the main process, connect to it ' +
        'with connectClient() of @mcp-integration/client/bridge, and give it to useMCPWebSocket as `client` or to <MCPProvider client={…}>',
    })
  }
}
