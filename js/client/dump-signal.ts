/**
 * Writes the records of all clients to standard error on SIGUSR2, one line of JSON for each. Loaded only if the
 * environment asks for it.
 */
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

/** What it needs of a client. */
interface Recorded {
  /** The record, as one line of JSON. */
  record(): string
}

/**
 * The signal is the process's: its main thread answers.
 * @param clients those that there are when the signal comes
 */
export function dumpOnSignal(clients: () => Iterable<Recorded>): void {
  if (!isMainThread) return
  // A listener for a signal does not keep the process alive.
  process.on('SIGUSR2', () => {
    for (const client of clients()) process.stderr.write(`${client.record()}\n`)
  })
}
