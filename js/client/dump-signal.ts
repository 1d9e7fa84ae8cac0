/**
 * Writes the records of all clients to standard error on SIGUSR2, one line of JSON for each. Loaded only if the
 * environment asks for it.
 */
import process from 'node:process'

/** What it needs of a client. */
interface Recorded {
  /** The record, as one line of JSON. */
  record(): string
}

/** @param clients those that there are when the signal comes */
export function dumpOnSignal(clients: () => Iterable<Recorded>): void {
  // A listener for a signal does not keep the process alive.
  process.on('SIGUSR2', () => {
    for (const client of clients()) process.stderr.write(`${client.record()}\n`)
  })
}
