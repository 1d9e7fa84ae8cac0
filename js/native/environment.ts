/** Reads environment variables. */
import { env } from 'node:process'

/** A variable that is empty counts as unset, and so does one that this process may not read (Deno, `--allow-env`). */
export function environment(name: string): string | undefined {
  try {
    return env[name] || undefined
  } catch {
    return undefined
  }
}
