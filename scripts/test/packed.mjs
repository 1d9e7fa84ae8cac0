/**
 * `node scripts/test/packed.mjs FOLDER [--node PROGRAM]`: installs what `node scripts/release/pack.mjs FOLDER` has
 * packed into a fresh project, from a registry on loopback, and makes a call. Needs nothing but Node.js and npm, and
 * writes only to a temporary folder.
 *
 * With `--node`, another Node.js makes the call, and npm installs for its platform: one with another C library, or one
 * in an emulator, through a program that starts it.
 */
import { parseArgs } from 'node:util'
import { NAME, PROGRAMS, openWorkspace } from '../lib/install/workspace.mjs'
import { isMain } from '../lib/root.mjs'
import { packagesIn } from '../release/pack.mjs'

async function main(args) {
  const {
    positionals,
    values: { node = process.execPath },
  } = parseArgs({ args, allowPositionals: true, options: { node: { type: 'string' } } })
  if (positionals.length !== 1) throw new Error('usage: node scripts/test/packed.mjs FOLDER [--node PROGRAM]')
  const workspace = await openWorkspace(packagesIn(positionals[0]))
  try {
    const project = workspace.project(PROGRAMS)
    const { stdout } = await project.run(node, ['-p', ABOUT])
    const { version, os, cpu, libc } = JSON.parse(stdout)
    // npm's own cache contains what it has packed, and npm would install that.
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

/** What npm chooses packages by, as that Node.js reports it. */
const ABOUT = `JSON.stringify({ version: process.version, os: process.platform, cpu: process.arch,
  libc: process.platform === 'linux' ? (process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl') : null })`

if (isMain(import.meta.url)) await main(process.argv.slice(2))
