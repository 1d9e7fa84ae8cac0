/** The commands of a clone: their errors when something is missing, what they check, and what `npm start` shows. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { satisfies } from 'semver'
import { browserPath } from '../../__test__/helpers/browser-path.mjs'
import { folderOf } from '../../__test__/helpers/documents.mjs'
import { tooWide } from '../check/comment-width.mjs'
import { RULES, offences } from '../check/rooms.mjs'
import { missingPrerequisite, OLDEST_NODE } from '../lib/prerequisites.mjs'
import { ROOT } from '../lib/root.mjs'

const run = promisify(execFile)
const DEMO = join(ROOT, 'examples/demo.mjs')

test('a module knows whether it is the program or imported, even if it is run through a link', async (t) => {
  const root = pathToFileURL(join(ROOT, 'scripts/lib/root.mjs'))
  const folder = await folderOf(t, {
    'there/module.mjs': `import { isMain } from '${root}'\nconsole.log(isMain(import.meta.url))\n`,
    'there/importer.mjs': `import './module.mjs'\n`,
  })
  await symlink(join(folder, 'there'), join(folder, 'here'), 'junction')
  const printedBy = async (...args) => (await run(process.execPath, args, { cwd: folder })).stdout.trim()
  assert.equal(await printedBy('there/module.mjs'), 'true')
  assert.equal(await printedBy('here/module.mjs'), 'true')
  assert.equal(await printedBy('there/importer.mjs'), 'false')
  assert.equal(await printedBy('--input-type=module', '--eval', "import './there/module.mjs'", 'argument'), 'false')
})

test('a missing or old toolchain is reported in one sentence with its remedy', () => {
  const sentences = [
    missingPrerequisite({ node: '18.20.0', rustc: '1.95.0' }),
    missingPrerequisite({ node: '20.19.0', rustc: null }),
    missingPrerequisite({ node: '20.19.0', rustc: '1.87.0' }),
  ]
  assert.match(sentences[0], /Node\.js 20\.19 or newer .* this is 18\.20\.0: install .* https:\/\/nodejs\.org$/)
  assert.match(sentences[1], /Rust 1\.88 or newer .* not found: install it from https:\/\/rustup\.rs$/)
  assert.match(sentences[2], /Rust 1\.88 or newer .* this is 1\.87\.0: run "rustup update stable"$/)
})

test('toolchains that are new enough are accepted', () => {
  for (const node of ['20.19.0', '21.0.0', '22.13.0', '24.0.0', '26.10.0'])
    assert.equal(missingPrerequisite({ node, rustc: '1.88.0' }), null)
  for (const node of ['20.18.3', '22.12.0'])
    assert.match(
      missingPrerequisite({ node, rustc: '2.0.0' }),
      new RegExp(`^Node\\.js 2\\d\\.1[39] .* this is ${node}`),
    )
})

test('every tool of the project runs with the oldest Node.js that the prerequisites allow', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  // Of Electron, only the declarations are used.
  const tools = Object.keys(packages[''].devDependencies).filter((name) => name !== 'electron')
  for (const name of tools) {
    const { engines } = packages[`node_modules/${name}`]
    for (const [major, minor] of OLDEST_NODE)
      assert.ok(satisfies(`${major}.${minor}.0`, engines?.node ?? '*'), `${name} needs Node.js ${engines?.node}`)
  }
})

test('the browser of the tests is a program in PATH, or the one that CHROMIUM_PATH names; without one, the error names the remedy', async (t) => {
  const folder = await folderOf(t, { 'bin/google-chrome': '', 'bin/chromium/README': '', 'bin/mine': '' })
  const [bin, chrome, mine] = ['bin', 'bin/google-chrome', 'bin/mine'].map((path) => join(folder, path))
  for (const program of [chrome, mine]) await chmod(program, 0o755)
  assert.equal(browserPath({ PATH: bin }, 'linux'), chrome)
  assert.equal(browserPath({ PATH: bin, CHROMIUM_PATH: mine }, 'linux'), mine)
  assert.throws(
    () => browserPath({ PATH: bin, CHROMIUM_PATH: join(bin, 'chromium') }, 'linux'),
    /no program at \S+chromium, .* CHROMIUM_PATH .*: correct it, or unset it$/,
  )
  assert.equal(
    browserPath({ PATH: folder }, 'linux', () => mine),
    mine,
  )
  for (const downloaded of [undefined, join(bin, 'none')]) {
    assert.throws(
      () => browserPath({ PATH: folder }, 'linux', () => downloaded),
      /none was found: install Chromium or Google Chrome, set CHROMIUM_PATH to one, or run "node scripts\/test\/browser\.mjs --download"$/,
    )
  }
})

test('the rules of the house find what breaks them, and ignore comments', () => {
  const planted = {
    'crates/protocol/src': [
      'let now = Instant::now();',
      'let x = rand::rng();',
      'let text = fs::read_to_string(path);',
      'use std::net::TcpStream;',
      '// Instant::now is not for us',
      'use std::net::SocketAddr;',
    ],
    'crates/sim/src': ['let now = SystemTime::now();'],
    'src/driver': ['use napi::Env;', 'unsafe { x() }'],
    js: [
      'setTimeout(retry, 1000)',
      'if (error instanceof TypeError) return',
      'const gone = new AbortController()',
      "import { setImmediate } from 'node:timers'",
      '/** setTimeout(x) */',
      'if (error instanceof MCPError) return',
    ],
    'js/shared': ["import type { MCPClient } from '../client/client.js'", "import { EventEmitter } from 'node:events'"],
    'js/bridge': ["import { MCPClient } from '../index.js'", "import { MCPError } from '../shared/errors.js'"],
    'js/testing': ["import { explain } from '../../shared/close-codes.js'", "import { Inbox } from '../inbox.js'"],
    'js/index.ts': ["export const VERSION = '1'", "export { MCPClient } from './client/client.js'"],
    __test__: ["import { npm } from '../../scripts/lib/npm.mjs'"],
    'scripts/lib': ["import { run } from './steps.mjs'", "const { pack } = await import('../../release/pack.mjs')"],
    'scripts/release': ["import { build } from '../build/all.mjs'", "import { soak } from '../test/soak.mjs'"],
  }
  const found = offences(RULES, (room) => [{ file: `${room}/planted.rs`, lines: planted[room] ?? [] }])
  const lines = found.map((offence) => offence.split(': ').at(-1))
  for (const line of [
    ...planted['crates/protocol/src'].slice(0, 4),
    ...planted['crates/sim/src'],
    ...planted['src/driver'],
    ...planted.js.slice(0, 4),
    ...planted['js/shared'],
    planted['js/bridge'][0],
    planted['js/testing'][0],
    planted['js/index.ts'][0],
    planted.__test__[0],
    planted['scripts/lib'][1],
    planted['scripts/release'][1],
  ]) {
    assert.ok(lines.includes(line), `${line} is not found in ${found.join('\n')}`)
  }
  for (const line of [
    ...planted['crates/protocol/src'].slice(4),
    ...planted.js.slice(4),
    planted['js/bridge'][1],
    planted['js/testing'][1],
    planted['js/index.ts'][1],
    planted['scripts/lib'][0],
    planted['scripts/release'][0],
  ]) {
    assert.ok(!lines.includes(line), `${line} is found, and breaks no rule`)
  }
})

test('the protocol stands on no crate that does I/O, runs tasks, asks the system for chance or knows JavaScript', async () => {
  const options = ['--locked', '--edges', 'normal', '--prefix', 'none', '--format', '{p}']
  const { stdout } = await run('cargo', ['tree', '--package', 'mcp-protocol', ...options], { cwd: ROOT })
  const names = stdout.split('\n').map((line) => line.split(' ')[0])
  assert.ok(names.includes('bytes'), stdout)
  const banned = /^(tokio|mio|socket2|getrandom|rustls|ring|napi|tungstenite|mcp-(?!protocol))/
  assert.deepEqual(
    names.filter((name) => banned.test(name)),
    [],
  )
})

test('cargo works on every crate of the workspace unless it is told otherwise', async () => {
  const { stdout } = await run('cargo', ['metadata', '--locked', '--no-deps', '--format-version', '1'], { cwd: ROOT })
  const { workspace_members: members, workspace_default_members: usual } = JSON.parse(stdout)
  assert.ok(members.length >= 3, stdout)
  assert.deepEqual(usual.toSorted(), members.toSorted())
})

test('the house as it stands breaks none of its rules', () => {
  assert.deepEqual(offences(), [])
})

test('a comment that is too wide is reported with its line, and code is left to the formatter', () => {
  const files = { 'a.ts': `/** ${'x'.repeat(116)} */\nconst x = '${'x'.repeat(200)}'\n * ${'ä'.repeat(117)}` }
  assert.deepEqual(
    tooWide(['a.ts'], (file) => files[file]),
    ['a.ts:1'],
  )
})

test('the demonstration searches, loses its connection, reconnects, searches again, and ends by itself', async () => {
  const { stdout } = await run(process.execPath, [DEMO, 'heartbeat'], { timeout: 60_000 })
  const order = [
    'connecting → authenticating',
    'authenticating → ready',
    '"heartbeat"',
    '1012',
    'attempt 1 of 10',
    'reconnecting → connecting',
    '"heartbeat"',
    'done: 2 of 2 calls answered, 1 reconnect',
  ]
  let from = 0
  for (const part of order) {
    const at = stdout.indexOf(part, from)
    assert.ok(at >= from, `${part} is missing after ${stdout.slice(0, from).length} characters of:\n${stdout}`)
    from = at + part.length
  }
})

test('the linter finds globals in js/ that test runners replace, and lets imports and the command line alone', async (t) => {
  const names = ['setImmediate', 'queueMicrotask', 'process', 'Buffer', 'performance', 'setTimeout']
  const folder = await folderOf(t, {
    'js/client/uses.ts': names.map((name) => `export const a${name} = () => ${name}\n`).join(''),
    'js/client/imports.ts': "import { setImmediate } from './node.js'\n\nexport const used = () => setImmediate\n",
    'js/cli/uses.ts': 'export const used = () => process\n',
  })
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')
  const lint = async (path) => {
    const args = [biome, 'lint', `--config-path=${ROOT}`, '--vcs-enabled=false', path]
    const { stdout, stderr } = await run(process.execPath, args, { cwd: folder }).catch((error) => error)
    return [...`${stdout}${stderr}`.matchAll(/Do not use the global variable (\w+)/g)].map(([, name]) => name)
  }
  assert.deepEqual((await lint('js/client/uses.ts')).sort(), names.sort())
  assert.deepEqual(await lint('js/client/imports.ts'), [])
  assert.deepEqual(await lint('js/cli/uses.ts'), [])
})
