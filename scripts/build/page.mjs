/**
 * Builds the WebAssembly module for pages, js/page/mcp-page.wasm, which is committed. `npm start` and `npm test` do not
 * need this: they use the committed module, and the test command fails if it is not made of the present sources.
 *
 * The standard library is built too, for size: a panic is a trap, without a message. Where its sources cannot be had,
 * that of the installed target is used, and the module is larger. `npm run build:page -- --fetch` has rustup fetch
 * them.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { MODULE, STAMP, hashOfSources, sha256 } from '../lib/page-module.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { fetchSources, standardLibrary } from '../lib/rust-src.mjs'

const TARGET = 'wasm32-unknown-unknown'

/** What browsers have had since 2022. rustc uses the first four of its own accord. */
const FEATURES = ['bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals']
const ENABLED = FEATURES.map((feature) => `--enable-${feature}`)

/**
 * The passes of wasm-opt. The first two make what follows find more. Alignments are hints, which differ for nothing.
 */
const PASSES = ['--flatten', '--rereloop', '-Oz', '--converge', '-Oz', '--dealign']
/** Bytes of a function that is inlined where it is called once, and of one that is inlined everywhere. */
const INLINING = ['--one-caller-inline-max-function-size=60', '--always-inline-max-function-size=1']

/** Bytes of the stack. Nothing in the protocol is recursive. */
const STACK = 64 * 1024

/** @returns {Promise<Buffer>} the module, optimised */
export async function buildModule({ names = false } = {}) {
  const { cargo, env, flags } = await standardLibrary(TARGET)
  const rustflags = [`-Clink-arg=-zstack-size=${STACK}`, ...flags].join('\u001f')
  execFileSync(
    'cargo',
    [
      'rustc',
      '--package=mcp-page',
      '--lib',
      '--crate-type=cdylib',
      '--locked',
      '--profile=page',
      `--target=${TARGET}`,
      ...cargo,
    ],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env, CARGO_ENCODED_RUSTFLAGS: rustflags } },
  )
  return optimise(join(ROOT, `target/${TARGET}/page/mcp_page.wasm`), names)
}

function optimise(path, names) {
  const at = (ending) => path.replace(/\.wasm$/, `.${ending}`)
  const [optimised, sorted] = [at('optimised.wasm'), at('sorted.wasm')]
  const strip = ['--strip-producers', '--strip-target-features']
  binaryen('wasm-opt', path, ...PASSES, ...INLINING, ...ENABLED, ...strip, '-g', '-o', optimised)
  binaryen('wasm-dis', optimised, ...ENABLED, '-o', at('wat'))
  writeFileSync(at('wat'), sortFunctions(readFileSync(at('wat'), 'utf8')))
  binaryen('wasm-as', at('wat'), ...ENABLED, ...(names ? ['-g'] : []), '-o', sorted)
  return readFileSync(sorted)
}

function binaryen(tool, ...args) {
  const folder = dirname(createRequire(import.meta.url).resolve('binaryen/package.json'))
  execFileSync(process.execPath, [join(folder, 'bin', tool), ...args], { stdio: 'inherit' })
}

/** Functions of about the same size resemble each other: next to each other they compress better, by a fiftieth. */
function sortFunctions(text) {
  const functions = text.match(FUNCTION).sort((one, other) => one.length - other.length)
  return text.replace(FUNCTION, () => functions.shift())
}

/** At the outermost level, as wasm-dis writes it. */
const FUNCTION = /^ \(func .*\n(?: {2}.*\n)* \)\n/gm

if (isMain(import.meta.url)) {
  if (process.argv.includes('--fetch')) fetchSources()
  if (process.argv.includes('--names')) {
    writeFileSync(join(ROOT, 'target/mcp-page.names.wasm'), await buildModule({ names: true }))
    console.log('target/mcp-page.names.wasm has the names of the functions: what the places in an error mean')
    process.exit()
  }
  const module = await buildModule()
  writeFileSync(MODULE, module)
  writeFileSync(STAMP, `${JSON.stringify({ sources: hashOfSources(), module: sha256(module) }, null, 2)}\n`)
  console.log(`${MODULE}: ${module.length} bytes, ${gzipSync(module, { level: 9 }).length} with gzip`)
}
