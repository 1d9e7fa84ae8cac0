/** The calls and commands of the far end that are not settled yet, by the numbers under which they cross. */
import { errorOfCall, makeError, type MCPError } from '../shared/errors.js'
import type { ToServer } from './messages.js'
import { startTimer, type Timer } from './time.js'

/** What somebody waits for. */
export type Asking = Extract<ToServer, { type: 'call' | 'command' }>

/** One of them. */
export interface Request {
  readonly message: Asking
  resolve(value: unknown): void
  reject(error: unknown): void
  /** 0 while it waits for the other end. */
  timesSent: number
  isHeld: boolean
  deadline: Timer | null
  /** Lets go of the signal. */
  unlisten: (() => void) | null
}

export class Requests {
  /** In the order in which they were made. */
  readonly #open = new Map<number, Request>()
  #nextId = 0

  get size(): number {
    return this.#open.size
  }

  get all(): readonly Request[] {
    return [...this.#open.values()]
  }

  get held(): readonly Request[] {
    return this.all.filter(({ isHeld }) => isHeld)
  }

  get sent(): readonly Request[] {
    return this.all.filter(({ isHeld }) => !isHeld)
  }

  nextId(): number {
    return this.#nextId++
  }

  add(request: Request): void {
    this.#open.set(request.message.id, request)
  }

  /** Calls `overdue` unless the request is taken within so many ms, counted from now; 0 is for ever. */
  limit(request: Request, timeout: number, overdue: () => void): void {
    request.deadline?.stop()
    request.deadline = timeout === 0 ? null : startTimer(timeout, overdue)
  }

  /** Calls `aborted` if the signal aborts before the request is taken. */
  abortBy(request: Request, signal: AbortSignal, aborted: () => void): void {
    signal.addEventListener('abort', aborted, { once: true })
    request.unlisten = () => signal.removeEventListener('abort', aborted)
  }

  /** Whoever takes it settles it. */
  take(id: number): Request | undefined {
    const request = this.#open.get(id)
    this.#open.delete(id)
    request?.deadline?.stop()
    request?.unlisten?.()
    return request
  }
}

/** As rule 3 of the protocol: what may run twice is sent again twice at most. */
export function maySendAgain({ message, timesSent }: Request): boolean {
  if (message.type === 'command') return message.name === 'connect'
  return message.options.idempotent === true && timesSent <= MAX_RESENDS
}

export function toolNameOf({ message }: Request): string | undefined {
  return message.type === 'call' ? message.tool : undefined
}

/** The error of a request that has left through a port that was lost. */
export function lossOf(request: Request, error: MCPError): MCPError {
  const call = { toolName: toolNameOf(request), sent: true }
  // Another try would end the socket again. What may not run twice is not known not to have run.
  if (error.code !== 'MESSAGE_TOO_LARGE' || maySendAgain(request)) return errorOfCall(error, call)
  return makeError('CONNECTION_LOST', { message: error.message, ...call })
}

/** As the client makes them (PROTOCOL.md rule 8). */
export function newRequestId(): string {
  const digits = crypto.getRandomValues(new Uint32Array(9))
  return `req_${Date.now()}_${Array.from(digits, (digit) => (digit % 36).toString(36)).join('')}`
}

const MAX_RESENDS = 2
