/**
 * `npm run test:portable`: the tests that hold for every client, with the portable one: in Node.js over a WebSocket of
 * JavaScript, and in Chromium.
 */
import { SUITES } from '../../__test__/helpers/suites.mjs'
import { isMain } from '../lib/root.mjs'
import { node, runSteps, runWith } from '../lib/steps.mjs'

const TEST = ['--test', '--test-timeout=120000']

const IN_NODE = ['the portable client in Node.js', () => inNode(...SUITES, '__test__/secrets.test.mjs')]

/** Everything. Chromium delays WebSockets after some have failed, which takes a minute. */
export const PORTABLE_STEPS = [
  IN_NODE,
  ['the portable client through hundreds of faults', () => inNode('__test__/chaos.test.mjs')],
  ['the portable client in Chromium', () => inChromium()],
]

/** What `npm test` has time for. */
export const PORTABLE_SAMPLE = [IN_NODE, ['the portable client in Chromium: calls', () => inChromium('calls')]]

function inNode(...suites) {
  node('--import', './__test__/helpers/portable.mjs', ...TEST, ...suites)
}

function inChromium(suites) {
  runWith(
    suites === undefined ? {} : { CHROMIUM_SUITES: suites },
    process.execPath,
    ...TEST,
    '__test__/portable/chromium.test.mjs',
  )
}

if (isMain(import.meta.url)) await runSteps(PORTABLE_STEPS)
