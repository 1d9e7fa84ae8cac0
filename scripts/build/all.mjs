/** Builds the native addon and the TypeScript. `--debug` builds the addon without optimisation. */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { ROOT, isMain } from '../lib/root.mjs'
import { buildJs } from './js.mjs'

export async function build({ release = true } = {}) {
  const cli = `${ROOT}node_modules/@napi-rs/cli/dist/cli.js`
  const profile = release ? ['--release'] : []
  const args = [
    cli,
    'build',
    '--package',
    'mcp-client',
    '--platform',
    '--no-default-features',
    '--no-js',
    '--dts',
    'js/native/binding.d.ts',
    ...profile,
  ]
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
  // Files of an earlier build must not stay.
  rmSync(`${ROOT}dist`, { recursive: true, force: true })
  await buildJs()
}

if (isMain(import.meta.url)) await build({ release: !process.argv.includes('--debug') })
