/** Prepares a fresh clone for the build: checks the toolchains, and installs the development packages. */
import { existsSync, statSync } from 'node:fs'
import { npm } from './npm.mjs'
import { checkPrerequisites } from './prerequisites.mjs'
import { ROOT } from './root.mjs'

/** Checks the toolchains, and installs the development packages unless they are installed. */
export function setUp() {
  checkPrerequisites()
  if (isInstalled()) return
  console.log('Installing the development packages …')
  // Of warnings it would have a page: Electron's declarations, a development package, ask for a newer Node.js.
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** npm writes this file last when it installs. */
function isInstalled() {
  const installed = `${ROOT}node_modules/.package-lock.json`
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${ROOT}package-lock.json`).mtimeMs
}
