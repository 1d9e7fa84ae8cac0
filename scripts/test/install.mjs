/**
 * `npm run test:install [-- --save] [-- --only TEXT]`: builds the binary for publishing, packs the packages, installs
 * them with every package manager into projects for every runtime, bundler and test runner, and makes a call in each.
 * Other packages come from the npm registry. `--save` writes the table of docs/platforms.md; `--only` runs the rows
 * whose name contains a text.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildRelease } from '../build/release-binary.mjs'
import { openWorkspace } from '../lib/install/workspace.mjs'
import { isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { pack } from '../release/pack.mjs'

async function main(args) {
  const { values } = parseArgs({ args, options: { save: { type: 'boolean' }, only: { type: 'string', default: '' } } })
  if (values.save && values.only !== '')
    throw new Error('--save writes the whole table: it cannot be combined with --only')
  setUp()
  // It imports development packages, which a fresh clone has only now.
  const { buildJs } = await import('../build/js.mjs')
  await buildJs()
  // These import what has just been built.
  const [{ ROWS }, table] = await Promise.all([import('./install/rows.mjs'), import('./install/table.mjs')])
  const named = ROWS.filter(({ name }) => name.includes(values.only))
  if (named.length === 0) throw new Error(`no row has "${values.only}" in its name`)
  const chosen = named.filter(({ without }) => !without)
  const binary = buildRelease()
  const workspace = await workspaceOf(binary)
  const results = []
  try {
    for (const row of chosen) results.push(await tryRow(row, workspace))
  } finally {
    await workspace.close()
  }
  const text = table.render(results, binary)
  console.log(`\n${text}`)
  const failed = results.filter(({ error }) => error !== undefined)
  const untried = named.filter(({ without }) => without)
  for (const { group, name, without } of untried) console.error(`NOT TRIED  ${group}: ${name}: ${without}`)
  if (failed.length > 0) console.error(`${failed.length} of ${results.length} failed`)
  if (values.save && failed.length + untried.length === 0) table.save(text)
  else if (values.save) console.error('nothing was saved: --save needs a run in which every row was tried and worked')
  return failed.length > 0 ? 1 : 0
}

/**
 * A workspace whose registry has the packages of this checkout, with the binary of one platform.
 * @param {string} binary its path; dist/ must have been built
 */
export async function workspaceOf(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-packed-'))
  try {
    return await openWorkspace(pack(folder, { binary }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function tryRow(row, workspace) {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  try {
    const versions = await row.run(workspace)
    console.log(`ok      ${row.group}: ${row.name} (${versions}; ${seconds()})`)
    return { ...row, versions }
  } catch (error) {
    console.error(`FAILED  ${row.group}: ${row.name} (${seconds()})\n${error.stack}\n`)
    return { ...row, error }
  }
}

if (isMain(import.meta.url)) process.exitCode = await main(process.argv.slice(2))
