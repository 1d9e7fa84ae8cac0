/** Throw it in a tool to answer with the protocol's error `{ message, code }`. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure'
  /** The `code` of the error that is sent. */
  readonly code: string

  /** @param code - the code for programs. Default `TOOL_ERROR`. */
  constructor(message: string, code: string = DEFAULT_TOOL_ERROR_CODE) {
    super(message)
    this.code = code
  }
}

/** The code of an error without one, as the platform's servers send it. */
export const DEFAULT_TOOL_ERROR_CODE = 'TOOL_ERROR'
