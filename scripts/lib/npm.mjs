import { execFileSync } from 'node:child_process'
import { ROOT } from './root.mjs'

/**
 * Runs npm.
 * @returns {string | null} with `output`, what npm printed; otherwise its output is shown
 */
export function npm(args, { cwd = ROOT, output = false } = {}) {
  const options = {
    cwd,
    stdio: ['inherit', output ? 'pipe' : 'inherit', output ? 'ignore' : 'inherit'],
    encoding: 'utf8',
  }
  // Under `npm run` this is the npm that runs us, on every platform.
  const { npm_execpath: cli } = process.env
  if (cli !== undefined) return execFileSync(process.execPath, [cli, ...args], options)
  return execFileSync('npm', args, { ...options, shell: process.platform === 'win32' })
}
