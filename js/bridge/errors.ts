/** Errors on their way across: what is sent of one, and the instance it becomes again. */
import { MCPError, MCPToolError, errorOf, makeError } from '../shared/errors.js'
import { VERSION, type BridgeError } from './messages.js'

/** How far causes of causes are followed: a made-up chain may have no end. */
const MAX_CAUSES = 8

/** What crosses of an error: the words and the codes, never a stack and never properties of its own. */
export function encodeError(error: unknown, depth = 0): BridgeError {
  if (!(error instanceof MCPError)) return encodeForeign(error)
  const cause = causeThatCrosses(error)
  return {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(error.requestId !== undefined && { requestId: error.requestId }),
    ...(error.sent !== undefined && { sent: error.sent }),
    ...(error instanceof MCPToolError && {
      data: error.data,
      ...(error.toolCode !== null && { toolCode: error.toolCode }),
    }),
    ...(cause !== undefined && depth < MAX_CAUSES && encodeCause(cause, depth)),
  }
}

/** An error of the client, or one of the operating system with what Node.js says of one. */
function encodeCause(cause: unknown, depth: number): Pick<BridgeError, 'cause' | 'systemCause'> {
  if (cause instanceof MCPError) return { cause: encodeError(cause, depth + 1) }
  const { message } = encodeForeign(cause)
  const { code, address, port } = Object(cause) as { code?: unknown; address?: unknown; port?: unknown }
  return {
    systemCause: {
      message,
      ...(typeof code === 'string' && { code }),
      ...(typeof address === 'string' && { address }),
      ...(typeof port === 'number' && { port }),
    },
  }
}

/** The error for one who may not know where the client is connected to. What a server has said stays as it is. */
export function withoutUrl(error: BridgeError, url: string): BridgeError {
  const { systemCause, cause, ...rest } = error
  const hide = (words: string) => hostsOf(url).reduce((text, host) => text.replaceAll(host, '…'), words)
  return {
    ...rest,
    ...(error.code !== 'TOOL_ERROR' && { message: hide(error.message) }),
    ...(cause !== undefined && { cause: withoutUrl(cause, url) }),
    // Of the system's words only the code is sure to name no address.
    ...(systemCause !== undefined && {
      systemCause: { message: systemCause.code ?? 'hidden', ...codeOf(systemCause) },
    }),
  }
}

function codeOf({ code }: { code?: string | undefined }): { code?: string } {
  return code === undefined ? {} : { code }
}

/** The parts of a URL that say where it leads, the longest first. */
function hostsOf(url: string): string[] {
  const [shown, host] = /^\w+:\/\/([^/?#]+)[^?#]*/.exec(url) ?? []
  return shown === undefined || host === undefined ? [] : [shown, host, host.replace(/:\d+$/, '')]
}

/** @param toolName whose call it was */
export function decodeError(error: BridgeError, toolName?: string): Error {
  if (error.code !== '') return errorOf(error, { toolName })
  const { name, message } = error
  return name === 'TypeError'
    ? new TypeError(message)
    : name === 'RangeError'
      ? new RangeError(message)
      : new Error(message)
}

/** One that is shown as the state of a client: whatever has come, it is an MCPError. */
export function asMCPError(error: BridgeError): MCPError {
  const decoded = decodeError(error)
  return decoded instanceof MCPError
    ? decoded
    : makeError('INTERNAL_ERROR', { message: decoded.message, cause: decoded })
}

export function otherVersion(version: number): MCPError {
  const message = `the other end speaks version ${version} of the bridge, this one ${VERSION}: use the same version of the package on both ends`
  return makeError('BRIDGE_VERSION', { message })
}

/** What the serving end does not allow. */
export function notAllowed(message: string): MCPError {
  return makeError('NOT_ALLOWED', { message, sent: false })
}

export function connectionLost(message: string, sent?: boolean): MCPError {
  return makeError('CONNECTION_LOST', { message, sent })
}

function encodeForeign(error: unknown): BridgeError {
  const isError = error instanceof Error
  return {
    code: '',
    name: isError ? error.name : 'Error',
    message: isError ? error.message : String(error),
    retryable: false,
  }
}

/** What a token function has thrown may speak of the token: it stays where the key is. */
function causeThatCrosses({ code, cause }: MCPError): unknown {
  return code === 'AUTH_FAILED' && !(cause instanceof MCPError) ? undefined : cause
}
