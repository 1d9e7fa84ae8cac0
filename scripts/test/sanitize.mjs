/**
 * `node scripts/test/sanitize.mjs`: runs the Rust tests, then tests of the addon, with AddressSanitizer. Needs Linux on
 * x64, a nightly Rust and gcc's libasan. See docs/reliability.md.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { ROOT } from '../lib/root.mjs'
import { runSteps, runWith } from '../lib/steps.mjs'

const TARGET = 'x86_64-unknown-linux-gnu'
const ADDON = `${ROOT}target/sanitized/mcp-client.node`
/** Tests of what crosses between the two languages: texts, bytes, large values, aborts, closing. */
const FILES = ['calls', 'messages', 'large-results', 'json', 'websocket-face', 'states']

await runSteps([
  ['the Rust tests', () => cargo('-Zsanitizer=address', 'test', '--lib', '--tests')],
  ['the addon', buildAddon],
  ['the tests of the addon', testAddon],
])

/** A test program contains the runtime of the sanitizer. An addon must use the one of its process. */
function cargo(flags, ...args) {
  runWith(
    { RUSTFLAGS: flags },
    'cargo',
    '+nightly',
    ...args,
    '--locked',
    '--target',
    TARGET,
    '--target-dir',
    'target/sanitized',
  )
}

function buildAddon() {
  cargo('-Zsanitizer=address -Zexternal-clangrt', 'build', '--lib', '--package', 'mcp-client')
  copyFileSync(`${ROOT}target/sanitized/${TARGET}/debug/libmcp_client.so`, ADDON)
}

/** Node.js itself frees little when it exits, so leaks are not reported here; the tests of lifetimes find them. */
function testAddon() {
  const runtime = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
  const env = { LD_PRELOAD: runtime, ASAN_OPTIONS: 'detect_leaks=0', MCP_CLIENT_NATIVE_PATH: ADDON }
  runWith(
    env,
    process.execPath,
    '--test',
    '--test-reporter=spec',
    '--test-timeout=120000',
    ...FILES.map((name) => `__test__/${name}.test.mjs`),
  )
}
