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

/** The first of them ends the process, after `tidy`. Returns what stops listening. */
export function endOnSignals(tidy: () => void): () => void {
  const end = (signal: 'SIGINT' | 'SIGTERM') => {
    tidy()
    process.exit(EXIT_CODES[signal])
  }
  for (const signal of SIGNALS) process.once(signal, end)
  return () => {
    for (const signal of SIGNALS) process.off(signal, end)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** As shells have them: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 }
