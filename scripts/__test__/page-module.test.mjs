/** What makes the committed WebAssembly module stale, and what does not. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { hashOfSources, staleness } from '../lib/page-module.mjs'
import { ROOT } from '../lib/root.mjs'

const COPIED = [
  'Cargo.toml',
  'Cargo.lock',
  'crates/mailbox',
  'crates/page',
  'crates/protocol',
  'js/page/mcp-page.wasm',
  'js/page/mcp-page.json',
]

const copy = mkdtempSync(join(tmpdir(), 'mcp-page-module-'))
after(() => rmSync(copy, { recursive: true, force: true }))
for (const path of COPIED) {
  mkdirSync(dirname(join(copy, path)), { recursive: true })
  cpSync(join(ROOT, path), join(copy, path), { recursive: true })
}

/** What `look` says while a file is changed. */
function whileChanged(path, change, look) {
  const file = join(copy, path)
  const before = readFileSync(file)
  try {
    writeFileSync(file, change(before))
    return look(copy)
  } finally {
    writeFileSync(file, before)
  }
}

function edit(path, change) {
  return whileChanged(path, (bytes) => change(bytes.toString()), hashOfSources)
}

test('the code, the settings and the versions of dependencies belong to the module', () => {
  const hash = hashOfSources(copy)
  const changed = [
    edit('crates/protocol/src/timer.rs', (code) => code.replace('Connect', 'Dial')),
    edit('crates/page/src/border.rs', (code) => `${code}\nconst MORE: u8 = 1;\n`),
    edit('crates/mailbox/Cargo.toml', (text) => `${text}\n[features]\n`),
    edit('Cargo.toml', (text) => text.replace('opt-level = "z"', 'opt-level = "s"')),
    edit('Cargo.toml', (text) => text.replace(/^bytes = .*$/m, 'bytes = "9.9"')),
    edit('Cargo.lock', (text) => text.replace(/(name = "bytes"\nversion = )"[^"]*"/, '$1"9.9.9"')),
  ]
  for (const other of changed) assert.notEqual(other, hash)
  assert.equal(new Set(changed).size, changed.length)
})

test('tests, comments and what other crates need do not', () => {
  const hash = hashOfSources(copy)
  const same = [
    edit('crates/protocol/src/timer.rs', (code) => `//! Another comment.\n\n${code}`),
    edit('crates/protocol/src/timer.rs', (code) => `${code}\n// After the tests.\n`),
    edit('crates/protocol/src/timer.rs', (code) => code.replaceAll('\n', '\r\n')),
    edit('Cargo.toml', (text) => text.replace(/^tokio = .*$/m, 'tokio = "9.9"')),
    edit('Cargo.lock', (text) => text.replace(/(name = "tokio"\nversion = )"[^"]*"/, '$1"9.9.9"')),
    // What a release does.
    edit('Cargo.lock', (text) => text.replace(/(name = "mcp-[a-z]+"\nversion = )"[^"]*"/g, '$1"9.9.9"')),
    edit('Cargo.toml', (text) => text.replace(/^version = "[^"]*"/m, 'version = "9.9.9"')),
  ]
  for (const other of same) assert.equal(other, hash)
})

test('a module that is not made of the present sources, or not the one of its stamp, is named with the remedy', () => {
  const { sources } = JSON.parse(readFileSync(join(copy, 'js/page/mcp-page.json'), 'utf8'))
  const fresh = (bytes) => JSON.stringify({ ...JSON.parse(bytes), sources: hashOfSources(copy) })
  assert.equal(whileChanged('js/page/mcp-page.json', fresh, staleness), undefined)
  const old = whileChanged('js/page/mcp-page.json', (bytes) => bytes.toString().replace(sources, 'old'), staleness)
  assert.match(old, /not made of the present sources.*npm run build:page/)
  const other = whileChanged('js/page/mcp-page.wasm', (bytes) => Buffer.concat([bytes, Buffer.from([0])]), staleness)
  assert.match(other, /not the module that its stamp names.*npm run build:page/)
})
