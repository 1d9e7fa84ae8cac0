/** The tests that hold for every client, with the client of pages in Chromium. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nameOf } from '../helpers/chromium/bundle.mjs'
import { runInChromium } from '../helpers/chromium/run.mjs'
import { SUITES } from '../helpers/suites.mjs'

/** Most that may be skipped of a suite, because a page cannot do it. */
const MOST_SKIPPED = 12

/** All of them, or those that are named. */
const { CHROMIUM_SUITES: named } = process.env
const suites = SUITES.filter((path) => named === undefined || named.split(',').includes(nameOf(path)))

const results = await runInChromium(suites)

for (const [suite, tests] of results) {
  describe(`in Chromium: ${nameOf(suite)}`, () => {
    for (const { name, error, skip } of tests) {
      test(name, { skip }, () => {
        if (error !== undefined) assert.fail(error)
      })
    }

    test('nearly all of its tests ran', () => {
      const skipped = tests.filter(({ skip }) => skip !== undefined)
      assert.ok(tests.length > skipped.length && skipped.length <= MOST_SKIPPED, `${skipped.length} were skipped`)
    })
  })
}
