/** Finds and loads the native binary of this platform. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type * as Binding from './binding.js'
import { PACKAGE, PLATFORMS, platformName } from './platform.js'

export type Native = typeof Binding

const ROOT = resolve(__dirname, '..')

/** @throws an Error that says why it cannot, and what to do */
export function loadNative(): Native {
  const override = process.env.MCP_CLIENT_NATIVE_PATH
  if (override !== undefined && override !== '') return open(resolve(override))
  const platform = platformName()
  const file = `mcp-client.${platform}.node`
  const beside = resolve(ROOT, file)
  if (existsSync(beside)) return open(beside)
  if (!PLATFORMS.includes(platform)) throw new Error(failure().noBinary())
  const name = `${PACKAGE}-${platform}`
  // Where installers put it, beside this package: finding it by its name takes Node.js longer.
  const installed = resolve(ROOT, '..', `client-${platform}`, file)
  return open(name, existsSync(installed) ? installed : name)
}

/**
 * @param from what messages call it: a path, or the name of the platform's package
 * @param at where it is
 */
function open(from: string, at = from): Native {
  const loaded = demand(from, at)
  const version = typeof loaded.binaryVersion === 'function' ? loaded.binaryVersion() : 'unknown'
  if (version === PACKAGE_VERSION) return loaded
  // Beside this package may be what belongs to another one of it.
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

/** The words for what went wrong are loaded with it. */
function failure(): typeof import('./failure.js') {
  return require('./failure.js')
}
