/** What is said when the native binary cannot be loaded: why, and what to do. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PACKAGE, PLATFORMS, platformWords } from './platform.js'

/** There is none for this platform. */
export function noBinary(): string {
  return (
    `${PACKAGE} has no binary for this platform (${platformWords()}); there are binaries for ${PLATFORMS.join(', ')}: ` +
    'use one of these, or build the addon from its sources and name the .node file in MCP_CLIENT_NATIVE_PATH'
  )
}

/** It is not of the same version as the JavaScript part. */
export function otherVersion(from: string, version: string): string {
  return (
    `the native part of ${PACKAGE} is of version ${version}, its JavaScript part of version ${PACKAGE_VERSION} (${from}, ${platformWords()}): ` +
    'install both in the same version, for instance by deleting node_modules and installing again'
  )
}

/** @param cause what `require(from)` threw */
export function notLoaded(from: string, cause: unknown): string {
  const { message } = cause as Error
  return `the native part of ${PACKAGE} could not be loaded (${from}, ${platformWords()}): ${message}. ${
    permissionFor(cause) ??
    'It must be of this platform, its C library included (glibc 2.17 or newer, or musl), and outside of any ASAR archive: ' +
      'install the package again on this platform, or name another .node file in MCP_CLIENT_NATIVE_PATH'
  }`
}

/**
 * The package of this platform was not found.
 * @param home the folder of the code that has looked for it
 * @param cause what looking for it by its name threw
 */
export function missing(name: string, home: string, cause: unknown): string {
  const permission = permissionFor(cause)
  const start = `${PACKAGE} cannot find its native part for this platform (${platformWords()}): `
  if (permission !== undefined) return `${start}${(cause as Error).message}. ${permission}`
  const at = placeOf(name)
  if (at !== undefined || isBundle(home)) return start + bundled(name, home, at)
  return `${start}the package ${name} is not installed.${others()} The usual causes: ${CAUSES}`
}

/** The remedy, where a permission model has denied something. */
function permissionFor(cause: unknown): string | undefined {
  const { code, name, resource } = cause as { code?: string; name?: string; resource?: string }
  if (code === 'ERR_DLOPEN_DISABLED')
    return process.permission === undefined
      ? 'Start node without --no-addons'
      : 'The permission model of Node.js is on: start node with --allow-addons too'
  if (code === 'ERR_ACCESS_DENIED')
    return `The permission model of Node.js is on: start node with --allow-fs-read too, for ${resource || 'node_modules'}`
  // Deno's, by its new and by its old name.
  if (name === 'NotCapable' || name === 'PermissionDenied') return 'Start deno with --allow-ffi and --allow-read'
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
    return dirname(createRequire(join(process.cwd(), 'index.js')).resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

function others(): string {
  const names = PLATFORMS.map((platform) => `${PACKAGE}-${platform}`).filter((name) => placeOf(name) !== undefined)
  return names.length > 0 ? ` Installed is instead: ${names.join(', ')}.` : ''
}

const CAUSES =
  'optional dependencies were omitted (install again without --omit=optional or --no-optional); ' +
  'node_modules or the lockfile come from another platform (delete both and install again on this one); ' +
  'on Alpine, node_modules come from a system with glibc, or the other way round (install inside of the image); ' +
  'in Electron, the package is inside of the ASAR archive or was left out (list node_modules/@mcp-integration under asarUnpack). ' +
  'MCP_CLIENT_NATIVE_PATH may name the .node file.'
