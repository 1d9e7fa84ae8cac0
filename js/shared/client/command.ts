/** The promises of `connect`, `reconnect`, `authenticate` and `close`. They may be ignored. */
import type { ErrorData } from '../native-types.js'
import { rejectWith } from '../rejections.js'
import type { ClientErrors } from './errors.js'
import { drainSoon, occupy, type Waiter } from './hub.js'

/** Whose command it is. */
interface Commanded {
  readonly errors: ClientErrors
}

/** `act` gives the command to the core, which settles the promise by the slot. */
export function command(client: Commanded, act: (slot: number) => void): Promise<void> {
  const settled = new Promise<void>((resolve) => {
    const failure = (data: ErrorData) => {
      const makeError = client.errors.failure(data)
      return () => {
        const error = makeError()
        // It may be ignored. With a second reaction before, V8 would not find those who await it for the stack.
        settled.catch(() => {})
        return error
      }
    }
    act(occupy(new Command(client, resolve as Settle, failure)))
  })
  // Its events must be emitted even if nothing keeps the process alive any more.
  drainSoon()
  return settled
}

type Settle = (value: unknown) => void

class Command implements Waiter {
  readonly client: object
  readonly #resolve: Settle
  readonly #failure: (error: ErrorData) => () => Error

  constructor(client: object, resolve: Settle, failure: (error: ErrorData) => () => Error) {
    this.client = client
    this.#resolve = resolve
    this.#failure = failure
  }

  done(): void {
    this.#resolve(undefined)
  }

  failed(error: ErrorData): void {
    rejectWith(this.#resolve, this.#failure(error))
  }
}
