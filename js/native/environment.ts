/** Reads environment variables. */

/** A variable that is empty counts as unset, and so does one that this process may not read (Deno, `--allow-env`). */
export function environment(name: string): string | undefined {
  try {
    return process.env[name] || undefined
  } catch {
    return undefined
  }
}
