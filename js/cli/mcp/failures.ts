/** Failed calls as MCP has them: results that say what went wrong, whether the tool may have run, and what to do. */
import type { CallToolResult } from '@modelcontextprotocol/server'
import type { MCPError } from '../../index.js'
import type { Tool } from '../catalogue/tool.js'
import { wordsOf } from '../connection.js'
import { printable } from '../text.js'
import { Resting } from './platform.js'

/** What a host, or its model, can act on. */
interface Failure {
  readonly code: string
  readonly message: string
  /** The tool's own code. */
  readonly toolCode?: string
  /** Whether the call was sent: then the tool may have run. `undefined` if the tool has certainly run. */
  readonly sent?: boolean
  readonly retryable: boolean
  readonly hint: string
}

export function failureOf(error: unknown, tool: Pick<Tool, 'isIdempotent'>): CallToolResult {
  if (error instanceof Resting) return resultOf(restingFailure(error))
  const { code, retryable = false, sent, toolCode } = error as Partial<MCPError> & { toolCode?: string | null }
  return resultOf({
    code: code ?? 'INTERNAL_ERROR',
    message: wordsOf(error),
    ...(toolCode && { toolCode }),
    ...(sent !== undefined && { sent }),
    retryable,
    hint: hintFor(code, sent, retryable, tool.isIdempotent),
  })
}

/** The parameters do not fit: nothing was sent. */
export function wrongParameters(fault: string): CallToolResult {
  return resultOf({
    code: 'INVALID_PARAMETERS',
    message: `the parameters do not fit the tool's schema: ${fault}`,
    sent: false,
    retryable: false,
    hint: 'Correct the parameters and call the tool again.',
  })
}

/** It is not known which tools there are. */
export function unknownTools(error: unknown): CallToolResult {
  return resultOf({
    code: (error as Partial<MCPError> | null)?.code ?? 'NOT_CONNECTED',
    message: `the tools of the platform are not known yet${error === null ? '' : `: ${wordsOf(error)}`}`,
    sent: false,
    retryable: true,
    hint: 'Call the tool again in a minute.',
  })
}

function restingFailure({ cause, message, seconds }: Resting): Failure {
  return {
    code: (cause as Partial<MCPError> | null)?.code ?? 'NOT_CONNECTED',
    message: cause === null ? message : wordsOf(cause),
    sent: false,
    retryable: true,
    hint: `The connection was tried just now. A call in ${seconds} s tries it again; what is wrong may have to be mended first.`,
  }
}

function hintFor(code: string | undefined, sent: boolean | undefined, retryable: boolean, isSafe: boolean): string {
  switch (code) {
    case 'TOOL_ERROR':
      return 'The tool itself has failed. Look at its message: other parameters may help.'
    case 'AUTH_FAILED':
      return 'The platform refuses the key: whoever configures this server must give it another, as MCP_API_KEY.'
    case 'MESSAGE_TOO_LARGE':
      return 'Ask for less, or send less.'
    case 'QUEUE_FULL':
      return 'Wait for the answers of other calls, then call the tool again.'
  }
  if (sent === true)
    return isSafe
      ? 'The tool may have run. Running it twice does no harm: call it again.'
      : 'The tool may have run: find out whether it has before you call it again.'
  return retryable || sent === false
    ? 'The tool has not run. The connection is tried again by itself: call the tool again in a while.'
    : 'Calling it again does not help: tell whoever configures this server.'
}

function resultOf(failure: Failure): CallToolResult {
  const { code, message, toolCode, hint } = failure
  const codes = toolCode === undefined ? code : `${code}, ${toolCode}`
  return {
    content: [{ type: 'text', text: `${printable(message)} (${codes})\n${hint}` }],
    structuredContent: { error: { ...failure, message: printable(message) } },
    isError: true,
  }
}
