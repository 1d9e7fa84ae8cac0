/** Finds the browser that the tests drive. Needs nothing but Node.js, because it runs before anything is installed. */
import { accessSync, constants, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'

/**
 * The path of an installed Chromium or Google Chrome, or of Playwright's; `$CHROMIUM_PATH` names another one.
 * @param {() => string | undefined} [downloaded] where Playwright's would be
 * @throws Error that says what to do
 */
export function browserPath(env = process.env, platform = process.platform, downloaded = playwrightsPath) {
  const { CHROMIUM_PATH: chosen, PATH = '' } = env
  if (chosen) {
    if (isProgram(chosen)) return chosen
    throw new Error(
      `there is no program at ${chosen}, where CHROMIUM_PATH says that Chromium is: correct it, or unset it`,
    )
  }
  const inPath = foldersOf(PATH).flatMap((folder) => PROGRAMS.map((name) => join(folder, name)))
  const found = [...inPath, ...(PLACES[platform] ?? [])].find(isProgram)
  if (found) return found
  const other = downloaded()
  if (other !== undefined && isProgram(other)) return other
  throw new Error(
    'the tests drive a page in Chromium, and none was found: install Chromium or Google Chrome, set CHROMIUM_PATH to one, ' +
      'or run "node scripts/test/browser.mjs --download"',
  )
}

/** Whether a program of this name is in PATH. */
export function isInPath(name, { PATH = '' } = process.env) {
  return foldersOf(PATH).some((folder) => isProgram(join(folder, name)))
}

/** Undefined while the development packages are not installed. */
function playwrightsPath() {
  try {
    return createRequire(import.meta.url)('playwright-core').chromium.executablePath()
  } catch {
    return undefined
  }
}

function foldersOf(path) {
  return path.split(delimiter).filter(Boolean)
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Names of programs, and where installers put those that are not in PATH. */
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
