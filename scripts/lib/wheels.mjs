/** Installs programs that come as Python wheels, with the versions and hashes of the requirements files beside it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.mjs'

const CACHE = join(ROOT, 'node_modules/.cache')
const FAR_TOO_LONG = 300_000

/**
 * @param {string} name of `<name>.requirements.txt`
 * @param {{ python?: string, options?: string[] }} options `python` is the Python whose pip installs it, by default any
 * Python 3. `options` are pip's; by default nothing is built
 * @returns {string} the folder into which pip has installed it; the first call needs the network
 */
export function wheels(name, { python, options = ['--only-binary=:all:'] } = {}) {
  const requirements = requirementsOf(name)
  const folder = join(
    CACHE,
    `${name}-${createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)}`,
  )
  if (!existsSync(folder)) install(name, requirements, folder, python ?? findPython(name), options)
  return folder
}

/** Where the versions and the hashes of a program's wheels are. */
export function requirementsOf(name) {
  return join(ROOT, 'scripts/lib', `${name}.requirements.txt`)
}

function findPython(name) {
  const python = ['python3', 'python'].find(hasPip)
  if (python === undefined)
    throw new Error(`${name} comes as a Python wheel, and pip was not found: install Python 3 with pip`)
  return python
}

/** Whether this Python exists and has pip. */
export function hasPip(python) {
  return spawnSync(python, ['-m', 'pip', '--version']).status === 0
}

function install(name, requirements, folder, python, options) {
  mkdirSync(CACHE, { recursive: true })
  const fresh = mkdtempSync(join(CACHE, `${name}-`))
  try {
    execFileSync(
      python,
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-deps',
        '--require-hashes',
        ...options,
        '--target',
        fresh,
        '--requirement',
        requirements,
      ],
      {
        encoding: 'utf8',
        stdio: 'pipe',
        timeout: FAR_TOO_LONG,
      },
    )
    renameSync(fresh, folder)
  } catch (error) {
    // Another process may have installed it meanwhile.
    if (!existsSync(folder))
      throw new Error(`pip could not install ${name}: go online and try again\n${error.stderr || error.message}`)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}
