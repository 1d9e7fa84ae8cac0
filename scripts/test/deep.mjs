/** `npm run test:deep`: tests that take too long for every change. docs/reliability.md says what each step proves. */
import { setUp } from '../lib/setup.mjs'
import { runSteps, runWith } from '../lib/steps.mjs'
import { testAutobahn } from './autobahn.mjs'
import { networkSteps } from './networks.mjs'
import { PORTABLE_STEPS } from './portable.mjs'
import { testPeers } from './peers.mjs'

setUp()
const { build } = await import('../build/all.mjs')
const { testElectron } = await import('./electron.mjs')

await runSteps([
  ['random histories', randomHistories],
  ['random frames', randomFrames],
  ['the Autobahn testsuite', testAutobahn],
  ['the build', () => build()],
  ['lifetime and back-pressure', inFull],
  ...networkSteps(),
  ...PORTABLE_STEPS,
  ['MCP hosts: rmcp and the inspector', testPeers],
  ['Electron', testElectron],
])

/**
 * Variables that are already set keep their values: `MCP_SIM_HISTORIES=unlimited npm run test:deep` runs until it is
 * stopped.
 */
function randomHistories() {
  runWith(
    { MCP_SIM_HISTORIES: '200000' },
    'cargo',
    'test',
    '--locked',
    '--profile=deep',
    '--package',
    'mcp-sim',
    'whatever_happens',
  )
}

/** Our reader and tungstenite's read the same streams. */
function randomFrames() {
  runWith(
    { PROPTEST_CASES: '1000000' },
    'cargo',
    'test',
    '--locked',
    '--profile=deep',
    '--package',
    'mcp-client',
    '--lib',
    'a_stream_is_taken',
  )
}

/** Tests of `npm test` that repeat something, with their full numbers of repetitions. */
function inFull() {
  const files = ['lifetime', 'back-pressure', 'load', 'process', 'page-leaks', 'page-histories'].map(
    (name) => `__test__/${name}.test.mjs`,
  )
  runWith(
    { MCP_TEST_DEEP: '1' },
    process.execPath,
    '--test',
    '--test-reporter=spec',
    '--test-timeout=1800000',
    ...files,
  )
}
