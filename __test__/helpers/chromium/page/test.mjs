/**
 * `node:test` in a page: as much of it as the tests use. Tests run one after the other, each with a time limit, and
 * report to the process that drives the browser.
 */

/** ms; a test that takes longer has failed. */
const LONGEST = 30_000

const root = { name: '', tests: [], before: [], after: [], beforeEach: [], afterEach: [] }
let suite = root

export function describe(name, ...rest) {
  const [options, define] = rest.length === 1 ? [{}, rest[0]] : rest
  const outer = suite
  suite = { name, tests: [], before: [], after: [], beforeEach: [], afterEach: [], skip: options.skip }
  outer.tests.push(suite)
  try {
    define()
  } finally {
    suite = outer
  }
}

export function test(name, ...rest) {
  const [options, act] = rest.length === 1 ? [{}, rest[0]] : rest
  suite.tests.push({ name, act, skip: options.skip })
}

test.skip = (name) => test(name, { skip: true }, () => {})

export const it = test

export const before = (act) => void suite.before.push(act)
export const after = (act) => void suite.after.push(act)
export const beforeEach = (act) => void suite.beforeEach.push(act)
export const afterEach = (act) => void suite.afterEach.push(act)

export default test

/** Runs everything that was defined; `report` gets { name, error?, skip? } of each test. */
export async function runAll(report) {
  await runSuite(root, [], report)
}

async function runSuite({ tests, before, after, beforeEach, afterEach, skip }, path, report) {
  const runs = !skip
  if (runs) for (const act of before) await act()
  for (const each of tests) {
    const name = [...path, each.name]
    const isSkipped = skip || each.skip
    if (each.tests !== undefined) await runSuite({ ...each, skip: isSkipped }, name, report)
    else if (isSkipped) report({ name: name.join(' › '), skip: String(isSkipped) })
    else await runTest(each, name, report, { beforeEach, afterEach })
  }
  if (runs) for (const act of after) await act()
}

async function runTest({ act }, path, report, { beforeEach = [], afterEach = [] } = {}) {
  const name = path.join(' › ')
  const cleanUps = []
  const t = {
    name: path.at(-1),
    after: (cleanUp) => void cleanUps.push(cleanUp),
    test: (inner, ...rest) => runTest({ act: rest.at(-1) }, [...path, inner], report),
    diagnostic() {},
  }
  let outcome = { name }
  try {
    for (const prepare of beforeEach) await prepare(t)
    await inTime(act(t))
  } catch (error) {
    outcome = { name, error: String(error?.stack ?? error) }
  }
  for (const cleanUp of [...cleanUps, ...afterEach]) {
    try {
      await inTime(cleanUp(t))
    } catch (error) {
      outcome.error ??= `while cleaning up: ${error?.stack ?? error}`
    }
  }
  report(outcome)
}

function inTime(promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${LONGEST} ms`)), LONGEST)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
