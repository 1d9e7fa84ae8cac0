/** What a page loads: how much it is at most, and the table of docs/browser.md, which says what is in it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { build } from 'esbuild'
import { bundleClient, sizesOf } from '../benches/page/bundle.mjs'
import { MOST_COMPRESSED_BYTES } from '../benches/page/index.mjs'
import { ROOT } from './helpers/root.mjs'

const DOCUMENT = join(ROOT, 'docs/browser.md')
const STAMP = join(ROOT, 'js/page/mcp-page.json')

/** The folders of js/ by the rows of the table. A file belongs to the first that it is in. */
const FOLDERS = {
  'JavaScript: sockets, the timer, the memory of the module': 'js/page/',
  'JavaScript: promises, events, options, as in Node.js too': 'js/shared/client/',
  'JavaScript: errors, checks of arguments, the WebSocket interface': 'js/',
}

/** The parts of the module, as its stamp has them. */
const PARTS = {
  'WebAssembly: the session, which makes every decision': ['session'],
  'WebAssembly: reading and writing messages': ['messages'],
  'WebAssembly: the rest of the protocol': ['protocol'],
  'WebAssembly: the way to JavaScript and back': ['border'],
  'WebAssembly: other crates': ['crates'],
  'WebAssembly: Rust’s own library': ['library'],
  'WebAssembly: constants, types and tables': ['constants', 'other'],
}

/** Versions of compilers and of esbuild differ: a row may be so much off, of its bytes and at least. */
const TOLERANCE = 0.05
const LEAST = 300

test('JavaScript and WebAssembly are at most 70 KB together, with gzip', async () => {
  const { script, module } = sizesOf(await bundleClient())
  const both = script.compressed + module.compressed
  const words = `JavaScript ${script.compressed} + WebAssembly ${module.compressed} = ${both} bytes`
  assert.ok(script.compressed > 10_000 && module.compressed > 30_000, `too little to be true: ${words}`)
  assert.ok(both <= MOST_COMPRESSED_BYTES, `${words}, at most ${MOST_COMPRESSED_BYTES}`)
})

test('docs/browser.md says what is in it; UPDATE_GENERATED=1 writes that', async () => {
  const measured = { ...(await bytesOfFolders()), ...bytesOfParts(), ...compressedBytes(await bundleClient()) }
  if (process.env.UPDATE_GENERATED === '1') writeTable(measured)
  const documented = readTable()
  assert.deepEqual(Object.keys(documented), Object.keys(measured))
  for (const [row, bytes] of Object.entries(measured)) {
    const most = Math.max(bytes * TOLERANCE, LEAST)
    const message = `${row}: it is ${bytes}, docs/browser.md says ${documented[row]}: UPDATE_GENERATED=1 node --test __test__/page-size.test.mjs`
    assert.ok(Math.abs(documented[row] - bytes) <= most, message)
  }
})

/** Bytes of the minified bundle by the folders that they come from. */
async function bytesOfFolders() {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['js/portable.ts'],
    outfile: 'portable.mjs',
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    external: ['./mcp-page.wasm'],
    define: { PACKAGE_VERSION: '"0.0.0"' },
    ignoreAnnotations: true,
    write: false,
    metafile: true,
  })
  const bytes = Object.fromEntries(Object.keys(FOLDERS).map((row) => [row, 0]))
  for (const [path, { bytesInOutput }] of Object.entries(metafile.outputs['portable.mjs'].inputs)) {
    const [row] = Object.entries(FOLDERS).find(([, folder]) => path.startsWith(folder))
    bytes[row] += bytesInOutput
  }
  return bytes
}

function bytesOfParts() {
  const { parts } = JSON.parse(readFileSync(STAMP, 'utf8'))
  const sumOf = (names) => names.reduce((sum, name) => sum + parts[name], 0)
  return Object.fromEntries(Object.entries(PARTS).map(([row, names]) => [row, sumOf(names)]))
}

function compressedBytes(client) {
  const { script, module } = sizesOf(client)
  return { 'with gzip: JavaScript': script.compressed, 'with gzip: WebAssembly': module.compressed }
}

const ROW = /^\| ((?:JavaScript|WebAssembly|with gzip): [^|]+) \| ([\d,]+) \|$/gm

function readTable() {
  const rows = [...readFileSync(DOCUMENT, 'utf8').matchAll(ROW)]
  return Object.fromEntries(rows.map(([, row, bytes]) => [row, Number(bytes.replaceAll(',', ''))]))
}

function writeTable(measured) {
  const text = readFileSync(DOCUMENT, 'utf8').replace(ROW, (line, row) =>
    row in measured ? `| ${row} | ${measured[row].toLocaleString('en-US')} |` : line,
  )
  writeFileSync(DOCUMENT, text)
}
