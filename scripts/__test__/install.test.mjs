/**
 * The packages, installed from a registry on loopback into fresh projects. `npm run test:install` runs the other rows.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { codesOf, parseDocument, tablesUnder } from '../../__test__/helpers/markdown.mjs'
import { ROOT } from '../lib/root.mjs'
import { workspaceOf } from '../test/install.mjs'
import { ROWS } from '../test/install/rows.mjs'
import { NOT_RUN } from '../test/install/table.mjs'

const { PLATFORMS, platformName } = createRequire(import.meta.url)('../../dist/native/platform.js')

describe('installed', { concurrency: 2 }, () => {
  let workspace
  before(async () => {
    workspace = await workspaceOf(join(ROOT, `mcp-client.${platformName()}.node`))
  })
  after(() => workspace.close())

  for (const { group, name, run } of ROWS.filter(({ quick }) => quick)) {
    test(`${group}: ${name}`, async () => {
      assert.match(await run(workspace), /\d+\.\d+/)
    })
  }
})

test('the table of docs/platforms.md has every row, and all of them work', () => {
  const [rows, others] = tablesUnder(
    parseDocument('docs/platforms.md', readFileSync(join(ROOT, 'docs/platforms.md'), 'utf8')),
    'What was run where',
  )
  assert.deepEqual(
    rows.map((row) => row['installed and called with']),
    ROWS.map(({ name }) => name),
    'run "npm run test:install -- --save"',
  )
  assert.deepEqual([...new Set(rows.map(({ result }) => result))], ['works'])
  assert.ok(Object.keys(NOT_RUN).every((what) => others.some((row) => row.what === what)))
})

test('docs/platforms.md covers each platform: the one of the table, those run otherwise, and those that only the workflow runs', () => {
  const document = parseDocument('docs/platforms.md', readFileSync(join(ROOT, 'docs/platforms.md'), 'utf8'))
  const [, others] = tablesUnder(document, 'What was run where')
  const [otherwise] = tablesUnder(document, 'What was run for other platforms')
  const notRun = codesOf(others[0].what)
  assert.equal(notRun.length, PLATFORMS.length - 1)
  for (const { package: name, result } of otherwise) {
    assert.ok(notRun.includes(codesOf(name)[0]), name)
    assert.equal(result, 'works')
  }
})
