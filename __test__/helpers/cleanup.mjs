/** What the helpers of tests need of a test, for programs that use them. */
export class Cleanup {
  #steps = []

  after(step) {
    this.#steps.unshift(step)
  }

  async run() {
    for (const step of this.#steps) await step()
  }
}
