/**
 * Replaces `MCPClient` where native code cannot be loaded: in pages, sandboxed renderers and their bundles (`imports`
 * of package.json). Jest with jsdom resolves imports as a page does, but it is Node.js: there this is `MCPClient`.
 */
import { makeError } from '../shared/errors.js'
import type { MCPClientLike, MCPClientOptions } from '../shared/types.js'

type ClientClass = new (options: MCPClientOptions) => MCPClientLike

class NoClient {
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

/** `MCPClient`, if this is Node.js. It is required in a way that bundlers do not see. */
function clientOfNode(): ClientClass | null {
  if (typeof __filename === 'undefined') return null
  const { process: node } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
  const modules = node?.getBuiltinModule?.('module') as NodeModules | undefined
  if (modules === undefined) return null
  try {
    return (modules.createRequire(__filename)('../index.js') as { MCPClient: ClientClass }).MCPClient
  } catch {
    return null
  }
}

/** The part of Node.js's `module` that is used. */
interface NodeModules {
  createRequire(path: string): (path: string) => unknown
}

export const MCPClient: ClientClass = clientOfNode() ?? (NoClient as unknown as ClientClass)
