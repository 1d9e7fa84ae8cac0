/** Finds and loads the native binary of this platform. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type * as Binding from './binding.js'
import { PACKAGE, PLATFORMS, platformName } from './platform.js'

export type Native = typeof Binding

/** This module is always bundled into dist/index.js, one folder below the package's. */
const ROOT = resolve(__dirname, '..')

/** @throws Error with cause and remedy */
export function loadNative(): Native {
  const override = process.env.MCP_CLIENT_NATIVE_PATH
  if (override !== undefined && override !== '') return open(resolve(override))
  const platform = platformName()
  const file = `mcp-client.${platform}.node`
  const beside = resolve(ROOT, file)
  if (existsSync(beside)) return open(beside)
  if (!PLATFORMS.includes(platform)) throw new Error(failure().noBinary())
  const name = `${PACKAGE}-${platform}`
  // Installers put it next to this package; Node.js takes longer to find it by its name.
  const installed = resolve(ROOT, '..', `client-${platform}`, file)
  return open(name, existsSync(installed) ? installed : name)
}

/**
 * @param from its name in error messages: a path, or the package of the platform
 * @param at the path to load
 */
function open(from: string, at = from): Native {
  const loaded = demand(from, at)
  const version = typeof loaded.binaryVersion === 'function' ? loaded.binaryVersion() : 'unknown'
  if (version === PACKAGE_VERSION) return loaded
  // The one next to this package may belong to another installation.
  if (at !== from) return open(from)
  throw new Error(failure().otherVersion(from, version))
}

function demand(from: string, at: string): Native {
  try {
    return require(at) as Native
  } catch (cause) {
    throw new Error(failure().notLoaded(from, cause), { cause })
  }
}

/** The error messages are loaded only if they are needed. */
function failure(): typeof import('./failure.js') {
  return require('./failure.js')
}
