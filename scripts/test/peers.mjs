/**
 * `npm run test:peers`: `mcp-client mcp` under hosts that are not among the packages of the project: programs on rmcp,
 * the implementation of MCP in Rust, which take a minute to build, and the command line of the MCP inspector. Each is a
 * folder of __test__/peers with a lockfile of its own.
 */
import { readdirSync } from 'node:fs'
import { npm } from '../lib/npm.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { node, run, runSteps } from '../lib/steps.mjs'

const PEERS = '__test__/peers'

export function testPeers() {
  const manifest = `${PEERS}/rmcp/Cargo.toml`
  run('cargo', 'build', '--locked', '--manifest-path', manifest, '--target-dir', 'target/peers')
  // Not `ci`: it misses an optional package of another system in the lockfile that npm itself has written.
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: `${ROOT}${PEERS}/inspector` })
  const files = readdirSync(`${ROOT}${PEERS}`).filter((name) => name.endsWith('.test.mjs'))
  node('--test', '--test-timeout=120000', ...files.map((name) => `${PEERS}/${name}`))
}

if (isMain(import.meta.url)) {
  setUp()
  const { build } = await import('../build/all.mjs')
  await runSteps([
    ['the build', () => build()],
    ['hosts on rmcp, and the inspector', testPeers],
  ])
}
