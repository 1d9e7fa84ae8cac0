/**
 * `npm run test:autobahn`: runs the Autobahn testsuite against the code that reads and writes frames, compressed ones
 * included. Its fuzzing server runs on loopback, and src/driver/socket/autobahn.rs runs its cases.
 *
 * The suite needs CPython 2.7, and a C compiler for one of its packages: $PYTHON2 names a Python; otherwise it is
 * searched for in PATH and among the versions of pyenv. Sections 12 and 13 send gigabytes, which takes long in Python.
 * Arguments choose cases: `node scripts/test/autobahn.mjs '1.*' 12.1.1`.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../__test__/helpers/ports.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { NotRun, runAlone, runWith } from '../lib/steps.mjs'
import { hasPip, wheels } from '../lib/wheels.mjs'

const OUTPUT = join(ROOT, 'target/autobahn')
const SUITE = 'autobahntestsuite 0.8.2'
/** The name that src/driver/socket/autobahn.rs reports. */
const AGENT = 'mcp-client'
const GOOD = ['OK', 'NON-STRICT', 'INFORMATIONAL']

/**
 * Several pings that are read together get one pong, for the latest, which RFC 6455 § 5.5.3 allows. The suite expects a
 * pong for each, but says itself that this is not required. How many are read together depends on the timing.
 */
const MAY_FAIL = ['2.10', '2.11']

/**
 * Runs these cases, by default all of them.
 * @throws NotRun without Python 2.7, or on another system than Linux x64
 */
export async function testAutobahn(chosen = []) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NotRun(`the packages that ${SUITE} needs are pinned for Linux x64`)
  }
  const python = findPython2()
  const server = await startServer(python, chosen.length > 0 ? chosen : ['*'])
  try {
    runWith(
      { AUTOBAHN_URL: server.url },
      ...[
        'cargo',
        'test',
        '--locked',
        '--profile=deep',
        '--package',
        'mcp-client',
        '--lib',
        'autobahn',
        '--',
        '--ignored',
      ],
    )
  } finally {
    await server.stop()
  }
  judge(JSON.parse(readFileSync(join(OUTPUT, 'index.json'), 'utf8'))[AGENT], chosen.length === 0)
}

/** The path of a Python 2.7 that has pip. */
function findPython2({ PYTHON2: chosen, PYENV_ROOT: pyenv = join(homedir(), '.pyenv') } = process.env) {
  const programs = chosen ? [chosen] : ['python2.7', 'python2', ...versionsOf(pyenv)]
  const python = programs.find(isPython2)
  if (python === undefined) {
    const where = chosen ? `PYTHON2 is ${chosen}, which is not one` : 'none was found in PATH or pyenv'
    throw new NotRun(`${SUITE} needs CPython 2.7, and ${where}: name one in PYTHON2`)
  }
  if (!hasPip(python)) throw new NotRun(`${SUITE} is installed with pip, which ${python} does not have`)
  return python
}

function versionsOf(pyenv) {
  const folder = join(pyenv, 'versions')
  const versions = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('2.7')) : []
  return versions.map((name) => join(folder, name, 'bin/python2.7'))
}

function isPython2(program) {
  const { status, stdout } = spawnSync(program, ['-c', 'import sys; print(sys.version_info[:2] == (2, 7))'])
  return status === 0 && String(stdout).trim() === 'True'
}

async function startServer(python, cases) {
  rmSync(OUTPUT, { recursive: true, force: true })
  mkdirSync(OUTPUT, { recursive: true })
  const packages = wheels('autobahn', { python, options: ['--disable-pip-version-check'] })
  const url = `ws://127.0.0.1:${await freePort()}`
  const spec = { url, outdir: OUTPUT, cases, 'exclude-cases': [], 'exclude-agent-cases': {} }
  writeFileSync(join(OUTPUT, 'spec.json'), JSON.stringify(spec))
  const args = ['-W', 'ignore', '-c', PROGRAM, packages, join(OUTPUT, 'spec.json')]
  // Not a pipe: while cargo runs, this process would not read it, and the server would block.
  const log = openSync(join(OUTPUT, 'server.log'), 'w')
  const child = spawn(python, args, { cwd: OUTPUT, stdio: ['ignore', log, log, 'pipe'] })
  closeSync(log)
  const ended = once(child, 'exit')
  await Promise.race([once(child.stdio[3], 'data'), ended])
  if (child.exitCode !== null) throw new Error(`${SUITE} has ended: see ${join(OUTPUT, 'server.log')}`)
  return {
    url,
    async stop() {
      child.kill()
      await ended
    },
  }
}

/** @throws AssertionError that names the cases */
function judge(results, areAll) {
  const cases = Object.keys(results)
  const isGood = (name) => GOOD.includes(results[name].behavior) && GOOD.includes(results[name].behaviorClose)
  const failures = cases.filter((name) => !isGood(name))
  const told = (name) => `${name}: ${results[name].behavior}, close ${results[name].behaviorClose}`
  if (areAll) assert.equal(cases.length, CASES, 'cases that were run')
  assert.ok(cases.length > 0, 'cases that were run')
  const unexpected = failures.filter((name) => !MAY_FAIL.includes(name))
  assert.deepEqual(unexpected, [], `cases that fail: ${unexpected.map(told).join('; ')}`)
  const count = (behavior) => cases.filter((name) => results[name].behavior === behavior).length
  const counts = GOOD.map((behavior) => `${count(behavior)} ${behavior}`).join(', ')
  console.log(`${SUITE}: ${cases.length} cases, ${counts}; failed, as allowed: ${failures.join(', ') || 'none'}`)
  console.log(`The report: ${join(OUTPUT, 'index.html')}`)
}

/** The cases of sections 1 to 10, 12 and 13; there is no section 11. */
const CASES = 517

/** The suite listens on all addresses, and has no option to change that. */
const PROGRAM = `
import os, site, sys
site.addsitedir(sys.argv[1])
sys.path.insert(0, sys.argv[1])
from autobahntestsuite import wstest
from twisted.internet import reactor
listen = reactor.listenTCP
reactor.listenTCP = lambda port, factory, backlog=50, interface='': listen(port, factory, backlog, '127.0.0.1')
def ready():
    os.write(3, 'ready')
reactor.callWhenRunning(ready)
sys.argv = ['wstest', '--mode', 'fuzzingserver', '--spec', sys.argv[2], '--webport', '0']
wstest.run()
`

if (isMain(import.meta.url)) await runAlone(() => testAutobahn(process.argv.slice(2)))
