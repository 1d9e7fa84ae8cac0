/** The calls and commands of the far end that are not settled yet, by their ids. */
import { errorOfCall, makeError, type MCPError } from '../shared/errors.js'
import type { ToServer } from './messages.js'
import { rejectWith } from '../shared/rejections.js'
import { abortWith } from '../shared/signals.js'
import { startTimer, type Timer } from './time.js'

/** A message that has a promise. */
export type Asking = Extract<ToServer, { type: 'call' | 'command' }>

/** A call or a command, and its promise. */
export interface Request {
  readonly message: Asking
  readonly resolve: (value: any) => void
  readonly reject: (reason: unknown) => void
  /** The promise of a command, which may be ignored. */
  ignorable?: Promise<void>
  timesSent: number
  /** It waits for the other end, to be sent for the first time or again. */
  isHeld: boolean
  deadline: Timer | null
  /** Removes the listener of the signal. */
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

  has(id: number): boolean {
    return this.#open.has(id)
  }

  nextId(): number {
    return this.#nextId++
  }

  add(request: Request): void {
    this.#open.set(request.message.id, request)
  }

  /** Calls `overdue` if the request is not taken within `timeout` ms from now; 0 for no limit. */
  limit(request: Request, timeout: number, overdue: () => void): void {
    request.deadline?.stop()
    request.deadline = timeout === 0 ? null : startTimer(timeout, overdue)
  }

  /** Calls `aborted` if the signal aborts before the request is taken. */
  abortBy(request: Request, signal: AbortSignal, aborted: (reason: unknown) => void): void {
    request.unlisten = abortWith(signal, { abort: aborted })
  }

  /** Removes a request, which the caller then settles. */
  take(id: number): Request | undefined {
    const request = this.#open.get(id)
    this.#open.delete(id)
    request?.deadline?.stop()
    request?.unlisten?.()
    return request
  }
}

/** Rejects a request that was taken. */
export function fail({ resolve, ignorable }: Request, makeError: () => Error): void {
  rejectWith(resolve, () => {
    const error = makeError()
    // Not earlier: with another reaction before, V8 would not find the functions that await it for the stack.
    ignorable?.catch(() => {})
    return error
  })
}

/** Like a client (PROTOCOL.md rule 3): an idempotent call is sent again at most twice. */
export function maySendAgain({ message, timesSent }: Request): boolean {
  if (message.type === 'command') return message.name === 'connect'
  return message.options.idempotent === true && timesSent <= MAX_RESENDS
}

export function toolNameOf({ message }: Request): string | undefined {
  return message.type === 'call' ? message.tool : undefined
}

/** The error of a request that was sent through a port that is lost. */
export function lossOf(request: Request, error: MCPError): MCPError {
  const call = { toolName: toolNameOf(request), sent: true }
  // Sent again, it would close the socket again. A call that is not idempotent may have run.
  if (error.code !== 'MESSAGE_TOO_LARGE' || maySendAgain(request)) return errorOfCall(error, call)
  return makeError('CONNECTION_LOST', { message: error.message, ...call })
}

/** An id like those that the client makes (PROTOCOL.md rule 8). */
export function newRequestId(): string {
  const digits = crypto.getRandomValues(new Uint32Array(9))
  return `req_${Date.now()}_${Array.from(digits, (digit) => (digit % 36).toString(36)).join('')}`
}

const MAX_RESENDS = 2
