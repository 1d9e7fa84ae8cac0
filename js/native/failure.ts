/** The error messages if the native binary cannot be loaded: why, and what to do. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cwd, permission } from 'node:process'
import { PACKAGE, PLATFORMS, platformWords } from './platform.js'

/** If there is no binary for this platform. */
export function noBinary(): string {
  return (
    `${PACKAGE} has no binary for this platform (${platformWords()}); there are binaries for ${PLATFORMS.join(', ')}: ` +
    `use one of these, build the addon from its sources and name the .node file in MCP_CLIENT_NATIVE_PATH, or ${PORTABLE}`
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
  return `the native part of ${PACKAGE} could not be loaded (${from}, ${platformWords()}): ${wordsOf(cause)}. ${
    permissionFor(cause) ??
    'It must be built for this platform, with its C library (glibc 2.17 or newer, or musl), and must not be in an ASAR archive: ' +
      'install the package again on this platform, or name another .node file in MCP_CLIENT_NATIVE_PATH'
  }`
}

/**
 * If the package of this platform was not found.
 * @param home the folder of the code that looked for it
 * @param cause why it was not found by its name
 */
export function missing(name: string, home: string, cause: unknown): string {
  const permission = permissionFor(cause)
  const start = `${PACKAGE} cannot find its native part for this platform (${platformWords()}): `
  if (permission !== undefined) return `${start}${wordsOf(cause)}. ${permission}`
  const at = placeOf(name)
  if (at !== undefined || isBundle(home)) return start + bundled(name, home, at)
  return `${start}the package ${name} is not installed.${others()} The usual causes: ${CAUSES}`
}

/** Without the full stop that some errors have. */
function wordsOf(cause: unknown): string {
  return (cause as Error).message.replace(/\.$/, '')
}

/** The remedy if Node.js or Deno was told not to allow it. */
function permissionFor(cause: unknown): string | undefined {
  const { code, name } = cause as { code?: string; name?: string }
  if (code === 'ERR_DLOPEN_DISABLED')
    return permission === undefined
      ? 'Start node without --no-addons'
      : 'The permission model of Node.js is on: start node with --allow-addons too'
  if (code === 'ERR_ACCESS_DENIED')
    return 'The permission model of Node.js is on: start node with --allow-fs-read too, for all of node_modules/@mcp-integration'
  // Deno's, by its new and by its old name.
  if (name === 'NotCapable' || name === 'PermissionDenied') return 'It is native code: start deno with --allow-ffi'
  return undefined
}

function bundled(name: string, home: string, at: string | undefined): string {
  const where =
    at === undefined
      ? `the package ${name} was not found from there.${others()}`
      : `the package ${name} is installed (${at}), but was not found from there.`
  return (
    `this code was bundled (it runs in ${home}), and ${where} Leave ${PACKAGE} out of the bundle, which bundlers call ` +
    'an external; docs/bundlers.md in the package has the settings. Where that is not possible, put the .node file ' +
    `beside the program, or name it in MCP_CLIENT_NATIVE_PATH. ${at === undefined ? `Other causes: ${CAUSES}` : ''}`
  ).trimEnd()
}

/** Whether this is not the package itself any more. */
function isBundle(home: string): boolean {
  try {
    return createRequire(join(home, 'index.js'))('../package.json').name !== PACKAGE
  } catch {
    return true
  }
}

/** Where a package is installed, seen from the working directory. */
function placeOf(name: string): string | undefined {
  try {
    return dirname(createRequire(join(cwd(), 'index.js')).resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

function others(): string {
  const names = PLATFORMS.map((platform) => `${PACKAGE}-${platform}`).filter((name) => placeOf(name) !== undefined)
  return names.length > 0 ? ` These are installed instead: ${names.join(', ')}.` : ''
}

/** A client that has no native part. */
const PORTABLE = 'set MCP_CLIENT_PORTABLE=1 to use the portable client, which needs Node.js 22'

const CAUSES =
  'optional dependencies were omitted (install again without --omit=optional or --no-optional); ' +
  'node_modules or the lockfile come from another platform (delete both and install again on this one); ' +
  'on Alpine, node_modules come from a system with glibc, or the other way round (install in the image itself); ' +
  'in Electron, the package is in the ASAR archive or was left out (list node_modules/@mcp-integration under asarUnpack). ' +
  `Or name the .node file in MCP_CLIENT_NATIVE_PATH, or ${PORTABLE}.`
