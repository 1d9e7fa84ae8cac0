/**
 * Installs a browser for the tests if none is found: the system's package, on Debian as root. Elsewhere nothing is
 * downloaded unasked. `npm start` needs no browser.
 *
 * `node scripts/test/browser.mjs --download` fetches the one of Playwright, for systems without a package of Chromium:
 * Ubuntu's only installs a snap.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { browserPath } from '../../__test__/helpers/browser-path.mjs'
import { installPackages } from '../lib/apt.mjs'
import { isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'

/** Chromium needs a font to draw text, and its package does not depend on one. */
const PACKAGES = ['chromium', 'fonts-liberation']

/**
 * Installs a browser if there is none and the system's package manager may be used.
 * @returns {string} its path
 * @throws Error that says what to do
 */
export function setUpBrowser() {
  const { CHROMIUM_PATH: chosen } = process.env
  if (!chosen && !isFound() && !isUbuntu()) installPackages(...PACKAGES)
  return browserPath()
}

/** Fetches the browser of Playwright, and the libraries that it needs; on Linux, `sudo` installs those. */
function download() {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  execFileSync(process.execPath, [cli, 'install', '--with-deps', '--no-shell', 'chromium'], { stdio: 'inherit' })
}

function isUbuntu() {
  try {
    return /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

function isFound() {
  try {
    return browserPath() !== ''
  } catch {
    return false
  }
}

if (isMain(import.meta.url)) {
  if (process.argv[2] !== '--download') throw new Error('usage: node scripts/test/browser.mjs --download')
  setUp()
  download()
  console.log(`The browser of the tests: ${browserPath()}`)
}
