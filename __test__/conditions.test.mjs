/** Which file each runtime and bundler gets, by the conditions that it sets: `exports` of package.json. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { relative } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ROOT } from './helpers/root.mjs'

const NATIVE = { import: 'index.mjs', require: 'dist/index.js' }
const PORTABLE = { import: 'dist/browser/portable.mjs', require: 'dist/browser/portable-inline.js' }
/** CommonJS cannot say where the module is, and Node.js may have it in the code as well. */
const INLINE = { import: 'dist/browser/portable-inline.mjs', require: 'dist/browser/portable-inline.js' }
const WORKERD = { import: 'dist/browser/workerd.mjs', require: 'dist/browser/workerd.mjs' }
const REACT = { import: 'dist/react.js', require: 'dist/react.js' }

/** Conditions besides `node`, `import` and `require`, which Node.js sets; what comes first in `exports` counts. */
const EXPECTED = {
  'Node.js, Bun, and Electron’s main process': [[], { '.': NATIVE, './portable': INLINE, './react': REACT }],
  Deno: [['deno'], { '.': NATIVE, './portable': INLINE, './react': REACT }],
  'bundlers for pages, and Jest with jsdom': [
    ['browser'],
    { '.': PORTABLE, './react': { import: 'dist/browser/react.mjs', require: 'dist/react.js' } },
  ],
  'bundlers for workers': [['worker', 'browser'], { '.': PORTABLE }],
  'wrangler, for Cloudflare’s workerd': [['workerd', 'worker', 'browser'], { '.': WORKERD, './portable': WORKERD }],
}

/** By Node.js itself, in a process that sets these conditions. */
function resolved(conditions, entries) {
  const names = entries.map((entry) => `@mcp-integration/client${entry.slice(1)}`)
  const program = `
    import { createRequire } from 'node:module'
    const { resolve } = createRequire(import.meta.url)
    const of = (name) => ({ import: import.meta.resolve(name), require: resolve(name) })
    console.log(JSON.stringify(${JSON.stringify(names)}.map(of)))`
  const flags = conditions.map((condition) => `--conditions=${condition}`)
  const printed = execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', program], { cwd: ROOT })
  const shown = (path) => relative(ROOT, path.startsWith('file:') ? fileURLToPath(path) : path).replaceAll('\\', '/')
  return Object.fromEntries(
    JSON.parse(printed).map((found, place) => [
      entries[place],
      { import: shown(found.import), require: shown(found.require) },
    ]),
  )
}

describe('the package gives', () => {
  for (const [whom, [conditions, expected]] of Object.entries(EXPECTED)) {
    test(whom, () => assert.deepEqual(resolved(conditions, Object.keys(expected)), expected))
  }

  test('everybody the module inlined, and a worker, by their names', () => {
    for (const conditions of [[], ['browser'], ['workerd']]) {
      const worker = 'dist/browser/portable-worker.mjs'
      assert.deepEqual(resolved(conditions, ['./portable/inline', './portable/worker']), {
        './portable/inline': INLINE,
        './portable/worker': { import: worker, require: worker },
      })
    }
  })
})
