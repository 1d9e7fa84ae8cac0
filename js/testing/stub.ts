/** A replacement for a tool. The toolbox decides which stub answers a request. */
import type { MCPTestRequest, ToolHandler, ToolStub } from './types.js'

export class Stub implements ToolStub {
  readonly name: string
  readonly handler: ToolHandler
  /** Removes it from the toolbox. It needs no `this`, as in `t.after(stub.restore)`. */
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

  /** Whether it answers another request. */
  get isDue(): boolean {
    return this.#requests.length < this.#times
  }

  /** Records a request that this stub answers. */
  take(request: MCPTestRequest): void {
    this.#requests.push(request)
  }

  [Symbol.dispose](): void {
    this.restore()
  }
}
