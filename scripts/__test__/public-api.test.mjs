/**
 * What the package promises: its declarations match the snapshot, and docs/versioning.md agrees with the code.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { codesOf, parseDocument, tablesUnder } from '../../__test__/helpers/markdown.mjs'
import { SNAPSHOT, publicApi } from '../build/public-api.mjs'
import { NEWEST_GLIBC } from '../check/binary.mjs'
import { OLDEST_NODE, OLDEST_RUST } from '../lib/prerequisites.mjs'
import { ROOT } from '../lib/root.mjs'

describe('the public declarations', () => {
  test('are those of the snapshot', () => {
    const [agreed, built] = [readFileSync(SNAPSHOT, 'utf8'), publicApi()]
    const advice =
      'docs/versioning.md says what such a change means; list it in CHANGELOG.md, and run "node scripts/build/public-api.mjs"'
    assert.ok(agreed === built, `the public declarations have changed: ${advice}\n${difference(agreed, built)}`)
  })

  const PACKAGE = {
    'package.json':
      '{ "name": "some", "exports": { ".": { "types": "./a.d.ts" }, "./b": { "require": { "types": "./b.d.ts" } } } }',
    'a.d.ts': `/** About it. */\nimport { B } from './b.js';\nexport * from './c.js';\nexport interface A {\n    /** Why. */\n    b: B;\n}\nexport {};\n`,
    'b.d.ts': 'type Part = string;\nexport declare const hidden: number;\nexport type B = Part;\n',
    'c.d.ts': `import { B as Other } from './b.js';\nexport declare function c(b: Other): void;\nexport declare function c(): void;\ndeclare const internal: Unused;\ntype Unused = 1;\ndeclare global {\n    interface Window {\n    }\n}\n`,
  }
  const apiOf = async (t, changes = {}) => publicApi(await folderOf(t, { ...PACKAGE, ...changes }))

  test('of a package are what its entries export, what those declarations need, and nothing else', async (t) => {
    const api = await apiOf(t)
    assert.match(api, /^some exports:\n {2}A\n {2}c$/m)
    assert.match(api, /^some\/b exports:\n {2}B\n {2}hidden$/m)
    assert.match(api, /^export interface A \{\n {4}b: B;\n\}$/m)
    assert.match(api, /^type Part = string;$/m)
    assert.match(api, /c\(b: Other\): void;\nexport declare function c\(\): void;$/m)
    assert.doesNotMatch(api, /internal|Unused|About|Why|import/)
  })

  test('stay the same when comments change, or a declaration moves', async (t) => {
    const moved = {
      'b.d.ts': `export { B } from './d.js';\nexport declare const hidden: number;\n`,
      'd.d.ts': PACKAGE['b.d.ts'],
    }
    const commented = { 'a.d.ts': PACKAGE['a.d.ts'].replace('Why', 'Because') }
    assert.equal(await apiOf(t, { ...moved, ...commented }), await apiOf(t))
  })

  test('change with an export, with a type that an export needs, and with package.json', async (t) => {
    const before = await apiOf(t)
    for (const [file, was, is] of [
      ['b.d.ts', 'Part = string', 'Part = number'],
      ['b.d.ts', 'export declare const hidden', 'declare const hidden'],
      ['a.d.ts', `export * from './c.js';\n`, ''],
      ['package.json', '"./b"', '"./renamed"'],
      ['package.json', '"name": "some"', '"name": "some", "engines": { "node": ">=22" }'],
    ]) {
      assert.notEqual(await apiOf(t, { [file]: PACKAGE[file].replace(was, is) }), before, `${was} → ${is}`)
    }
  })

  test('are never guessed: a statement that is not understood is an error that shows it', async (t) => {
    await assert.rejects(
      apiOf(t, { 'b.d.ts': 'export default 5;\n' }),
      /b\.d\.ts: a statement .* not understand: export default 5;/,
    )
  })
})

describe('docs/versioning.md', () => {
  const DOCUMENT = parseDocument('docs/versioning.md', read('docs/versioning.md'))
  const [platforms] = tablesUnder(DOCUMENT, 'What it runs on')
  const floorOf = (what) => platforms.find((row) => row.what === what)?.oldest ?? assert.fail(`no row for ${what}`)

  test('names the oldest Node.js that the package can be installed on', () => {
    assert.equal(`>=${floorOf('Node.js')}`, JSON.parse(read('package.json')).engines.node)
    assert.equal(String(OLDEST_NODE[0][0]), floorOf('Node.js'))
  })

  test('names the version of Node-API that the addon is built for', () => {
    assert.match(read('Cargo.toml'), new RegExp(`^napi = .*"napi${floorOf('Node-API')}"`, 'm'))
  })

  test('names the oldest glibc that the binaries are checked for', () => {
    assert.equal(floorOf('glibc, on Linux, for a prebuilt binary'), NEWEST_GLIBC)
    assert.match(
      read('js/native/failure.ts'),
      new RegExp(`\\(glibc ${NEWEST_GLIBC.replace('.', '\\.')} or newer, or musl\\)`),
    )
  })

  test('names the oldest Rust that builds it', () => {
    assert.match(read('Cargo.toml'), new RegExp(`^rust-version = "${floorOf('Rust, to build from source')}"$`, 'm'))
    assert.equal(OLDEST_RUST.join('.'), floorOf('Rust, to build from source'))
  })

  test('names the versions of React that the package takes as a peer', () => {
    assert.match(JSON.parse(read('package.json')).peerDependencies.react, new RegExp(`^\\^${floorOf('React')}\\.`))
  })

  test('names every entry of the package as public', () => {
    const { name, exports } = JSON.parse(read('package.json'))
    const [rows] = tablesUnder(DOCUMENT, 'What is public')
    const entries = codesOf(rows[0].what)
    assert.deepEqual(
      entries,
      Object.keys(exports).map((entry) => (entry === '.' ? name : entry)),
    )
  })
})

function read(path) {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** The lines that only one of the texts has. */
function difference(before, after) {
  const lacking = (others, some) => some.split('\n').filter((line) => !others.split('\n').includes(line))
  return [
    ...lacking(after, before).map((line) => `- ${line}`),
    ...lacking(before, after).map((line) => `+ ${line}`),
  ].join('\n')
}
