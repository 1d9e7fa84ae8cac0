/**
 * Brings a fresh clone to where it can be built: checks the toolchains, installs the development packages. The tests
 * need a browser too.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setUpBrowser } from './browser.mjs'
import { checkPrerequisites } from './prerequisites.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

export function setUp() {
  checkPrerequisites()
  if (isInstalled()) return
  console.log('Installing the development packages …')
  npm(['ci', '--no-audit', '--no-fund'])
}

/** What the tests need besides; it stands still for nothing that is there already. */
export function setUpTests() {
  setUp()
  try {
    console.log(`The browser of the tests: ${setUpBrowser()}`)
  } catch ({ message }) {
    console.error(message)
    process.exit(1)
  }
}

/** npm notes here what it has installed. */
function isInstalled() {
  const installed = `${ROOT}node_modules/.package-lock.json`
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${ROOT}package-lock.json`).mtimeMs
}

/** Runs npm. @returns {string | null} what it printed, if `output` asks for that; else it is shown */
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
