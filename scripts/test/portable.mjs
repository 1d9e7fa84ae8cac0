/**
 * `npm run test:portable`: the tests that hold for every client, with the portable one: in Node.js over a WebSocket of
 * JavaScript, and in Chromium.
 */
import { SUITES } from '../../__test__/helpers/suites.mjs'
import { isMain } from '../lib/root.mjs'
import { node, runSteps } from '../lib/steps.mjs'

const LIMIT = '--test-timeout=120000'

export const PORTABLE_STEPS = [
  [
    'the portable client in Node.js',
    () => node('--import', './__test__/helpers/portable.mjs', '--test', LIMIT, ...SUITES),
  ],
  ['the portable client in Chromium', () => node('--test', LIMIT, '__test__/portable/chromium.test.mjs')],
]

if (isMain(import.meta.url)) await runSteps(PORTABLE_STEPS)
