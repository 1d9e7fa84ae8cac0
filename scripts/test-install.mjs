/**
 * `npm run test:install [-- --save] [-- --only TEXT]`: builds the binary as it is published, packs the packages,
 * installs them with every package manager into projects for every runtime, bundler and test runner, and makes a call
 * in each. Other packages come from the npm registry. `--save` writes the table of docs/platforms.md; `--only` runs the
 * rows whose name contains a text.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setUp } from './setup.mjs'

async function main(args) {
  const { values } = parseArgs({ args, options: { save: { type: 'boolean' }, only: { type: 'string', default: '' } } })
  if (values.save && values.only !== '') throw new Error('--save writes the whole table: leave out --only')
  setUp()
  const [{ buildJs }, { buildRelease }, { ROWS }, { openWorkspace }, table] = await Promise.all([
    import('./build-js.mjs'),
    import('./build-release.mjs'),
    import('../__test__/install/rows.mjs'),
    import('../__test__/install/workspace.mjs'),
    import('../__test__/install/table.mjs'),
  ])
  const named = ROWS.filter(({ name }) => name.includes(values.only))
  if (named.length === 0) throw new Error(`no row has ${values.only} in its name`)
  const chosen = named.filter(({ without }) => !without)
  await buildJs()
  const binary = buildRelease()
  const workspace = await openWorkspace(binary)
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
  else if (values.save)
    console.error('nothing was saved: the table is of a run in which everything was tried and worked')
  return failed.length > 0 ? 1 : 0
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

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2))
