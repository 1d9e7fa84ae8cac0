/**
 * Finds and loads the native binary of this platform.
 *
 * Bundlers leave everything here as it is: nothing is required under a name that they could follow, because most of
 * them cannot put a binary into a bundle. So the code of a bundle looks for the binary when it runs. Only
 * `#bundled-binary` (`imports` of package.json) names the binaries in a way that tools understand: embedded-binary.ts
 * for Bun, which can put them into executables, copied-binary.ts for the others.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { argv, execPath } from 'node:process'
import type * as Binding from './binding.js'
import { environment } from './environment.js'
import { PACKAGE, PLATFORMS, platformName } from './platform.js'

export type Native = typeof Binding

/**
 * @param substitute what is used if there is no binary for this platform; undefined if nothing is
 * @throws Error with cause and remedy
 */
export function loadNative<T>(substitute: () => T | undefined): Native | T {
  const override = environment('MCP_CLIENT_NATIVE_PATH')
  if (override !== undefined) return open(resolve(override))
  const platform = platformName()
  const file = `mcp-client.${platform}.node`
  const beside = join(home(), '..', file)
  if (exists(beside)) return open(beside)
  if (!PLATFORMS.includes(platform)) return substitute() ?? fail(failure().noBinary())
  const name = `${PACKAGE}-${platform}`
  // Installers put it next to this package; Node.js takes longer to find it by its name.
  const installed = join(home(), '../..', `client-${platform}`, file)
  return openIfOurs(name, installed) ?? openBundled(name, platform) ?? openElsewhere(name, file, substitute)
}

/** The one next to this package may belong to another installation. */
function openIfOurs(name: string, at: string): Native | undefined {
  if (!exists(at)) return undefined
  const loaded = load(name, at)
  return isOurs(loaded) ? loaded : undefined
}

function openElsewhere<T>(name: string, file: string, substitute: () => T | undefined): Native | T {
  const found = findByName(name, file)
  if (typeof found === 'string') return open(name, found)
  // A single executable application has no other folder.
  const besideProgram = join(dirname(execPath), file)
  if (exists(besideProgram)) return open(besideProgram)
  return substitute() ?? fail(failure().missing(name, home(), found.cause), found)
}

function fail(message: string, options?: ErrorOptions): never {
  throw new Error(message, options)
}

/**
 * From here, and from the program, because a bundle may be anywhere, or not know where it is. Not from the working
 * directory: whoever can write there could bring their own.
 * @returns its path, or why there is none
 */
function findByName(name: string, file: string): string | { cause: unknown } {
  let cause: unknown
  for (const resolve of [home(), programFolder()].flatMap((folder) => waysFrom(folder, name, file))) {
    try {
      return resolve()
    } catch (error) {
      cause ??= error
    }
  }
  return { cause }
}

/** A package; a dependency of a package, as pnpm has them; a file that was copied without its package.json. */
function waysFrom(folder: string, name: string, file: string): (() => string)[] {
  const { resolve } = createRequire(join(folder, 'index.js'))
  return [
    () => resolve(name),
    () => createRequire(resolve(`${PACKAGE}/package.json`)).resolve(name),
    () => resolve(`${name}/${file}`),
  ]
}

/** The folder of this file. A bundle may not know its own: then it is that of the program. */
function home(): string {
  try {
    return __dirname
  } catch {
    return programFolder()
  }
}

function programFolder(): string {
  return dirname(resolve(argv[1] ?? execPath))
}

/** What came with a bundle. */
function openBundled(name: string, platform: string): Native | undefined {
  const { bundledBinary } = require('#bundled-binary') as typeof import('./copied-binary.js')
  const bundled = bundledBinary(platform)
  return typeof bundled === 'string' ? openIfOurs(name, bundled) : (bundled as Native | undefined)
}

/**
 * @param from its name in error messages: a path, or the package of the platform
 * @param at the path to load
 */
function open(from: string, at = from): Native {
  const loaded = load(from, at)
  if (isOurs(loaded)) return loaded
  throw new Error(failure().otherVersion(from, versionOf(loaded)))
}

function load(from: string, at: string): Native {
  try {
    return createRequire(at)(at) as Native
  } catch (cause) {
    throw new Error(failure().notLoaded(from, cause), { cause })
  }
}

function isOurs(loaded: Native): boolean {
  return versionOf(loaded) === PACKAGE_VERSION
}

function versionOf(loaded: Native): string {
  return typeof loaded.binaryVersion === 'function' ? loaded.binaryVersion() : 'unknown'
}

/** What a permission model does not let this process see does not exist for it. */
function exists(path: string): boolean {
  try {
    return existsSync(path)
  } catch {
    return false
  }
}

/** The words for what went wrong are loaded with it. */
function failure(): typeof import('./failure.js') {
  return require('./failure.js')
}
