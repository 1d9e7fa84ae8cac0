/** What is said when the native part cannot be loaded: one clear sentence for each reason, with its remedy. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { build } from 'esbuild'
import { BINARY, PLATFORM } from './helpers/binary.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

const NAME = '@mcp-integration/client'
const { PLATFORMS } = createRequire(import.meta.url)('../dist/native/platform.js')

/** A project into which only the JavaScript part is installed. */
async function project(t) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mcp-loading-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const at = join(folder, 'node_modules', NAME)
  await mkdir(at, { recursive: true })
  for (const part of ['dist', 'index.js', 'index.mjs', 'package.json'])
    await cp(join(ROOT, part), join(at, part), { recursive: true })
  return { folder, at }
}

async function installPlatform(folder, platform, files) {
  const name = `${NAME}-${platform}`
  const at = join(folder, 'node_modules', name)
  await mkdir(at, { recursive: true })
  await writeFile(join(at, 'package.json'), JSON.stringify({ name, version: '0.0.0', main: 'it.node' }))
  for (const [path, content] of Object.entries(files)) await writeFile(join(at, path), content)
  return at
}

/**
 * Loads the package and makes a client, in a process that takes itself for `fake`, and resolves with what that throws,
 * or null.
 */
function load({ folder }, { fake = '', env = {}, argv = [], entry = NAME } = {}) {
  const program = `
    ${fake}
    try {
      const { MCPClient } = require('${entry}')
      new MCPClient('ws://localhost', { autoConnect: false })
      console.log('null')
    } catch ({ message, cause }) {
      console.log(JSON.stringify({ message, cause: cause && String(cause) }))
    }`
  return run(folder, program, { env, argv }).then(JSON.parse)
}

/** What the program prints; `null` is one that `argv` names. */
function run(folder, program, { env = {}, argv = [] } = {}) {
  const { MCP_CLIENT_NATIVE_PATH: _, ...clean } = process.env
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      program === null ? argv : [...argv, '--eval', program],
      { cwd: folder, env: { ...clean, ...env } },
      (error, stdout, stderr) => {
        if (error) reject(new Error(stderr, { cause: error }))
        else resolve(stdout)
      },
    )
  })
}

const as = (what) =>
  Object.entries(what)
    .map(([key, value]) => `Object.defineProperty(process, '${key}', { value: ${JSON.stringify(value)} })`)
    .join('\n')
const version = async () => JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')).version

describe('the native part is found', () => {
  test('in the package of the platform, beside this one, as it is published', async (t) => {
    const there = await project(t)
    const at = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(at, `mcp-client.${PLATFORM}.node`))
    assert.equal(await load(there), null)
  })

  test('by the name of its package where that beside this one is of another version', async (t) => {
    const there = await project(t)
    const beside = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(beside, 'it.node'))
    await writeFile(join(beside, `mcp-client.${PLATFORM}.node`), '')
    await writeFile(
      join(there.folder, 'other.cjs'),
      `
      require.extensions['.node'] = ((load) => (module, path) => path.endsWith('it.node') ? load(module, path) : (module.exports.binaryVersion = () => '0.0.1'))(require.extensions['.node'])
    `,
    )
    assert.equal(await load(there, { argv: ['--require', join(there.folder, 'other.cjs')] }), null)
  })

  test('in the package of the platform', async (t) => {
    const there = await project(t)
    const at = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    assert.equal(await load(there), null)
  })

  test('beside the JavaScript part, before the package of the platform', async (t) => {
    const there = await project(t)
    await cp(BINARY, join(there.at, `mcp-client.${PLATFORM}.node`))
    await installPlatform(there.folder, PLATFORM, { 'it.node': 'not a binary' })
    assert.equal(await load(there), null)
  })

  test('where MCP_CLIENT_NATIVE_PATH says, before all else and from the working directory', async (t) => {
    const there = await project(t)
    await installPlatform(there.folder, PLATFORM, { 'it.node': 'not a binary' })
    await cp(BINARY, join(there.folder, 'mine.node'))
    for (const path of [BINARY, join(there.folder, 'mine.node'), './mine.node', 'mine.node']) {
      assert.equal(await load(there, { env: { MCP_CLIENT_NATIVE_PATH: path } }), null, path)
    }
    assert.match((await load(there, { env: { MCP_CLIENT_NATIVE_PATH: '' } })).message, /could not be loaded/)
  })

  test('where the program itself can no longer be read', async (t) => {
    const there = await project(t)
    const at = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    assert.equal(await load(there, { fake: as({ execPath: '/no/such/program' }) }), null)
  })
})

describe('the code of a bundle', () => {
  const ENTRY = `const { MCPClient } = require('${NAME}')\nconsole.log(new MCPClient('ws://localhost', { autoConnect: false }).state)`

  /** A project with the package and a bundle of it, which a program of its own runs. */
  async function bundled(t, { format = 'cjs' } = {}) {
    const there = await project(t)
    const outfile = join(there.folder, 'out', format === 'cjs' ? 'app.cjs' : 'app.mjs')
    // Bundles that are ES modules have a `require`, and no `__dirname`.
    const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
    await build({
      stdin: { contents: ENTRY, resolveDir: there.folder },
      outfile,
      format,
      bundle: true,
      platform: 'node',
      logLevel: 'error',
      ...(format === 'esm' && { banner: { js: banner } }),
    })
    return { ...there, outfile }
  }

  async function output(file, { cwd, env = {}, program = process.execPath } = {}) {
    const { MCP_CLIENT_NATIVE_PATH: _, ...clean } = process.env
    return new Promise((resolve) => {
      execFile(program, [file], { cwd, env: { ...clean, ...env } }, (_failed, stdout, stderr) =>
        resolve(stdout + stderr),
      )
    })
  }

  for (const format of ['cjs', 'esm']) {
    test(`finds the binary in the project: ${format}`, async (t) => {
      const there = await bundled(t, { format })
      const at = await installPlatform(there.folder, PLATFORM, {})
      await cp(BINARY, join(at, 'it.node'))
      assert.equal(await output(there.outfile, { cwd: tmpdir() }), 'idle\n')
    })

    test(`is told first that it was bundled: ${format}`, async (t) => {
      const there = await bundled(t, { format })
      await rm(join(there.folder, 'node_modules'), { recursive: true })
      const said = await output(there.outfile, { cwd: tmpdir() })
      const start = `(${process.platform} ${process.arch}`
      assert.ok(said.includes(start), said)
      const place = join(there.folder, 'out')
      assert.ok(
        said.includes(
          `: this code was bundled (it runs in ${place}), and the package ${NAME}-${PLATFORM} was not found from there. Leave ${NAME} out of the bundle`,
        ),
        said,
      )
      assert.match(said, /docs\/bundlers\.md .* MCP_CLIENT_NATIVE_PATH\. Other causes: optional dependencies/)
    })
  }

  test('is told where the package is, if the working directory has it, and does not load that', async (t) => {
    const there = await bundled(t)
    const elsewhere = await project(t)
    await rm(join(there.folder, 'node_modules'), { recursive: true })
    const at = await installPlatform(elsewhere.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    const said = await output(there.outfile, { cwd: elsewhere.folder })
    assert.ok(said.includes(`the package ${NAME}-${PLATFORM} is installed (${at}), but was not found from there`), said)
    assert.doesNotMatch(said, /Other causes/)
  })

  test('finds the binary where the program has the package, if it is somewhere else than the program', async (t) => {
    const there = await bundled(t)
    const program = await project(t)
    const at = await installPlatform(program.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    await rm(join(there.folder, 'node_modules'), { recursive: true })
    const start = join(program.folder, 'start.cjs')
    await writeFile(start, `require(${JSON.stringify(there.outfile)})`)
    assert.equal(await output(start, { cwd: tmpdir() }), 'idle\n')
  })

  test('finds the binary where the program has it as a dependency of the package, as with pnpm', async (t) => {
    const there = await bundled(t)
    const store = await project(t)
    const at = await installPlatform(store.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    const program = await project(t)
    await rm(program.at, { recursive: true })
    await symlink(store.at, program.at, 'junction')
    await rm(join(there.folder, 'node_modules'), { recursive: true })
    const start = join(program.folder, 'start.cjs')
    await writeFile(start, `require(${JSON.stringify(there.outfile)})`)
    assert.equal(await output(start, { cwd: tmpdir() }), 'idle\n')
  })

  test('finds a binary that was copied alone, without the rest of its package', async (t) => {
    const there = await bundled(t)
    await rm(there.at, { recursive: true })
    const at = join(there.folder, 'node_modules', `${NAME}-${PLATFORM}`)
    await mkdir(at)
    await cp(BINARY, join(at, `mcp-client.${PLATFORM}.node`))
    assert.equal(await output(there.outfile, { cwd: tmpdir() }), 'idle\n')
  })

  test('finds a binary beside the executable, which is all that a single executable application has', async (t) => {
    const there = await bundled(t)
    await rm(join(there.folder, 'node_modules'), { recursive: true })
    const alone = join(there.folder, 'alone')
    await mkdir(alone)
    const program = join(alone, basename(process.execPath))
    await cp(process.execPath, program)
    assert.match(await output(there.outfile, { program }), /put the \.node file beside the program/)
    await cp(BINARY, join(alone, `mcp-client.${PLATFORM}.node`))
    assert.equal(await output(there.outfile, { program }), 'idle\n')
  })

  test('has the binary of each platform written out, for tools that follow names or paths', () => {
    const require = createRequire(import.meta.url)
    const { bundledBinary: copied } = require('../dist/native/copied-binary.js')
    for (const platform of PLATFORMS) {
      assert.equal(resolve(copied(platform)), join(ROOT, '..', `client-${platform}`, `mcp-client.${platform}.node`))
    }
    assert.equal(copied('freebsd-x64'), undefined)
    const embedded = readFileSync(join(ROOT, 'dist/native/embedded-binary.js'), 'utf8')
    assert.deepEqual(
      [...embedded.matchAll(/case '(.*)':\n +return require\('@mcp-integration\/client-\1'\);/g)].map(
        ([, name]) => name,
      ),
      PLATFORMS,
    )
    assert.equal(require('../dist/native/embedded-binary.js').bundledBinary(PLATFORM), undefined)
  })
})

test('the diagnostic report is asked without looking up names on the network, and left as it was', async (t) => {
  const there = await project(t)
  const program = `
    ${as({ execPath: '/no/such/program', arch: 'ppc64', platform: 'linux' })}
    const asked = []
    const report = { excludeNetwork: false, getReport: () => (asked.push(report.excludeNetwork), { header: { glibcVersionRuntime: '2.36' } }) }
    Object.defineProperty(process, 'report', { value: report })
    const { platformName } = require('./node_modules/${NAME}/dist/native/platform.js')
    console.log(platformName(), asked, report.excludeNetwork)`
  assert.equal(await run(there.folder, program), 'linux-ppc64-gnu [ true ] false\n')
})

describe('a native part that is not there', () => {
  test('is missed by nobody who makes no client', async (t) => {
    const { folder } = await project(t)
    const program = `
      const { MCPClient, MCPError } = require('${NAME}')
      class Mine extends MCPClient {}
      console.log(new MCPError('no', { code: 'CLOSED', retryable: false }) instanceof MCPError, Mine.OPEN)`
    assert.equal(await run(folder, program), 'true 1\n')
  })

  test('is told of each time anew that a client is made, until it is there', async (t) => {
    const { folder } = await project(t)
    const program = `
      const { cpSync } = require('node:fs')
      const { MCPClient } = require('${NAME}')
      const attempt = () => { try { return new MCPClient('ws://localhost', { autoConnect: false }).state } catch ({ message }) { return message.includes('is not installed') } }
      console.log(attempt(), attempt())
      cpSync(${JSON.stringify(BINARY)}, 'node_modules/${NAME}/mcp-client.${PLATFORM}.node')
      console.log(attempt(), attempt())`
    assert.equal(await run(folder, program), 'true true\nidle idle\n')
  })

  test('is told of with platform, C library, Node.js, its package, the usual causes and the way around', async (t) => {
    const { message, cause } = await load(await project(t))
    const libc = process.platform === 'linux' ? ` with ${PLATFORM.endsWith('musl') ? 'musl' : 'glibc'}` : ''
    for (const part of [
      `(${process.platform} ${process.arch}${libc}, Node.js ${process.version})`,
      `the package ${NAME}-${PLATFORM} is not installed`,
      '--omit=optional',
      'lockfile come from another platform',
      'Alpine',
      'asarUnpack',
      'MCP_CLIENT_NATIVE_PATH',
    ]) {
      assert.ok(message.includes(part), `${part} is missing in: ${message}`)
    }
    assert.match(cause, /Cannot find module/)
  })

  test('is told of with the packages that were installed instead', async (t) => {
    const there = await project(t)
    const others = PLATFORMS.filter((platform) => platform !== PLATFORM).slice(-2)
    for (const platform of others) await installPlatform(there.folder, platform, {})
    const { message } = await load(there)
    assert.ok(
      message.includes(`These are installed instead: ${others.map((platform) => `${NAME}-${platform}`).join(', ')}.`),
      message,
    )
  })
})

describe('the portable client takes its place', () => {
  /** A WebSocket for Node.js 20, which has none. */
  const WITH_WEBSOCKET = ['--require', join(ROOT, '__test__/helpers/websocket.cjs')]
  const ASKED_FOR = { MCP_CLIENT_PORTABLE: '1' }

  test('if there is no native part and it is asked for, and makes calls', async (t) => {
    const there = await project(t)
    const server = await listen(t)
    const program = `
      const { MCPClient } = require('${NAME}')
      // Of dials it knows nothing, and so tells nothing.
      require('node:diagnostics_channel').subscribe('tracing:mcp-client:connect:asyncEnd', () => console.log('a dial'))
      const client = new MCPClient(process.argv[1])
      client.useTool('echo', 'hello').then(async (result) => {
        const bytes = await client.useTool('echo', 'hello', { responseType: 'buffer' })
        await client.close()
        console.log(result, client instanceof require('node:events'), Buffer.isBuffer(bytes), String(bytes))
      })`
    const argv = [...WITH_WEBSOCKET, '--eval', program, server.url]
    assert.equal(await run(there.folder, null, { env: ASKED_FOR, argv }), 'hello true true "hello"\n')
  })

  test('for the command line too, which says what it cannot examine', async (t) => {
    const there = await project(t)
    const server = await listen(t)
    const main = join(there.at, 'dist/cli/main.js')
    const execute = (...args) => run(there.folder, null, { env: ASKED_FOR, argv: [...WITH_WEBSOCKET, main, ...args] })
    assert.match(await execute('tools', server.url), /^echo/m)
    assert.match(await execute('call', 'echo', 'hello=world', '--url', server.url), /"hello": "world"/)
    await assert.rejects(execute('doctor', server.url), /the client tells nothing of its dials.*MCP_CLIENT_PORTABLE=1/)
  })

  test('never by surprise: not unasked, and not of a native part that is there', async (t) => {
    const there = await project(t)
    assert.match(
      (await load(there, { argv: WITH_WEBSOCKET })).message,
      /or set MCP_CLIENT_PORTABLE=1 to use the portable/,
    )
    const at = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    const program = `
      const { MCPClient } = require('${NAME}')
      new MCPClient('ws://localhost', { autoConnect: false, headers: {} })
      console.log('made')`
    assert.equal(await run(there.folder, program, { env: ASKED_FOR, argv: WITH_WEBSOCKET }), 'made\n')
  })

  test('and refuses what it cannot do', async (t) => {
    const there = await project(t)
    for (const option of ['headers: {}', 'tls: {}', "proxy: 'http://localhost'"]) {
      const program = `
        const { MCPClient } = require('${NAME}')
        try {
          new MCPClient('ws://localhost', { autoConnect: false, ${option} })
        } catch ({ name, message }) {
          console.log(name, message)
        }`
      const [name] = option.split(':')
      const told = await run(there.folder, program, { env: ASKED_FOR, argv: WITH_WEBSOCKET })
      assert.match(
        told,
        new RegExp(`^TypeError option "${name}" cannot be used with the portable client: .*; leave it out$`, 'm'),
      )
    }
  })

  test('by its name too, and says so where the runtime has no WebSocket', async (t) => {
    const there = await project(t)
    const server = await listen(t)
    const program = `
      if (process.argv[2]) delete globalThis.WebSocket
      const { MCPClient } = require('${NAME}/portable')
      const client = new MCPClient(process.argv[1])
      client.connect().then(
        async () => console.log(await client.useTool('echo', 'hello'), await client.close()),
        ({ code, message }) => console.log(code, client.state, client.error.message === message, message),
      )`
    const argv = [...WITH_WEBSOCKET, '--eval', program, server.url]
    assert.equal(await run(there.folder, null, { argv }), 'hello undefined\n')
    assert.match(
      await run(there.folder, null, { argv: [...argv, 'without'] }),
      /^CONNECT_FAILED failed true .*: this runtime has no WebSocket: use one that has, such as Node\.js 22 or newer$/m,
    )
  })

  test('but not where Node.js has no WebSocket, and says so', async (t) => {
    const there = await project(t)
    const fake = 'delete globalThis.WebSocket'
    assert.match((await load(there, { env: ASKED_FOR, fake })).message, /needs a WebSocket .* from version 22 on$/)
  })
})

describe('a native part that is there and cannot be loaded', () => {
  test('is told of with the reason of the system', async (t) => {
    const there = await project(t)
    const at = await installPlatform(there.folder, PLATFORM, { 'it.node': 'not a binary' })
    const { message, cause } = await load(there)
    assert.ok(
      message.startsWith(
        `the native part of ${NAME} could not be loaded (${NAME}-${PLATFORM}, ${process.platform} ${process.arch}`,
      ),
      message,
    )
    assert.ok(message.includes(join(at, 'it.node')), message)
    assert.match(message, /install the package again on this platform/)
    assert.ok(cause.length > 0)
  })

  test('is told of with its path when MCP_CLIENT_NATIVE_PATH names it', async (t) => {
    const there = await project(t)
    const { message } = await load(there, { env: { MCP_CLIENT_NATIVE_PATH: '/no/such.node' } })
    assert.match(message, /^the native part of .* could not be loaded \(.*[\\/]no[\\/]such\.node, /)
  })

  test('is refused when its version is not that of the JavaScript part', async (t) => {
    const there = await project(t)
    const at = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    const ours = await version()
    for (const file of ['dist/client.js', 'dist/native/failure.js']) {
      const path = join(there.at, file)
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll(ours, '99.0.0'))
    }
    const { message } = await load(there)
    const start = `the native part of ${NAME} has version ${ours}, its JavaScript part 99.0.0 (${NAME}-${PLATFORM}, `
    assert.ok(message.startsWith(start), message)
    assert.match(
      message,
      /: install both in the same version, for example by deleting node_modules and installing again$/,
    )
  })

  test('is told of with the reason where Node.js was told to load no addons', async (t) => {
    const there = await project(t)
    const at = await installPlatform(there.folder, PLATFORM, {})
    await cp(BINARY, join(at, 'it.node'))
    const { message } = await load(there, { argv: ['--no-addons'] })
    assert.match(message, /^the native part of .* could not be loaded .*loading addons is disabled/)
  })

  test('is refused when it is something else', async (t) => {
    const there = await project(t)
    await writeFile(join(there.folder, 'other.js'), 'module.exports = {}')
    const { message } = await load(there, { env: { MCP_CLIENT_NATIVE_PATH: 'other.js' } })
    assert.match(message, /has version unknown/)
  })
})

describe('a platform without binaries', () => {
  for (const what of [
    { platform: 'freebsd' },
    { arch: 'riscv64' },
    { platform: 'win32', arch: 'ia32' },
    { platform: 'aix', arch: 'ppc64' },
  ]) {
    test(`is named, with those that there are: ${Object.values(what).join(' ')}`, async (t) => {
      const { message } = await load(await project(t), { fake: as(what) })
      const { platform, arch } = { platform: process.platform, arch: process.arch, ...what }
      assert.ok(message.startsWith(`${NAME} has no binary for this platform (${platform} ${arch}`), message)
      assert.ok(message.includes(`there are binaries for ${PLATFORMS.join(', ')}: `), message)
      assert.match(
        message,
        /build the addon from its sources and name the \.node file in MCP_CLIENT_NATIVE_PATH, or set MCP_CLIENT_PORTABLE=1 to use the portable client, which needs Node\.js 22$/,
      )
    })
  }

  test('can use a binary that was built there', async (t) => {
    const there = await project(t)
    await cp(BINARY, join(there.at, 'mcp-client.freebsd-x64.node'))
    assert.equal(await load(there, { fake: as({ platform: 'freebsd', arch: 'x64' }) }), null)
  })
})

describe('a Node.js that is too old', () => {
  const tooOld = as({ versions: { ...process.versions, node: '19.9.0' } })

  const sentence = `${NAME} needs Node.js 20 or newer, and this is 19.9.0: install a current one from https://nodejs.org`

  test('is told so, before anything else', async (t) => {
    assert.equal((await load(await project(t), { fake: tooOld })).message, sentence)
  })

  test('goes on with a warning, where MCP_CLIENT_SKIP_NODE_CHECK is 1', async (t) => {
    for (const [value, isRefused] of [
      ['1', false],
      ['true', true],
      ['', true],
    ]) {
      const fake = `${tooOld}\nprocess.env.MCP_CLIENT_SKIP_NODE_CHECK = ${JSON.stringify(value)}`
      const there = await project(t)
      await writeFile(join(there.folder, 'old.cjs'), fake)
      const args = ['--require', join(there.folder, 'old.cjs'), '--print', `typeof require('${NAME}').MCPClient`]
      const [stdout, stderr] = await new Promise((resolve) =>
        execFile(process.execPath, args, { cwd: there.folder }, (_failed, ...output) => resolve(output)),
      )
      assert.equal(stdout, isRefused ? '' : 'function\n', stderr)
      assert.match(stderr, isRefused ? /install a current one/ : /Warning: .* this is 19\.9\.0; MCP_CLIENT_SKIP/)
    }
  })

  test('is told so before anything that it could perhaps not parse, where it is older than the condition node-addons', async (t) => {
    const there = await project(t)
    await writeFile(join(there.at, 'dist/index.js'), 'this is not JavaScript that an old Node.js can parse')
    // This flag takes the condition away.
    assert.equal((await load(there, { fake: tooOld, argv: ['--no-addons'] })).message, sentence)
  })

  test('is told so by the test server too, before anything that it could perhaps not parse', async (t) => {
    const there = await project(t)
    await writeFile(join(there.at, 'dist/testing/main.js'), 'this is not JavaScript that an old Node.js can parse')
    const { message } = await load(there, { fake: tooOld, entry: `${NAME}/testing` })
    assert.equal(message, sentence)
  })

  test('is told so by the command line too', async (t) => {
    const there = await project(t)
    await writeFile(join(there.at, 'dist/cli/program.mjs'), 'this is not JavaScript that an old Node.js can parse')
    await writeFile(join(there.folder, 'old.cjs'), tooOld)
    const preload = ['--require', join(there.folder, 'old.cjs'), join(there.at, 'dist/cli/main.js'), '--help']
    const error = await new Promise((resolve) =>
      execFile(process.execPath, preload, (_failed, _stdout, stderr) => resolve(stderr)),
    )
    assert.match(error, /needs Node\.js 20 or newer, and this is 19\.9\.0/)
  })

  test('is older than what package.json says', async () => {
    const { engines } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    assert.equal(engines.node, '>=20')
  })
})
