/** Where the project is, and which module is the program. */
import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root folder of the project, with a separator at its end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Whether a module is the program that Node.js was started with; otherwise another module imports it, and it must do
 * nothing by itself.
 * @param {string} url `import.meta.url` of the module
 */
export function isMain(url) {
  const [, program] = process.argv
  return program !== undefined && existsSync(program) && realpathSync(program) === fileURLToPath(url)
}
