/**
 * The names and values of attributes, by the semantic conventions for MCP
 * (https://github.com/open-telemetry/semantic-conventions-genai) and, where these have none, under `mcp_client`.
 */
import type { Attributes } from '@opentelemetry/api'
import { isError } from '../shared/foreign.js'
import type { MCPClientChannels } from '../shared/types.js'

export type CallContext = MCPClientChannels['mcp-client:call']
export type DialContext = MCPClientChannels['mcp-client:connect']

/** The name of a call's span. */
export function spanNameOf({ toolName }: CallContext): string {
  return `${METHOD} ${toolName}`
}

/** What is known of a call when it begins. The measurements have it, and the span. */
export function attributesOfCall({ toolName, url }: CallContext): Attributes {
  return {
    'mcp.method.name': METHOD,
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': String(toolName),
    ...NETWORK,
    ...serverOf(url),
  }
}

/** What is known of a dial when it begins. */
export function attributesOfDial({ client, connection, url }: DialContext): Attributes {
  return { ...NETWORK, ...serverOf(url), 'mcp_client.id': client, 'mcp_client.connection': connection }
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

/** What is known of a call when it is over, and is of the span alone. */
export function detailsOfCall({ client, requestId, sent, resultSize }: CallContext): Attributes {
  return {
    'mcp_client.id': client,
    ...(requestId !== undefined && { 'mcp_client.request.id': requestId }),
    ...(sent !== undefined && { 'mcp_client.request.sent': sent }),
    ...(resultSize !== undefined && { 'mcp_client.result.size': resultSize }),
  }
}

/** What is known of a dial when it is over. */
export function detailsOfDial({ proxy, address }: DialContext): Attributes {
  const [, peer, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address ?? '') ?? []
  return {
    ...(peer !== undefined && { 'network.peer.address': peer, 'network.peer.port': Number(port) }),
    ...(typeof proxy === 'string' && { 'mcp_client.proxy': proxy }),
  }
}

/** What kind of failure it was, if it was one. */
export function failureOf(context: CallContext | DialContext): Attributes {
  return 'error' in context ? { 'error.type': errorTypeOf(context.error) } : {}
}

/** The code of an error of the client, `tool_error` if the tool itself has failed, else the class. */
function errorTypeOf(error: unknown): string {
  if (!isError(error)) return typeof error
  const { code, name } = error as { code?: unknown; name: string }
  if (code === 'TOOL_ERROR') return 'tool_error'
  return typeof code === 'string' ? code : name
}

const METHOD = 'tools/call'
const NETWORK = { 'network.protocol.name': 'websocket', 'network.transport': 'tcp' }
