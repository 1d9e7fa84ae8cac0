/**
 * Bounds how much retries add to the load of a platform that is in trouble, as gRPC's retry throttling does (gRFC A6):
 * a failure costs a token, a success gives a part of one back, and at half of the tokens retries end.
 */
export class RetryBudget {
  /** In tenths of a token, so that sums are exact. */
  readonly #most: number
  #spent = 0

  constructor(tokens: number) {
    this.#most = TOKEN * tokens
  }

  /** Whether more than half of the tokens are left. */
  get allowsRetry(): boolean {
    return this.#spent < this.#most / 2
  }

  failed(): void {
    this.#spent = Math.min(this.#spent + TOKEN, this.#most)
  }

  succeeded(): void {
    this.#spent = Math.max(this.#spent - GIVEN_BACK, 0)
  }
}

const TOKEN = 10
/** If one call in eleven fails, and succeeds when it is repeated, the tokens never run out. */
const GIVEN_BACK = 1
