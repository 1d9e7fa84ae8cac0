/** The error messages if the native binary cannot be loaded: why, and what to do. */
import { PACKAGE, PLATFORMS, platformWords } from './platform.js'

/** If there is no binary for this platform. */
export function noBinary(): string {
  return (
    `${PACKAGE} has no binary for this platform (${platformWords()}); there are binaries for ${PLATFORMS.join(', ')}: ` +
    'use one of these, or build the addon from its sources and name the .node file in MCP_CLIENT_NATIVE_PATH'
  )
}

/** If the binary does not have the version of the JavaScript part. */
export function otherVersion(from: string, version: string): string {
  return (
    `the native part of ${PACKAGE} has version ${version}, its JavaScript part ${PACKAGE_VERSION} (${from}, ${platformWords()}): ` +
    'install both in the same version, for example by deleting node_modules and installing again'
  )
}

/** If `require(from)` threw `cause`. */
export function notLoaded(from: string, cause: unknown): string {
  return isMissing(from, cause) ? missing(from) : broken(from, cause)
}

function isMissing(from: string, cause: unknown): boolean {
  return (
    from.startsWith(PACKAGE) &&
    /^Cannot find (module|package)\b|^Required package|MODULE_NOT_FOUND/i.test(String((cause as Error).message))
  )
}

function missing(name: string): string {
  const others = PLATFORMS.map((platform) => `${PACKAGE}-${platform}`).filter(isInstalled)
  const found = others.length > 0 ? ` These are installed instead: ${others.join(', ')}.` : ''
  return (
    `${PACKAGE} cannot find its native part for this platform (${platformWords()}): the package ${name} is not installed.${found} The usual causes: ` +
    'optional dependencies were omitted (install again without --omit=optional or --no-optional); ' +
    'node_modules or the lockfile come from another platform (delete both and install again on this one); ' +
    'on Alpine, node_modules come from a system with glibc, or the other way round (install in the image itself); ' +
    'in Electron, the package is in the ASAR archive or was left out (list node_modules/@mcp-integration under asarUnpack). ' +
    'Or name the .node file in MCP_CLIENT_NATIVE_PATH.'
  )
}

function broken(from: string, cause: unknown): string {
  return (
    `the native part of ${PACKAGE} could not be loaded (${from}, ${platformWords()}): ${(cause as Error).message}. ` +
    'It must be built for this platform, with its C library (glibc 2.17 or newer, or musl), and must not be in an ASAR archive: ' +
    'install the package again on this platform, or name another .node file in MCP_CLIENT_NATIVE_PATH'
  )
}

function isInstalled(name: string): boolean {
  try {
    return require.resolve(`${name}/package.json`) !== ''
  } catch {
    return false
  }
}
