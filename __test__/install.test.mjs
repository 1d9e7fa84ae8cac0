/**
 * The packages, installed from a registry on loopback into fresh projects. `npm run test:install` does the same with
 * everything else.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { codesOf, parseDocument, tablesUnder } from './helpers/markdown.mjs'
import { ROWS } from './install/rows.mjs'
import { NOT_RUN } from './install/table.mjs'
import { openWorkspace } from './install/workspace.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { PLATFORMS, platformName } = createRequire(import.meta.url)('../dist/native/platform.js')

describe('installed', { concurrency: 2 }, () => {
  let workspace
  before(async () => {
    workspace = await openWorkspace(join(ROOT, `mcp-client.${platformName()}.node`))
  })
  after(() => workspace.close())

  for (const { group, name, run } of ROWS.filter(({ quick }) => quick)) {
    test(`${group}: ${name}`, async () => {
      assert.match(await run(workspace), /\d+\.\d+/)
    })
  }
})

test('the table of docs/platforms.md has a row for each of these and the others, and all of them work', () => {
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

test('docs/platforms.md speaks of each platform: this is one, or it was run otherwise, or only the workflow runs it', () => {
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
