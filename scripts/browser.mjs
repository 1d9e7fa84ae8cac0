/**
 * The browser that the tests drive: one that is installed, or on Debian, as root, the one of the system's packages.
 * Nothing else is downloaded unless it is asked for, and `npm start` needs none.
 *
 * `node scripts/browser.mjs --download` fetches the one of Playwright, for systems that have none to install: Ubuntu's
 * package of Chromium is an empty one that wants snap.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Names of programs, and where installers put them that leave PATH alone. */
const PROGRAMS = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser', 'chrome']
const PLACES = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) =>
    join(process.env[name] ?? '', 'Google/Chrome/Application/chrome.exe'),
  ),
}

/** Text needs a font, and the package of the browser asks for none. */
const PACKAGES = ['chromium', 'fonts-liberation']

/**
 * Where the browser is; `$CHROMIUM_PATH` chooses.
 * @param {() => string | undefined} [downloaded] where that of Playwright would be
 * @throws Error that says what to do
 */
export function browserPath(env = process.env, platform = process.platform, downloaded = ofPlaywright) {
  const { CHROMIUM_PATH: chosen, PATH = '' } = env
  if (chosen) {
    if (isProgram(chosen)) return chosen
    throw new Error(
      `there is no program at ${chosen}, where CHROMIUM_PATH says that Chromium is: correct it, or unset it`,
    )
  }
  const inPath = PATH.split(delimiter)
    .filter(Boolean)
    .flatMap((folder) => PROGRAMS.map((name) => join(folder, name)))
  const found = [...inPath, ...(PLACES[platform] ?? [])].find(isProgram)
  if (found) return found
  const other = downloaded()
  if (other !== undefined && isProgram(other)) return other
  throw new Error(
    'the tests drive a page in Chromium, and none was found: install Chromium or Google Chrome, set CHROMIUM_PATH to one, ' +
      'or run "node scripts/browser.mjs --download"',
  )
}

/** Installs one where there is none and the system's package manager may be used. @throws Error that says what to do */
export function setUpBrowser() {
  const { CHROMIUM_PATH: chosen } = process.env
  if (!chosen && !isFound() && process.getuid?.() === 0 && isInPath('apt-get') && !isUbuntu()) install()
  return browserPath()
}

/** Fetches the browser of Playwright, and the libraries that it needs; for those it asks `sudo` on Linux. */
function download() {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  execFileSync(process.execPath, [cli, 'install', '--with-deps', '--no-shell', 'chromium'], { stdio: 'inherit' })
}

/** Nothing while the development packages are not installed. */
function ofPlaywright() {
  try {
    return createRequire(import.meta.url)('playwright-core').chromium.executablePath()
  } catch {
    return undefined
  }
}

function isUbuntu() {
  try {
    return /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

/** The lists of packages may be missing or old: then the first try fails, and the second one has new ones. */
function install() {
  console.log('Installing Chromium for the tests …')
  if (aptGet('install', '--no-install-recommends', ...PACKAGES)) return
  aptGet('update')
  aptGet('install', '--no-install-recommends', ...PACKAGES)
}

function aptGet(command, ...args) {
  const options = ['--yes', '--quiet', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0']
  try {
    execFileSync('apt-get', [command, ...options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    return true
  } catch {
    // It has said why; whether a browser is there now decides.
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

function isInPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isProgram(join(folder, name)))
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] !== '--download') throw new Error('usage: node scripts/browser.mjs --download')
  const { setUp } = await import('./setup.mjs')
  setUp()
  download()
  console.log(`The browser of the tests: ${browserPath()}`)
}
