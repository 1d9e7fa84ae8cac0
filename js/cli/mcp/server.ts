/** What a host talks to: an MCP server with the platform's tools. There is one for each connection of a host. */
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type CallToolRequest,
  type CallToolResult,
  type ServerContext,
  type Tool as HostTool,
} from '@modelcontextprotocol/server'
import { shown } from '../catalogue/make.js'
import type { Tool } from '../catalogue/tool.js'
import { beat } from './beats.js'
import { type Check, checkOf } from './check.js'
import { failureOf, unknownTools, wrongParameters } from './failures.js'
import type { Log } from './log.js'
import type { Platform } from './platform.js'
import type { Results } from './results.js'
import type { Toolbox } from './toolbox.js'

export interface Parts {
  readonly platform: Platform
  readonly toolbox: Toolbox
  readonly results: Results
  readonly log: Log
}

export function createServer(parts: Parts): Server {
  const { toolbox, results, log } = parts
  const server = new Server(
    { name: 'mcp-client', title: 'MCP Integration Platform', version: PACKAGE_VERSION },
    { capabilities: { tools: { listChanged: true }, resources: {}, logging: {} } },
  )
  server.setRequestHandler('tools/list', async () => ({
    tools: (await toolbox.list()).map(hostToolOf),
  }))
  server.setRequestHandler('tools/call', (request, context) => callTool(parts, server, request, context))
  server.setRequestHandler('resources/list', () => ({ resources: results.list() }))
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [TEMPLATE] }))
  server.setRequestHandler('resources/read', ({ params: { uri } }) => {
    const found = results.read(uri)
    if (found === undefined) throw new ResourceNotFoundError(uri)
    return found
  })
  // The host may be gone, or may not have finished its first words.
  const ignore = () => {}
  const changed = () => void server.sendToolListChanged().catch(ignore)
  const endLog = log.listen((level, data) => {
    void server.sendLoggingMessage({ level, data, logger: 'mcp-client' }).catch(ignore)
  })
  toolbox.on('change', changed)
  server.onclose = () => {
    endLog()
    toolbox.off('change', changed)
  }
  server.onerror = (error) => log.write('info', error.message)
  return server
}

function hostToolOf({ hostName, description, inputSchema, annotations }: Tool): HostTool {
  return {
    name: hostName,
    ...(annotations?.title !== undefined && { title: annotations.title }),
    ...(description !== undefined && { description }),
    inputSchema: inputSchema as HostTool['inputSchema'],
    ...(annotations !== undefined && { annotations: annotations as NonNullable<HostTool['annotations']> }),
  }
}

async function callTool(
  parts: Parts,
  server: Server,
  { params: { name, arguments: parameters = {} } }: CallToolRequest,
  context: ServerContext,
): Promise<CallToolResult> {
  const { platform, toolbox, results, log } = parts
  const { signal } = context.mcpReq
  const stopBeating = beat(context, () => platform.client.state)
  try {
    const tool = await toolbox.find(name)
    if (tool === 'unknown') return unknownTools(platform.client.error)
    if (tool === 'none') throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${shown(name)}`)
    const fault = checkFor(tool, log)(parameters)
    if (fault !== undefined) return wrongParameters(fault)
    try {
      const call = { name: tool.name, parameters, isIdempotent: tool.isIdempotent, signal }
      return results.resultOf(await platform.call(call), mayLink(server))
    } catch (error) {
      const failed = failureOf(error, tool)
      void context.mcpReq
        .log('warning', `${shown(name)} failed: ${(error as Error).message}`, 'mcp-client')
        .catch(() => {})
      return failed
    }
  } finally {
    stopBeating()
  }
}

function checkFor(tool: Tool, log: Log): Check {
  const known = CHECKS.get(tool)
  if (known !== undefined) return known
  const check = checkOf(tool.inputSchema, (why) =>
    log.write('warning', `the parameters of ${shown(tool.name)} are not checked against its schema: ${why}`),
  )
  CHECKS.set(tool, check)
  return check
}

/** Revisions are dates. */
function mayLink(server: Server): boolean {
  return (server.getNegotiatedProtocolVersion() ?? '') >= '2025-06-18'
}

const CHECKS = new WeakMap<Tool, Check>()

const TEMPLATE = {
  uriTemplate: 'mcp-client://results/{result}/{part}',
  name: 'results that were too long for one answer',
  mimeType: 'text/plain',
}
