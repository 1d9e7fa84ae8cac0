/**
 * `node scripts/test-packed.mjs FOLDER`: installs what `node scripts/pack.mjs FOLDER` has packed into a fresh project on this machine, from
 * a registry on loopback, and makes a call. Uses nothing but Node.js and npm, and writes to no folder but one of its own.
 */
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveRegistry } from '../__test__/install/registry.mjs'
import { NAME, PROGRAMS, Workspace } from '../__test__/install/workspace.mjs'
import { packagesIn } from './pack.mjs'

/** A workspace whose registry has these packages. */
export async function workspaceOf(folder) {
  return new Workspace(realpathSync(mkdtempSync(join(tmpdir(), 'mcp-packed-'))), await serveRegistry(packagesIn(folder)))
}

async function main(folder) {
  if (folder === undefined) throw new Error('usage: node scripts/test-packed.mjs FOLDER')
  const workspace = await workspaceOf(folder)
  try {
    const project = workspace.project(PROGRAMS)
    // npm keeps what it packs, and would install that.
    await project.npm('install', NAME, `--cache=${project.folder}.cache`)
    for (const program of Object.keys(PROGRAMS)) await project.answers(program)
    console.log(`${NAME}@${project.versionOf(NAME)} answers on ${process.platform} ${process.arch} with Node.js ${process.version}: ${workspace.registry.fetched.join(', ')}`)
  } finally {
    await workspace.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2])
