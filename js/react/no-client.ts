/**
 * Stands in for client.ts where there is no native code: in pages, sandboxed renderers and their bundles (`imports` of
 * package.json). Jest with jsdom asks for what pages get too, though it is a process of Node.js: there the client is
 * made all the same.
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
        'no client can be made here, because a page cannot load native code: make one in Node.js or in the main process, bring it here ' +
        'with connectClient() of @mcp-integration/client/bridge, and give it to useMCPWebSocket as `client` or to <MCPProvider client={…}>',
    })
  }
}

/** Where it can be made. Bundlers must not see what is loaded, and a page has none of what is asked for. */
function clientOfNode(): ClientClass | null {
  if (typeof __filename === 'undefined') return null
  const { process: node } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
  const modules = node?.getBuiltinModule?.('node:module') as NodeModules | undefined
  if (modules === undefined) return null
  try {
    return (modules.createRequire(__filename)('../index.js') as { MCPClient: ClientClass }).MCPClient
  } catch {
    return null
  }
}

/** Of `node:module` what is used. */
interface NodeModules {
  createRequire(path: string): (path: string) => unknown
}

export const MCPClient: ClientClass = clientOfNode() ?? (NoClient as unknown as ClientClass)
