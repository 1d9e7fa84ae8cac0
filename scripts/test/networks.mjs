/**
 * `npm run test:networks`: the client behind real proxies and gateways, on loopback. Those that are missing are
 * installed, on Debian as root. A test whose program is missing all the same is reported as not run.
 */
import { delimiter } from 'node:path'
import { isInPath } from '../../__test__/helpers/browser-path.mjs'
import { installPackages } from '../lib/apt.mjs'
import { isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { NotRun, node, runSteps } from '../lib/steps.mjs'

/** The programs, each with its Debian package. `__test__/networks` has a file for each. */
const PROGRAMS = {
  squid: 'squid',
  tinyproxy: 'tinyproxy',
  microsocks: 'microsocks',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
}

/** For `npm test`. */
export const SAMPLE = ['squid', 'nginx']

/** Steps that test the client with these programs. */
export function networkSteps(programs = Object.keys(PROGRAMS)) {
  return programs.map((program) => [`a real ${program}`, () => testNetwork(program, programs)])
}

/** @throws NotRun if the program is missing and cannot be installed */
function testNetwork(program, programs) {
  // All in one go: it takes as long as one.
  if (!isInstalled(program)) installPackages(...programs.filter((name) => !isInstalled(name)).map((n) => PROGRAMS[n]))
  if (!isInstalled(program)) {
    throw new NotRun(`${program} is not installed; on Debian it is the package ${PROGRAMS[program]}`)
  }
  node('--test', '--test-timeout=120000', `__test__/networks/${program}.test.mjs`)
}

function isInstalled(program) {
  return isInPath(program, { PATH: [process.env.PATH, '/usr/sbin'].join(delimiter) })
}

if (isMain(import.meta.url)) {
  setUp()
  const { build } = await import('../build/all.mjs')
  await runSteps([['the build', () => build()], ...networkSteps()])
}
