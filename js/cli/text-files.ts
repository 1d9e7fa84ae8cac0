/** Reads files that the command line names. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { UsageError } from './failures.js'

/**
 * @param path - of the file; {@link STANDARD_INPUT} for standard input
 * @param prefix - what the error begins with: `parameter "x": `
 * @throws UsageError that names the file
 */
export async function readText(path: string, prefix: string = ''): Promise<string> {
  const bytes = await (path === STANDARD_INPUT ? buffer(process.stdin) : readFile(path)).catch((error: unknown) => {
    throw new UsageError(prefix + whyNoFile((error as NodeJS.ErrnoException).code, path))
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UsageError(`${prefix}${nameOf(path)} is not text in UTF-8`)
  }
}

function whyNoFile(code: string | undefined, path: string): string {
  if (code === 'ENOENT') return `there is no file ${path}`
  if (code === 'EISDIR') return `${nameOf(path)} is a folder, not a file`
  return `${nameOf(path)} cannot be read (${code})`
}

function nameOf(path: string): string {
  return path === STANDARD_INPUT ? 'standard input' : path
}

/** In the place of a path. */
export const STANDARD_INPUT = '-'
