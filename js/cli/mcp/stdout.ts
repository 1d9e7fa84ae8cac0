/** Keeps standard output for the protocol: whatever else is printed there, by any package, goes to standard error. */
import { Writable } from 'node:stream'

/** Standard output; from now on nobody else has it. */
export function takeStandardOutput(): Writable {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout) as (
    chunk: unknown,
    encoding: string,
    done: (error?: Error) => void,
  ) => boolean
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write
  return new Writable({ decodeStrings: false, write: (chunk, encoding, done) => write(chunk, encoding, done) })
}
