/**
 * Builds the WebAssembly module for pages, js/page/mcp-page.wasm, which is committed. `npm start` and `npm test` do not
 * need this: they use the committed module, and the test command fails if it is not made of the present sources.
 *
 * The standard library is built too, for size: a panic is a trap, without a message. Where its sources cannot be had,
 * that of the installed target is used, and the module is larger. `npm run build:page -- --fetch` has rustup fetch them.
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

/** The passes of wasm-opt. The first two make what follows find more. */
const PASSES = ['--flatten', '--rereloop', '-Oz', '--converge']

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
  const binaryen = dirname(createRequire(import.meta.url).resolve('binaryen/package.json'))
  const output = `${path.replace(/\.wasm$/, '')}.optimised.wasm`
  const features = FEATURES.map((feature) => `--enable-${feature}`)
  const strip = names ? ['-g'] : ['--strip-debug', '--strip-producers', '--strip-target-features']
  const args = [join(binaryen, 'bin/wasm-opt'), path, ...PASSES, ...features, ...strip, '-o', output]
  execFileSync(process.execPath, args, { stdio: 'inherit' })
  return readFileSync(output)
}

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
