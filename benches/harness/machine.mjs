/** Describes the machine and the versions that were measured. */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type, arch } from 'node:os'
import { join } from 'node:path'
import { MOST_BYTES } from '../../scripts/check/binary.mjs'
import { ROOT } from '../../scripts/lib/root.mjs'
import { CLIENTS, runtimeOf, versionOf } from '../clients/index.mjs'

export function describeMachine() {
  const [{ model }] = cpus()
  return {
    cpu: model.trim(),
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()} ${arch()}`,
  }
}

/** The versions of the programs, and of the packages that the clients need. */
export function versionsOf(clients) {
  const packages = [...new Set(clients.flatMap((name) => CLIENTS[name].packages))]
  const programs = clients.filter((name) => CLIENTS[name].program !== undefined)
  return {
    'this client': `${versionOf('../..')} (${commit()})`,
    'its addon': addonSize(),
    'Node.js': process.version,
    rustc: say('rustc', '--version').replace(/^rustc /, ''),
    ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    ...Object.fromEntries(programs.map((name) => [CLIENTS[name].program, say(runtimeOf(name)[0], '--version')])),
  }
}

/** The size of the addon that is measured, and its budget. */
export function addonSize() {
  const { platformName } = createRequire(import.meta.url)('../../dist/native/platform.js')
  const { size } = statSync(process.env.MCP_CLIENT_NATIVE_PATH || join(ROOT, `mcp-client.${platformName()}.node`))
  return `${size.toLocaleString('en')} bytes, of at most ${MOST_BYTES.toLocaleString('en')}`
}

function commit() {
  try {
    const changes = say('git', 'status', '--porcelain', '--', 'src', 'crates', 'js', 'Cargo.toml', 'Cargo.lock')
    return `commit ${say('git', 'rev-parse', '--short', 'HEAD')}${changes === '' ? '' : ', with changes'}`
  } catch {
    return 'no commit'
  }
}

function say(program, ...args) {
  return execFileSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
