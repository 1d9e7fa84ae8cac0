/** `npm run test:deep`: what takes too long for every change. docs/reliability.md says what each step proves. */
import { setUp } from '../lib/setup.mjs'
import { runSteps, runWith } from '../lib/steps.mjs'
import { testAutobahn } from './autobahn.mjs'

setUp()
const { build } = await import('../build/all.mjs')
const { testElectron } = await import('./electron.mjs')

await runSteps([
  ['random histories', randomHistories],
  ['random frames', randomFrames],
  ['the Autobahn testsuite', testAutobahn],
  ['the build', () => build()],
  ['lifetime and back-pressure', inFull],
  ['Electron', testElectron],
])

/**
 * Variables that are set already go before these: `MCP_SIM_HISTORIES=unlimited npm run test:deep` goes on until it is
 * stopped.
 */
function randomHistories() {
  runWith({ MCP_SIM_HISTORIES: '200000' }, 'cargo', 'test', '--locked', '--profile=deep', '--lib', 'whatever_happens')
}

/** The same streams for our reader and for tungstenite's. */
function randomFrames() {
  runWith({ PROPTEST_CASES: '1000000' }, 'cargo', 'test', '--locked', '--profile=deep', '--lib', 'a_stream_is_taken')
}

/** The tests of npm test that do a thing very often, with their full numbers. */
function inFull() {
  const files = ['lifetime', 'back-pressure', 'load', 'process'].map((name) => `__test__/${name}.test.mjs`)
  runWith(
    { MCP_TEST_DEEP: '1' },
    process.execPath,
    '--test',
    '--test-reporter=spec',
    '--test-timeout=1800000',
    ...files,
  )
}
