/**
 * `npm run test:peers`: what speaks MCP against programs on rmcp, the implementation in Rust. They are a workspace of
 * their own, in __test__/peers/rmcp, and take a minute to build.
 */
import { readdirSync } from 'node:fs'
import { ROOT, isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { node, run, runSteps } from '../lib/steps.mjs'

const MANIFEST = '__test__/peers/rmcp/Cargo.toml'
const TESTS = '__test__/peers'

export function testPeers() {
  run('cargo', 'build', '--locked', '--manifest-path', MANIFEST, '--target-dir', 'target/peers')
  const files = readdirSync(`${ROOT}${TESTS}`).filter((name) => name.endsWith('.test.mjs'))
  node('--test', '--test-timeout=120000', ...files.map((name) => `${TESTS}/${name}`))
}

if (isMain(import.meta.url)) {
  setUp()
  const { build } = await import('../build/all.mjs')
  await runSteps([
    ['the build', () => build()],
    ['rmcp', testPeers],
  ])
}
