/**
 * The environments that the packages are tried in. Each row installs them from the registry into a project of its own
 * and makes a call there, or does what its name says; it resolves with the versions of the tools. `quick` rows need no
 * network and are part of `npm test`. `without` is the reason why this machine cannot run a row, if it cannot.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ANSWER, MAIN, NAME, PROGRAMS, nodeOf, tool } from '../../lib/install/workspace.mjs'
import { platformManifests } from '../../lib/platforms.mjs'
import { ROOT } from '../../lib/root.mjs'
import { BUNDLERS } from './bundlers.mjs'
import { EXECUTABLES } from './executables.mjs'
import { FRAMEWORKS } from './frameworks.mjs'
import { PERMISSION_MODELS } from './permissions.mjs'
import { PORTABLE_ROWS } from './portable.mjs'

const { platformName } = createRequire(import.meta.url)('../../../dist/native/platform.js')
const OWN_PACKAGE = `${NAME}-${platformName()}`

const NO_OLD_NODE =
  `${process.platform} ${process.arch}` === 'darwin arm64' && 'no Node.js older than 16 was made for this processor'

export const ROWS = [
  ...[20, 22, 24, 26].map((major) => ({
    group: 'Runtimes',
    name: `Node.js ${major}, \`import\`, \`require\` and \`worker_threads\``,
    run: (workspace) => inNode(workspace, major),
  })),
  { group: 'Runtimes', name: 'Bun, installed by itself, with `worker_threads`', run: inBun },
  { group: 'Runtimes', name: 'Deno, installed by itself, with `worker_threads`', run: inDeno },
  ...[12, 14, 16, 18].map((major) => ({
    group: 'Runtimes',
    name: `Node.js ${major} is refused in one sentence, also by the test server and the command line`,
    without: major < 16 && NO_OLD_NODE,
    run: (workspace) => inOldNode(workspace, major),
  })),
  ...PERMISSION_MODELS,

  { group: 'Package managers', name: 'npm, `import` and `require`', quick: true, run: withNpm },
  { group: 'Package managers', name: 'npm, again from the lockfile', quick: true, run: withNpmCi },
  { group: 'Package managers', name: 'npm chooses the package of each platform', quick: true, run: eachPlatform },
  {
    group: 'Package managers',
    name: 'npm without optional dependencies: the error says what to do',
    quick: true,
    run: withoutOptional,
  },
  ...['pnpm@10', 'pnpm'].map((spec) => ({
    group: 'Package managers',
    name: spec === 'pnpm' ? 'pnpm, newest' : 'pnpm 10',
    run: (workspace) => withPnpm(workspace, spec),
  })),
  { group: 'Package managers', name: 'Yarn Classic', run: withYarnClassic },
  { group: 'Package managers', name: 'Yarn, `node_modules`', run: (workspace) => withYarn(workspace, 'node-modules') },
  {
    group: 'Package managers',
    name: 'Yarn, Plug’n’Play, with `pnpEnableEsmLoader`',
    run: (workspace) => withYarn(workspace, 'pnp'),
  },

  { group: 'In a program', name: 'the command line', quick: true, run: commandLine },
  { group: 'In a program', name: '`worker_threads`, ended and terminated', quick: true, run: inWorkers },
  ...['node16', 'nodenext', 'bundler'].map((resolution) => ({
    group: 'TypeScript',
    name: `\`moduleResolution\` ${resolution}`,
    quick: true,
    run: (workspace) => inTypeScript(workspace, resolution),
  })),
  ...['5.4', '5', '6'].map((version) => ({
    group: 'TypeScript',
    name: `TypeScript ${version}, all three`,
    run: (workspace) => inOtherTypeScript(workspace, version),
  })),

  ...BUNDLERS,
  ...FRAMEWORKS,
  ...EXECUTABLES,
  ...PORTABLE_ROWS,
  { group: 'Test runners', name: 'Jest, two files in one process', run: withJest },
  { group: 'Test runners', name: 'Jest with jsdom, the hook of React', run: withJestAndJsdom },
  { group: 'Test runners', name: 'Jest, under its fake timers, in Node.js and in jsdom', run: withJestTimers },
  { group: 'Test runners', name: 'Vitest, in processes and in threads', run: withVitest },
  {
    group: 'Test runners',
    name: 'Vitest, under its fake timers, in Node.js and in happy-dom, in all four pools',
    run: withVitestTimers,
  },
]

/**
 * Three workers are terminated while they wait for the result of a call. Then a worker and the main thread make a call
 * each.
 */
const WORKERS = {
  'worker.cjs': `${MAIN.require}
    const { parentPort } = require('node:worker_threads')
    main().then((answer) => parentPort.postMessage(answer))`,
  'stays.cjs': `${MAIN.require}
    const { parentPort } = require('node:worker_threads')
    MCPTestServer.listen().then(async (server) => {
      const client = new MCPClient(server.url)
      await client.connect()
      client.useTool('sleep', { ms: 600000 }, { timeout: 0 }).catch(() => {})
      parentPort.postMessage('connected')
    })`,
  'workers.mjs': `${MAIN.import}
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const start = (file) => new Worker(new URL(file, import.meta.url))
    for (let i = 0; i < 3; i++) {
      const stays = start('stays.cjs')
      await once(stays, 'message')
      await stays.terminate()
    }
    const worker = start('worker.cjs')
    const [[answer]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
    if (JSON.stringify(await main()) !== JSON.stringify(answer)) throw new Error('the answers differ')
    console.log(JSON.stringify(answer))`,
}

/**
 * Clients in asynchronous contexts of their own: the code of each user must see its own. And the channels that tell of
 * all clients: those of a call, in the context of its caller.
 */
const CONTEXTS = {
  'channels.mjs': `import { AsyncLocalStorage } from 'node:async_hooks'
    import { subscribe } from 'node:diagnostics_channel'
    const storage = new AsyncLocalStorage()
    const told = []
    for (const event of ['start', 'end', 'asyncStart', 'asyncEnd'])
      subscribe('tracing:mcp-client:call:' + event, ({ toolName }) => told.push([event, toolName, storage.getStore()].join()))
    subscribe('tracing:mcp-client:connect:asyncEnd', ({ phases }) => told.push(phases.at(-1).phase))
    subscribe('mcp-client:state', ({ snapshot }) => told.push(snapshot.state))
    ${MAIN.import}
    const answer = await storage.run('caller', main)
    const expected = ['connecting', 'upgrade', 'authenticating', 'ready', 'closing', 'closed']
    const calls = told.filter((text) => text.includes(','))
    const others = told.filter((text) => !text.includes(',') && expected.includes(text))
    if (!calls.length || calls.some((text) => !text.endsWith(',caller'))) throw new Error('calls: ' + calls)
    if (others.join() !== expected.join()) throw new Error('others: ' + others)
    console.log(JSON.stringify(answer))`,
  'contexts.mjs': `import { AsyncLocalStorage } from 'node:async_hooks'
    ${MAIN.import}
    const storage = new AsyncLocalStorage()
    const server = await MCPTestServer.listen()
    const foreign = new Set()
    const clients = Array.from({ length: 50 }, (_, own) => storage.run(own, () => {
      const check = () => { if (storage.getStore() !== own) foreign.add(own) }
      const client = new MCPClient(server.url, { apiKey: async () => (check(), 'key'), onMessage: check })
      client.on('state', check)
      client.addEventListener('close', check)
      return client
    }))
    await Promise.all(clients.map((client) => client.connect()))
    await storage.run('foreign', () => Promise.all(clients.map((client) => client.close())))
    await server.close()
    if (foreign.size > 0) throw new Error(foreign.size + ' clients saw a foreign context')
    console.log(JSON.stringify(await main()))`,
}

// ── Runtimes ──

async function inNode(workspace, major) {
  const { program, version } = await nodeOf(major)
  const project = await workspace.installed({ ...PROGRAMS, ...WORKERS, ...CONTEXTS })
  for (const script of [...Object.keys(PROGRAMS), 'workers.mjs', ...Object.keys(CONTEXTS)])
    await project.answers(script, { program })
  return `Node.js ${version}`
}

async function inOldNode(workspace, major) {
  const { program, version } = await nodeOf(major)
  const project = await workspace.installed({ ...PROGRAMS, 'server.cjs': `require('${NAME}/testing')` })
  const command = join('node_modules', NAME, project.read(`node_modules/${NAME}/package.json`).bin['mcp-client'])
  for (const script of [...Object.keys(PROGRAMS), 'server.cjs', command]) {
    const { stderr } = await project.run(program, [script], { codes: [1] })
    assert.ok(
      stderr.includes(`Error: ${NAME} needs Node.js 20 or newer, and this is ${version}: install a current one`),
      `${script}: ${stderr}`,
    )
  }
  return `Node.js ${version}`
}

async function inBun(workspace) {
  const bun = await tool('bun')
  const program = bun.program('bun')
  const project = workspace.project({ ...PROGRAMS, ...WORKERS, ...CONTEXTS })
  await project.run(program, ['add', NAME])
  checkInstalled(project)
  for (const script of [...Object.keys(PROGRAMS), 'workers.mjs', ...Object.keys(CONTEXTS)])
    await project.answers(script, { program })
  return `Bun ${bun.versionOf('bun')}`
}

async function inDeno(workspace) {
  const deno = await tool('deno')
  const program = deno.program('deno')
  const project = workspace.project({ ...PROGRAMS, ...WORKERS, ...CONTEXTS, 'deno.json': { nodeModulesDir: 'auto' } })
  await project.run(program, ['add', `npm:${NAME}`])
  for (const script of [...Object.keys(PROGRAMS), 'workers.mjs', ...Object.keys(CONTEXTS)])
    await project.answers(script, { program, flags: ['run', '--allow-all', '--quiet'] })
  return `Deno ${deno.versionOf('deno')}`
}

// ── Package managers ──

async function withNpm(workspace) {
  const project = await workspace.installed(PROGRAMS)
  checkInstalled(project)
  for (const script of Object.keys(PROGRAMS)) await project.answers(script)
  return `npm ${(await project.run('npm', ['--version'])).stdout.trim()}, ${ownNode()}`
}

async function withNpmCi(workspace) {
  const project = await workspace.installed(PROGRAMS)
  for (const { manifest } of platformManifests())
    assert.ok(`node_modules/${manifest.name}` in project.read('package-lock.json').packages, manifest.name)
  project.remove('node_modules')
  await project.npm('ci')
  checkInstalled(project)
  await project.answers('app.mjs')
  return `npm ${(await project.run('npm', ['--version'])).stdout.trim()}`
}

async function eachPlatform(workspace) {
  for (const { manifest } of platformManifests()) {
    const project = workspace.project()
    const libc = manifest.libc === undefined ? [] : [`--libc=${manifest.libc}`]
    await project.npm('install', NAME, `--os=${manifest.os}`, `--cpu=${manifest.cpu}`, ...libc)
    checkInstalled(project, manifest.name)
  }
  return `npm ${(await workspace.project().run('npm', ['--version'])).stdout.trim()}`
}

async function withoutOptional(workspace) {
  const project = workspace.project(PROGRAMS)
  await project.npm('install', NAME, '--omit=optional')
  const { stderr } = await project.run(process.execPath, ['app.cjs'], { codes: [1] })
  assert.match(
    stderr,
    new RegExp(`the package ${OWN_PACKAGE} is not installed\\..*install again without --omit=optional`),
  )
  return ownNode()
}

async function withPnpm(workspace, spec) {
  const pnpm = await tool(spec)
  const project = workspace.project(PROGRAMS)
  await project.run(pnpm.program('pnpm'), ['add', NAME])
  for (const script of Object.keys(PROGRAMS)) await project.answers(script)
  return `pnpm ${pnpm.versionOf('pnpm')}`
}

async function withYarnClassic(workspace) {
  const yarn = await tool('yarn@1')
  const project = workspace.project(PROGRAMS)
  await project.run(yarn.program('yarn'), ['add', NAME, '--no-progress', '--non-interactive'])
  // It knows nothing of C libraries, and installs both.
  assert.ok(project.has(`node_modules/${OWN_PACKAGE}`))
  for (const script of Object.keys(PROGRAMS)) await project.answers(script)
  return `Yarn ${yarn.versionOf('yarn')}`
}

async function withYarn(workspace, nodeLinker) {
  const yarn = await tool('@yarnpkg/cli-dist')
  const settings = {
    nodeLinker,
    // Yarn finds out by itself that it is needed only where package.json has "type": "module"; docs/bundlers.md tells
    // users.
    ...(nodeLinker === 'pnp' && { pnpEnableEsmLoader: true }),
    enableTelemetry: false,
    enableGlobalCache: false,
    unsafeHttpWhitelist: ['127.0.0.1'],
    npmScopes: { 'mcp-integration': { npmRegistryServer: workspace.registry.url } },
  }
  // YAML takes JSON.
  const project = workspace.project({ ...PROGRAMS, '.yarnrc.yml': JSON.stringify(settings), 'yarn.lock': '' })
  const run = (...args) => project.run(yarn.program('yarn'), args)
  await run('add', NAME)
  assert.equal(project.has('.pnp.cjs'), nodeLinker === 'pnp')
  if (nodeLinker !== 'pnp') checkInstalled(project)
  for (const script of Object.keys(PROGRAMS)) assert.equal((await run('node', script)).stdout.trim(), ANSWER)
  return `Yarn ${yarn.versionOf('@yarnpkg/cli-dist')}`
}

// ── In a program ──

async function commandLine(workspace) {
  const project = await workspace.installed()
  const { stdout } = await project.bin(NAME, 'mcp-client', ['--version'])
  assert.equal(stdout.trim(), project.versionOf(NAME))
  return ownNode()
}

async function inWorkers(workspace) {
  const project = await workspace.installed(WORKERS)
  await project.answers('workers.mjs')
  return ownNode()
}

// ── TypeScript ──

const TYPED = `
import { MCPClient, MCPToolError, type ConnectionState, type MCPClientOptions } from '${NAME}'
import { MCPTestServer } from '${NAME}/testing'
import { bridgeTo } from './more.js'

declare module '${NAME}' {
  interface MCPTools {
    echo: { parameters: { hello: string }; results: { hello: string } }
  }
}

async function main(): Promise<string> {
  const options: MCPClientOptions = { requestTimeout: 5_000 }
  const server = await MCPTestServer.listen()
  const client = new MCPClient(server.url, options)
  const state: ConnectionState = client.state
  const { hello } = await client.useTool('echo', { hello: 'world' })
  // @ts-expect-error: a state is a text
  const wrong: number = state
  await client.close()
  await server.close()
  if (bridgeTo === undefined || (wrong as unknown) instanceof MCPToolError) throw new Error('never')
  return JSON.stringify({ hello })
}
main().then(console.log)
`

/** With this project's compiler and types of Node.js, or with another compiler and the oldest types. */
async function inTypeScript(workspace, resolution, compiler) {
  const isBundler = resolution === 'bundler'
  const project = await workspace.installed(
    {
      'app.mts': TYPED.replace('./more.js', './more.mjs'),
      'more.mts': `import { connectClient } from '${NAME}/bridge'\nexport const bridgeTo = connectClient\n`,
      ...(isBundler
        ? {}
        : {
            'required.cts': TYPED.replace('./more.js', './more.cjs'),
            'more.cts': `import { connectClient } from '${NAME}/bridge'\nexport const bridgeTo = connectClient\n`,
          }),
      'tsconfig.json': {
        compilerOptions: {
          target: 'es2022',
          lib: ['es2023', 'esnext.disposable'],
          module: isBundler ? 'esnext' : resolution,
          moduleResolution: resolution,
          strict: true,
          skipLibCheck: false,
          ...(compiler === undefined ? { typeRoots: [join(ROOT, 'node_modules/@types')] } : {}),
          types: ['node'],
          outDir: 'out',
        },
        include: ['*.mts', '*.cts'],
      },
    },
    compiler === undefined ? [] : ['@types/node@20'],
  )
  const tsc = join(compiler?.folder ?? ROOT, 'node_modules/typescript/bin/tsc')
  await project.run(process.execPath, [tsc, '--project', '.'])
  for (const script of isBundler ? ['out/app.mjs'] : ['out/app.mjs', 'out/required.cjs']) await project.answers(script)
  const { version } = JSON.parse(readFileSync(join(tsc, '../../package.json'), 'utf8'))
  return `TypeScript ${version}`
}

async function inOtherTypeScript(workspace, version) {
  const compiler = await tool(`typescript@${version}`)
  let told
  for (const resolution of ['node16', 'nodenext', 'bundler']) told = await inTypeScript(workspace, resolution, compiler)
  return told
}

// ── Test runners ──

async function withJest(workspace) {
  const test = `${MAIN.require}\ntest('a call is answered', async () => expect(await main()).toEqual({ hello: 'world' }))\n`
  const project = await workspace.installed({ 'one.test.js': test, 'two.test.js': test }, ['jest@30'])
  const { stderr } = await project.bin('jest', 'jest', ['--runInBand', '--ci'])
  assert.match(stderr, /Tests: +2 passed, 2 total/)
  assert.doesNotMatch(stderr, /did not exit|open handle/)
  return `Jest ${project.versionOf('jest')}`
}

/** Jest resolves imports as a page does, and its global object has only what jsdom has. */
async function withJestAndJsdom(workspace) {
  const files = {
    'setup.js': `module.exports = async () => {
      globalThis.server = await require('${NAME}/testing').MCPTestServer.listen()
      process.env.MCP_WS_URL = globalThis.server.url
    }`,
    'teardown.js': 'module.exports = () => globalThis.server.close()',
    'hook.test.js': `
      const { createElement, useEffect } = require('react')
      const { createRoot } = require('react-dom/client')
      const { useMCPWebSocket } = require('${NAME}/react')
      test('the hook answers', async () => {
        const root = createRoot(document.createElement('div'))
        const answer = await new Promise((resolve, reject) => {
          const Probe = () => {
            const { authenticated, error, callTool } = useMCPWebSocket()
            useEffect(() => {
              if (error) reject(error)
              if (authenticated) callTool('echo', { hello: 'world' }).then(resolve, reject)
            }, [authenticated, error, callTool])
            return null
          }
          root.render(createElement(Probe))
        })
        expect(answer).toEqual({ hello: 'world' })
        root.unmount()
      })`,
  }
  const packages = ['jest@30', 'jest-environment-jsdom@30', 'react@19', 'react-dom@19']
  const project = await workspace.installed(files, packages)
  const options = ['--ci', '--env=jsdom', '--globalSetup=./setup.js', '--globalTeardown=./teardown.js']
  const { stderr } = await project.bin('jest', 'jest', options)
  assert.match(stderr, /Tests: +1 passed, 1 total/)
  assert.doesNotMatch(stderr, /did not exit|open handle/)
  return `Jest ${project.versionOf('jest')}, jsdom ${project.versionOf('jsdom')}, React ${project.versionOf('react')}`
}

/** The life of a client and of a server under fake timers; and an option error, which native code makes. */
const UNDER_FAKE_TIMERS = (fake, real) => `
beforeEach(() => void ${fake})
afterEach(() => void ${real})
test('clients and servers live', async () => {
  const server = await MCPTestServer.listen()
  const client = new MCPClient(server.url)
  await client.connect()
  expect(await client.useTool('sleep', { ms: 5 })).toEqual({ slept: 5 })
  const closed = new Promise((resolve) => client.once('close', resolve))
  await server.terminateAll()
  await closed
  expect(await client.useTool('echo', 1)).toBe(1)
  await client.close()
  await server.close()
})
test('a wrong option is a RangeError', () => {
  expect(() => new MCPClient('ws://127.0.0.1', { baseReconnectDelay: -1 })).toThrow(RangeError)
})
`

async function withJestTimers(workspace) {
  const test = MAIN.require + UNDER_FAKE_TIMERS('jest.useFakeTimers()', 'jest.useRealTimers()')
  const files = { 'node.test.js': test, 'page.test.js': `/** @jest-environment jsdom */\n${test}` }
  const project = await workspace.installed(files, ['jest@30', 'jest-environment-jsdom@30'])
  for (const config of ['{}', '{"fakeTimers":{"enableGlobally":true}}']) {
    const { stderr } = await project.bin('jest', 'jest', ['--runInBand', '--ci', `--config=${config}`])
    assert.match(stderr, /Tests: +4 passed, 4 total/)
  }
  return `Jest ${project.versionOf('jest')}, jsdom ${project.versionOf('jsdom')}`
}

async function withVitestTimers(workspace) {
  // But for nextTick, which Vitest cannot replace in its processes.
  const fake = `vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate',
    'clearImmediate', 'queueMicrotask', 'performance', 'Date'] })`
  const test = `import { afterEach, beforeEach, expect, test, vi } from 'vitest'\n${MAIN.import}${UNDER_FAKE_TIMERS(fake, 'vi.useRealTimers()')}`
  const files = { 'node.test.mjs': test, 'page.test.mjs': `// @vitest-environment happy-dom\n${test}` }
  const project = await workspace.installed(files, ['vitest', 'happy-dom'])
  for (const pool of ['forks', 'threads', 'vmForks', 'vmThreads']) {
    const { stdout } = await project.bin('vitest', 'vitest', ['run', `--pool=${pool}`], { env: { NO_COLOR: '1' } })
    assert.match(stdout, /Tests +4 passed/)
  }
  return `Vitest ${project.versionOf('vitest')}, happy-dom ${project.versionOf('happy-dom')}`
}

async function withVitest(workspace) {
  const test = `import { expect, test } from 'vitest'\n${MAIN.import}\ntest('a call is answered', async () => expect(await main()).toEqual({ hello: 'world' }))\n`
  const project = await workspace.installed({ 'one.test.mjs': test, 'two.test.mjs': test }, ['vitest'])
  for (const pool of ['forks', 'threads']) {
    const { stdout } = await project.bin('vitest', 'vitest', ['run', `--pool=${pool}`], { env: { NO_COLOR: '1' } })
    assert.match(stdout, /Tests +2 passed/)
  }
  return `Vitest ${project.versionOf('vitest')}`
}

// ── Helpers ──

/** Only the main package and that of one platform are installed. */
function checkInstalled(project, platformPackage = OWN_PACKAGE) {
  const found = readdirSync(join(project.folder, 'node_modules/@mcp-integration')).map(
    (name) => `@mcp-integration/${name}`,
  )
  assert.deepEqual(found.sort(), [NAME, platformPackage])
}

function ownNode() {
  return `Node.js ${process.versions.node}`
}
