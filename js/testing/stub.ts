/** One stand-in for a tool. Which stub answers a request is the toolbox's decision. */
import type { MCPTestRequest, ToolHandler, ToolStub } from './types.js'

export class Stub implements ToolStub {
  readonly name: string
  readonly handler: ToolHandler
  /** Takes it out of the toolbox. It may be handed on without its object, as in `t.after(stub.restore)`. */
  readonly restore: () => void
  readonly #times: number
  readonly #requests: MCPTestRequest[] = []

  constructor(name: string, handler: ToolHandler, times: number, restore: () => void) {
    this.name = name
    this.handler = handler
    this.#times = times
    this.restore = restore
  }

  get requests(): readonly MCPTestRequest[] {
    return [...this.#requests]
  }

  /** False when it has answered as often as it was to. */
  get isDue(): boolean {
    return this.#requests.length < this.#times
  }

  /** It is this stub that answers the request. */
  take(request: MCPTestRequest): void {
    this.#requests.push(request)
  }

  [Symbol.dispose](): void {
    this.restore()
  }
}
