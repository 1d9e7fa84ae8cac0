/**
 * `npm run test:networks`: the client behind real proxies and gateways, against TLS servers of others, and in networks
 * that are broken for real; all on this machine. What is missing is installed, on Debian as root. A test that still
 * lacks something is reported as not run.
 */
import { spawnSync } from 'node:child_process'
import { delimiter } from 'node:path'
import { isInPath } from '../../__test__/helpers/browser-path.mjs'
import { installPackages } from '../lib/apt.mjs'
import { isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { NotRun, node, runSteps } from '../lib/steps.mjs'

const NAMESPACES = { ip: 'iproute2', ss: 'iproute2', tc: 'iproute2', nsenter: 'util-linux', unshare: 'util-linux' }

/**
 * What is tested: the files, and the programs that they need, each with its Debian package. What is `isolated` makes
 * namespaces, for which it needs root on Linux. `sample` are the tests of it that `npm test` runs, if not all.
 */
const PARTS = {
  'a real squid': { files: ['networks/squid'], programs: { squid: 'squid', openssl: 'openssl' } },
  'a real tinyproxy': { files: ['networks/tinyproxy'], programs: { tinyproxy: 'tinyproxy' } },
  'a real microsocks': { files: ['networks/microsocks'], programs: { microsocks: 'microsocks' } },
  'a real dante': {
    files: ['networks/dante'],
    programs: { ...NAMESPACES, danted: 'dante-server', openssl: 'openssl' },
    isolated: true,
  },
  'a real nginx': { files: ['networks/nginx'], programs: { nginx: 'nginx-light' } },
  'a real haproxy': { files: ['networks/haproxy'], programs: { haproxy: 'haproxy' } },
  'TLS, with openssl': {
    files: ['tls-errors', 'tls-options', 'tls-sessions', 'tls-trust'],
    programs: { openssl: 'openssl' },
  },
  'network namespaces': {
    files: ['networks/namespaces'],
    programs: NAMESPACES,
    isolated: true,
    sample: 'half-broken|of a link|is pulled',
  },
  'TCP keepalive': { files: ['networks/keepalive'], programs: { ...NAMESPACES, sysctl: 'procps' }, isolated: true },
}

/** For `npm test`. */
const SAMPLE = ['a real squid', 'a real nginx', 'TLS, with openssl', 'network namespaces']

/** The files in `__test__` itself that belong to these steps. */
export const NEEDING_PROGRAMS = Object.values(PARTS)
  .flatMap(({ files }) => files)
  .filter((name) => !name.includes('/'))
  .map((name) => `__test__/${name}.test.mjs`)

/** Steps that test the client with all of it. */
export function networkSteps() {
  return Object.entries(PARTS).map(([name, part]) => [name, () => testPart(part, Object.values(PARTS))])
}

/** A sample of them. */
export function sampleOfNetworkSteps() {
  const parts = SAMPLE.map((name) => PARTS[name])
  return SAMPLE.map((name) => [name, () => testPart(PARTS[name], parts, PARTS[name].sample)])
}

/** @throws NotRun if a program is missing and cannot be installed, or if there can be no namespaces */
function testPart({ files, programs, isolated }, parts, sample) {
  const isRoot = process.platform === 'linux' && process.getuid() === 0
  if (isolated && !isRoot) throw new NotRun('only root on Linux can make network namespaces')
  // All in one go: it takes as long as one.
  if (missing(programs).length > 0) installPackages(...packagesFor(parts))
  const [lacking] = missing(programs)
  if (lacking) throw new NotRun(`${lacking} is not installed; on Debian it is in the package ${programs[lacking]}`)
  if (isolated) tryNamespace()
  const pattern = sample === undefined ? [] : [`--test-name-pattern=${sample}`]
  node('--test', '--test-timeout=120000', ...pattern, ...files.map((name) => `__test__/${name}.test.mjs`))
}

/** Root of a container may not make one. */
function tryNamespace() {
  const link = ['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1']
  const { status, error, stderr } = spawnSync('unshare', ['--net', '--mount', ...link], { encoding: 'utf8' })
  if (status !== 0) throw new NotRun(`there can be no network namespaces here: ${error?.message ?? stderr.trim()}`)
}

function missing(programs) {
  const env = { PATH: [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter) }
  return Object.keys(programs).filter((program) => !isInPath(program, env))
}

function packagesFor(parts) {
  return [...new Set(parts.flatMap(({ programs }) => missing(programs).map((program) => programs[program])))]
}

if (isMain(import.meta.url)) {
  setUp()
  const { build } = await import('../build/all.mjs')
  await runSteps([['the build', () => build()], ...networkSteps()])
}
