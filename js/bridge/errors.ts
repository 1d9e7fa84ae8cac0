/** Errors on their way across the bridge: what is sent of an error, and the instance that is made of it. */
import { MCPError, MCPToolError, errorOf, makeError } from '../shared/errors.js'
import { isError, messageOf } from '../shared/foreign.js'
import { isCausedByUser } from '../shared/thrown.js'
import { VERSION, type BridgeError } from './messages.js'

/** How far causes of causes are followed: a forged chain may be endless. */
const MAX_CAUSES = 8

/** What is sent of an error: message and codes, never a stack and never other properties. */
export function encodeError(error: unknown, depth = 0): BridgeError {
  if (!(error instanceof MCPError)) return encodeForeign(error)
  const cause = isCausedByUser(error) ? undefined : error.cause
  return {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(error.requestId !== undefined && { requestId: error.requestId }),
    ...(error.sent !== undefined && { sent: error.sent }),
    ...(error.phase !== undefined && { phase: error.phase }),
    ...(error.status !== undefined && { status: error.status }),
    ...(error.location !== undefined && { location: error.location }),
    ...(error.body !== undefined && { body: error.body }),
    ...(error.proxy !== undefined && { proxy: error.proxy }),
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

/** The error without the address that the client connects to. The server's own words stay unchanged. */
export function withoutUrl(error: BridgeError, url: string): BridgeError {
  const { systemCause, cause, ...rest } = error
  const hide = (words: string) => hostsOf(url).reduce((text, host) => text.replaceAll(host, '…'), words)
  return {
    ...rest,
    ...(error.code !== 'TOOL_ERROR' && { message: hide(error.message) }),
    ...(cause !== undefined && { cause: withoutUrl(cause, url) }),
    // Only the code of a system error certainly contains no address.
    ...(systemCause !== undefined && {
      systemCause: { message: systemCause.code ?? 'hidden', ...codeOf(systemCause) },
    }),
  }
}

function codeOf({ code }: { code?: string | undefined }): { code?: string } {
  return code === undefined ? {} : { code }
}

/** The forms in which an error may name the host, the longest first. */
function hostsOf(url: string): string[] {
  const [shown, host] = /^\w+:\/\/([^/?#]+)[^?#]*/.exec(url) ?? []
  return shown === undefined || host === undefined ? [] : [shown, host, host.replace(/:\d+$/, '')]
}

/** @param toolName the tool that was called */
export function decodeError(error: BridgeError, toolName?: string): Error {
  if (error.code !== '') return errorOf(error, { toolName })
  const { name, message } = error
  return name === 'TypeError'
    ? new TypeError(message)
    : name === 'RangeError'
      ? new RangeError(message)
      : new Error(message)
}

/** The error of a state, which is always an MCPError. */
export function asMCPError(error: BridgeError): MCPError {
  const decoded = decodeError(error)
  return decoded instanceof MCPError
    ? decoded
    : makeError('INTERNAL_ERROR', { message: decoded.message, cause: decoded })
}

/** The error if the other end has another version of the bridge. */
export function otherVersion(version: number): MCPError {
  const message = `the other end speaks version ${version} of the bridge, this one ${VERSION}: use the same version of the package on both ends`
  return makeError('BRIDGE_VERSION', { message })
}

/** The error for what the serving end does not allow. */
export function notAllowed(message: string): MCPError {
  return makeError('NOT_ALLOWED', { message, sent: false })
}

export function connectionLost(message: string, sent?: boolean): MCPError {
  return makeError('CONNECTION_LOST', { message, sent })
}

function encodeForeign(error: unknown): BridgeError {
  return {
    code: '',
    name: isError(error) ? error.name : 'Error',
    message: messageOf(error),
    retryable: false,
  }
}
