/**
 * The names and values of attributes, by the semantic conventions for MCP
 * (https://github.com/open-telemetry/semantic-conventions-genai) and, where these have none, under `mcp_client`.
 */
import type { Attributes } from '@opentelemetry/api'
import { isError } from '../shared/foreign.js'
import type { MCPClientChannels } from '../shared/types.js'

type CallContext = MCPClientChannels['mcp-client:call']

/** The name of a call's span. */
export function spanNameOf({ toolName }: CallContext): string {
  return `${METHOD} ${toolName}`
}

/** What is known of a call when it begins. The measurements have it, and the span. */
export function attributesOf({ toolName, url }: CallContext): Attributes {
  return {
    'mcp.method.name': METHOD,
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': String(toolName),
    'network.protocol.name': 'websocket',
    'network.transport': 'tcp',
    ...serverOf(url),
  }
}

/** The server of an endpoint; nothing if there is no endpoint yet. */
export function serverOf(url: string): Attributes {
  if (!URL.canParse(url)) return {}
  const { hostname, port, protocol } = new URL(url)
  return {
    'server.address': hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port),
  }
}

/** What is known when it is over, and is of the span alone. */
export function detailsOf({ client, requestId, sent, resultSize }: CallContext): Attributes {
  return {
    'mcp_client.id': client,
    ...(requestId !== undefined && { 'mcp_client.request.id': requestId }),
    ...(sent !== undefined && { 'mcp_client.request.sent': sent }),
    ...(resultSize !== undefined && { 'mcp_client.result.size': resultSize }),
  }
}

/** The code of an error of the client, `tool_error` if the tool itself has failed, else the class. */
export function errorTypeOf(error: unknown): string {
  if (!isError(error)) return typeof error
  const { code, name } = error as { code?: unknown; name: string }
  if (code === 'TOOL_ERROR') return 'tool_error'
  return typeof code === 'string' ? code : name
}

const METHOD = 'tools/call'
