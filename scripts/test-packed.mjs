/**
 * `node scripts/test-packed.mjs FOLDER [--node PROGRAM]`: installs what `node scripts/pack.mjs FOLDER` has packed into
 * a fresh project on this machine, from a registry on loopback, and makes a call. Uses nothing but Node.js and npm, and
 * writes to no folder but one of its own.
 *
 * With `--node` it is another Node.js that makes the call, and for whose platform is installed: one of another C
 * library, or one in an emulator, by way of a program that starts it.
 */
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { serveRegistry } from '../__test__/install/registry.mjs'
import { NAME, PROGRAMS, Workspace } from '../__test__/install/workspace.mjs'
import { packagesIn } from './pack.mjs'

/** A workspace whose registry has these packages. */
export async function workspaceOf(folder) {
  return new Workspace(
    realpathSync(mkdtempSync(join(tmpdir(), 'mcp-packed-'))),
    await serveRegistry(packagesIn(folder)),
  )
}

async function main(args) {
  const {
    positionals,
    values: { node = process.execPath },
  } = parseArgs({ args, allowPositionals: true, options: { node: { type: 'string' } } })
  if (positionals.length !== 1) throw new Error('usage: node scripts/test-packed.mjs FOLDER [--node PROGRAM]')
  const workspace = await workspaceOf(positionals[0])
  try {
    const project = workspace.project(PROGRAMS)
    const { stdout } = await project.run(node, ['-p', ABOUT])
    const { version, os, cpu, libc } = JSON.parse(stdout)
    // npm keeps what it packs, and would install that.
    await project.npm(
      'install',
      NAME,
      `--cache=${project.folder}.cache`,
      `--os=${os}`,
      `--cpu=${cpu}`,
      ...(libc === null ? [] : [`--libc=${libc}`]),
    )
    for (const program of Object.keys(PROGRAMS)) await project.answers(program, { program: node })
    console.log(
      `${NAME}@${project.versionOf(NAME)} answers on ${os} ${cpu} with Node.js ${version}: ${workspace.registry.fetched.join(', ')}`,
    )
  } finally {
    await workspace.close()
  }
}

/** What npm installs by, as that Node.js sees it. */
const ABOUT = `JSON.stringify({ version: process.version, os: process.platform, cpu: process.arch,
  libc: process.platform === 'linux' ? (process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl') : null })`

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
