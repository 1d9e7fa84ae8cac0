/** Brings a fresh clone to where it can be built: checks the toolchains, installs the development packages. */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkPrerequisites } from './prerequisites.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

export function setUp() {
  checkPrerequisites()
  if (isInstalled()) return
  console.log('Installing the development packages …')
  npm('ci', '--no-audit', '--no-fund')
}

/** npm notes here what it has installed. */
function isInstalled() {
  const installed = `${ROOT}node_modules/.package-lock.json`
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${ROOT}package-lock.json`).mtimeMs
}

function npm(...args) {
  // Under `npm run` this is the npm that runs us, on every platform.
  const { npm_execpath: cli } = process.env
  if (cli !== undefined) execFileSync(process.execPath, [cli, ...args], { cwd: ROOT, stdio: 'inherit' })
  else execFileSync('npm', args, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' })
}
