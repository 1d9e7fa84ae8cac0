/** Signals that ask a process to stop. */

/** Resolves with the first of them; a second one ends the process at once. `end` stops listening. */
export function toldToStop(): { readonly told: Promise<void>; end(): void } {
  let end = () => {}
  const told = new Promise<void>((resolve) => {
    const stop = () => {
      // Not at once: a library that also listens ends the process if it is the only one.
      setImmediate(end)
      resolve()
    }
    end = () => {
      for (const signal of SIGNALS) process.off(signal, stop)
    }
    for (const signal of SIGNALS) process.on(signal, stop)
  })
  return { told, end: () => end() }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
