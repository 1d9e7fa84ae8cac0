/** Builds the client in release mode, and the server. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../../scripts/lib/root.mjs'

/**
 * The client as users get it, unless MCP_CLIENT_NATIVE_PATH names an addon, and the server.
 * @returns {Promise<string>} the path of the server
 */
export async function buildAll() {
  if (!process.env.MCP_CLIENT_NATIVE_PATH) await (await import('../../scripts/build/all.mjs')).build({ release: true })
  return buildServer()
}

/**
 * The client of pages, which needs no addon, and the server.
 * @returns {Promise<string>} the path of the server
 */
export async function buildForPages() {
  await (await import('../../scripts/build/js.mjs')).buildJs()
  return buildServer()
}

function buildServer() {
  execFileSync('cargo', ['build', '--locked', '--release', '--example', 'bench-server'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return serverPath()
}

/** The path of the server once it is built. */
export function serverPath(profile = 'release') {
  return join(targetFolder(), profile, 'examples', process.platform === 'win32' ? 'bench-server.exe' : 'bench-server')
}

export function targetFolder() {
  const output = execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return JSON.parse(output).target_directory
}
