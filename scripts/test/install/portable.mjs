/**
 * The portable client: in pages that bundlers have built, in runtimes that have no binary, and in the pages of test
 * runners. Pages run in Chromium.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { guideModule } from '../../../__test__/helpers/guide-page.mjs'
import { PAGE, PAGE_SCRIPT, answersAt, answersInPage, searchesAt } from '../../lib/install/page.mjs'
import { freePort } from '../../../__test__/helpers/ports.mjs'
import { ANSWER, NAME, nodeOf, tool } from '../../lib/install/workspace.mjs'
import { ROOT } from '../../lib/root.mjs'
import { settings } from './bundlers.mjs'

const PORTABLE = `${NAME}/portable`

export const PORTABLE_ROWS = [
  { name: 'a page without a bundler, with an import map', quick: true, run: inPlainPage },
  { name: 'esbuild, with `/portable/inline`', run: withEsbuild },
  { name: 'Vite, built, and as its development server serves it', run: withVite },
  { name: 'Vite 7, with the setting for its development server', run: withOldVite },
  { name: 'webpack', run: withWebpack },
  { name: 'a worker with `/portable/worker`, built by Vite and by webpack', run: inWorker },
  { name: 'Rollup', run: withRollup },
  { name: 'Parcel', run: withParcel },
  ...[22, 24, 26].map((major) => ({
    name: `Node.js ${major}, \`import\` and \`require\` of \`/portable\``,
    run: (workspace) => inNode(workspace, major),
  })),
  { name: 'Deno, `/portable`', run: inDeno },
  { name: 'workerd, as Cloudflare runs it', run: inWorkerd },
  { name: 'Jest with jsdom', run: withJest },
  { name: 'Vitest with happy-dom', run: withVitest },
].map((row) => ({ group: 'The portable client', ...row }))

// ── Pages ──

async function inPlainPage(workspace) {
  const project = await workspace.installed()
  const folder = join(project.folder, 'site')
  cpSync(join(project.folder, 'node_modules', NAME, 'dist/browser'), join(folder, 'client'), { recursive: true })
  const map = `<script type="importmap">{ "imports": { "${NAME}": "./client/portable.mjs" } }</script>`
  project.write({ 'site/index.html': PAGE.replace('<script', `${map}<script`), 'site/main.js': PAGE_SCRIPT })
  return `Chromium ${await answersInPage(folder)}`
}

async function withEsbuild(workspace) {
  const project = await workspace.installed({
    'main.js': PAGE_SCRIPT.replace(NAME, `${PORTABLE}/inline`),
    'dist/index.html': PAGE.replace('type="module" ', 'defer '),
  })
  const { build, version } = createRequire(import.meta.url)('esbuild')
  const options = { absWorkingDir: project.folder, entryPoints: ['main.js'], bundle: true, outfile: 'dist/main.js' }
  await build({ ...options, format: 'iife', logLevel: 'error' })
  await answersInPage(join(project.folder, 'dist'))
  return `esbuild ${version}`
}

async function withVite(workspace) {
  const files = { 'index.html': PAGE, 'main.js': PAGE_SCRIPT, ...SEARCH_PAGE }
  const project = await workspace.installed(files, ['vite', 'react', 'react-dom'])
  await project.bin('vite', 'vite', ['build', '--logLevel', 'error', '--config', 'both.config.mjs'])
  await answersInPage(join(project.folder, 'dist'))
  for (const command of ['preview', 'dev'])
    await whileViteServes(project, command, async (port) => {
      await answersAt(`http://127.0.0.1:${port}/`)
      await searchesAt(port, 'search.html')
    })
  return `Vite ${project.versionOf('vite')}`
}

async function withOldVite(workspace) {
  const files = { 'index.html': PAGE, 'main.js': PAGE_SCRIPT, ...settings('vite.config.mjs', 'optimizeDeps') }
  const project = await workspace.installed(files, ['vite@7'])
  await whileViteServes(project, 'dev', (port) => answersAt(`http://127.0.0.1:${port}/`))
  return `Vite ${project.versionOf('vite')}`
}

async function whileViteServes(project, command, act) {
  const port = await freePort()
  const script = join('node_modules', 'vite', 'bin', 'vite.js')
  const args = [script, command, '--port', String(port), '--host', '127.0.0.1', '--strictPort']
  await whileRunning(project, process.execPath, args, /Local:|ready in/, () => act(port))
}

/** The guide's component, with the one line that changes. Vite understands JSX; it is told of the second page. */
const SEARCH_PAGE = {
  'component.jsx': guideModule(),
  'search.jsx': `import { StrictMode } from 'react'
    import { createRoot } from 'react-dom/client'
    import { WebSearchComponent } from './component.jsx'
    createRoot(document.getElementById('root')).render(<StrictMode><WebSearchComponent /></StrictMode>)`,
  'search.html':
    '<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="./search.jsx"></script>',
  'both.config.mjs': `export default { build: { rolldownOptions: { input: ['index.html', 'search.html'] } } }`,
}

async function withWebpack(workspace) {
  const files = { 'main.js': PAGE_SCRIPT, 'dist/index.html': PAGE.replace('type="module"', 'defer') }
  const project = await workspace.installed(files, ['webpack@5', 'webpack-cli'])
  // Of any file above 244 KiB webpack says that it is large.
  const args = ['--mode', 'production', '--entry', './main.js', '--no-performance']
  const { stdout } = await project.bin('webpack-cli', 'webpack-cli', args)
  assert.doesNotMatch(stdout, /WARNING|ERROR/)
  await answersInPage(join(project.folder, 'dist'))
  return `webpack ${project.versionOf('webpack')}`
}

/** The client is in a worker, and the page has the far end of a bridge to it. */
const WITH_WORKER = {
  'worker.js': `import '${PORTABLE}/worker'`,
  'main.js': `
    import { connectClient } from '${NAME}/bridge'
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
    worker.postMessage({ url: new URLSearchParams(location.search).get('server') })
    globalThis.outcome = connectClient(worker).useTool('echo', { hello: 'world' }).then(JSON.stringify, String)`,
}

async function inWorker(workspace) {
  const project = await workspace.installed({ ...WITH_WORKER, 'index.html': PAGE }, [
    'vite',
    'webpack@5',
    'webpack-cli',
  ])
  await project.bin('vite', 'vite', ['build', '--logLevel', 'error'])
  await answersInPage(join(project.folder, 'dist'))
  project.write({ 'packed/index.html': PAGE.replace('type="module"', 'defer') })
  const args = ['--mode', 'production', '--entry', './main.js', '--no-performance', '--output-path', 'packed']
  const { stdout } = await project.bin('webpack-cli', 'webpack-cli', args)
  assert.doesNotMatch(stdout, /WARNING|ERROR/)
  await answersInPage(join(project.folder, 'packed'))
  return `Vite ${project.versionOf('vite')}, webpack ${project.versionOf('webpack')}`
}

/** Rollup itself copies no files: the plugins are those that its users have. */
async function withRollup(workspace) {
  const project = await workspace.installed(
    {
      'main.js': PAGE_SCRIPT,
      'dist/index.html': PAGE,
      'rollup.config.mjs': `
        import nodeResolve from '@rollup/plugin-node-resolve'
        import { importMetaAssets } from '@web/rollup-plugin-import-meta-assets'
        export default {
          input: 'main.js',
          output: { dir: 'dist', format: 'es' },
          plugins: [nodeResolve({ browser: true }), importMetaAssets()],
        }`,
    },
    ['rollup@4', '@rollup/plugin-node-resolve', '@web/rollup-plugin-import-meta-assets'],
  )
  const { stderr } = await project.bin('rollup', 'rollup', ['--config', 'rollup.config.mjs'])
  assert.doesNotMatch(stderr, /\(!\)/)
  await answersInPage(join(project.folder, 'dist'))
  return `Rollup ${project.versionOf('rollup')}`
}

async function withParcel(workspace) {
  const files = { 'index.html': PAGE, 'main.js': PAGE_SCRIPT }
  const project = await workspace.installed(files, ['parcel@2'])
  // Only with this it reads `exports`.
  project.write({
    'package.json': { ...project.read('package.json'), '@parcel/resolver-default': { packageExports: true } },
  })
  await project.bin('parcel', 'parcel', ['build', 'index.html', '--no-cache', '--dist-dir', 'dist'])
  await answersInPage(join(project.folder, 'dist'))
  return `Parcel ${project.versionOf('parcel')}`
}

// ── Runtimes ──

const CALL = `
async function main() {
  const client = new MCPClient(process.env.MCP_WS_URL)
  const answer = await client.useTool('echo', { hello: 'world' })
  await client.close()
  return JSON.stringify(answer)
}
main().then(console.log)`

async function inNode(workspace, major) {
  const { program, version } = await nodeOf(major)
  const project = await workspace.installed({
    'app.mjs': `import { MCPClient } from '${PORTABLE}'\n${CALL}`,
    'app.cjs': `const { MCPClient } = require('${PORTABLE}')\n${CALL}`,
  })
  const without = workspace.project({ 'app.mjs': `import { MCPClient } from '${NAME}'\n${CALL}` })
  await without.npm('install', NAME, '--omit=optional')
  await withServer(async (url) => {
    for (const script of ['app.mjs', 'app.cjs']) await answersWith(project, program, [script], url)
    // Where there is no binary.
    await answersWith(without, program, ['app.mjs'], url, { MCP_CLIENT_PORTABLE: '1' })
  })
  return `Node.js ${version}`
}

async function inDeno(workspace) {
  const deno = await tool('deno')
  const project = await workspace.installed({ 'app.mjs': `import { MCPClient } from '${PORTABLE}'\n${CALL}` })
  const args = ['run', '--allow-net', '--allow-env', '--allow-read', '--node-modules-dir=manual', 'app.mjs']
  await withServer((url) => answersWith(project, deno.program('deno'), args, url))
  return `Deno ${deno.versionOf('deno')}`
}

/** Bundled with the conditions that wrangler bundles with. */
async function inWorkerd(workspace) {
  const workerd = await tool('workerd')
  const project = await workspace.installed({
    'worker.js': `
      import { MCPClient } from '${NAME}'
      export default {
        async fetch(request) {
          const client = new MCPClient(new URL(request.url).searchParams.get('server'))
          const answer = await client.useTool('echo', { hello: 'world' })
          await client.close()
          return Response.json(answer)
        },
      }`,
  })
  const { build } = createRequire(import.meta.url)('esbuild')
  await build({
    absWorkingDir: project.folder,
    entryPoints: ['worker.js'],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['*.wasm'],
    outfile: 'dist/worker.js',
    logLevel: 'error',
  })
  const browser = join(project.folder, 'node_modules', NAME, 'dist/browser')
  cpSync(join(browser, 'mcp-page.wasm'), join(project.folder, 'dist/mcp-page.wasm'))
  const port = await freePort()
  project.write({ 'dist/config.capnp': configOf(port) })
  const args = ['serve', 'dist/config.capnp', '--verbose']
  await withServer((url) =>
    whileRunning(project, workerd.program('workerd'), args, null, async () => {
      const answer = await fetchPatiently(`http://127.0.0.1:${port}/?server=${encodeURIComponent(url)}`)
      assert.equal(answer, ANSWER)
    }),
  )
  return `workerd ${workerd.versionOf('workerd')}`
}

function configOf(port) {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "mcp-page.wasm", wasm = embed "mcp-page.wasm"),
  ],
  compatibilityDate = "${COMPATIBLE_SINCE}",
);
`
}

/** From then on workerd has WeakRef and FinalizationRegistry. */
const COMPATIBLE_SINCE = '2025-05-05'

// ── Test runners ──

const TESTED = `
  const client = new MCPClient(process.env.MCP_WS_URL)
  expect('emit' in MCPClient.prototype).toBe(false)
  expect(await client.useTool('echo', { hello: 'world' })).toEqual({ hello: 'world' })
  await client.close()`

async function withJest(workspace) {
  const test = `const { MCPClient } = require('${NAME}')\ntest('a call', async () => {${TESTED}\n})\n`
  const project = await workspace.installed({ 'page.test.js': test }, ['jest@30', 'jest-environment-jsdom@30'])
  await withServer(async (url) => {
    const { stderr } = await project.bin('jest', 'jest', ['--ci', '--env=jsdom'], { env: { MCP_WS_URL: url } })
    assert.match(stderr, /Tests: +1 passed, 1 total/)
    assert.doesNotMatch(stderr, /did not exit|open handle/)
  })
  return `Jest ${project.versionOf('jest')}, jsdom ${project.versionOf('jsdom')}`
}

/** Vitest leaves packages to Node.js, so a test names the portable client. */
async function withVitest(workspace) {
  const test = `// @vitest-environment happy-dom
    import { expect, test } from 'vitest'
    import { MCPClient } from '${PORTABLE}'
    test('a call', async () => {${TESTED}\n})`
  const project = await workspace.installed({ 'page.test.mjs': test }, ['vitest', 'happy-dom'])
  await withServer(async (url) => {
    const { stdout } = await project.bin('vitest', 'vitest', ['run'], { env: { MCP_WS_URL: url, NO_COLOR: '1' } })
    assert.match(stdout, /Tests +1 passed \(1\)/)
  })
  return `Vitest ${project.versionOf('vitest')}, happy-dom ${project.versionOf('happy-dom')}`
}

// ── Helpers ──

async function withServer(act) {
  const { MCPTestServer } = createRequire(import.meta.url)(join(ROOT, 'dist/testing.js'))
  const server = await MCPTestServer.listen()
  try {
    return await act(server.url)
  } finally {
    await server.close()
  }
}

async function answersWith(project, program, args, url, env = {}) {
  const { stdout } = await project.run(program, args, { env: { MCP_WS_URL: url, ...env } })
  assert.equal(stdout.trim(), ANSWER)
}

/** Runs a server while `act` runs, from when it has printed `ready`; `null` is at once. */
async function whileRunning({ folder }, program, args, ready, act) {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  try {
    await new Promise((resolve, reject) => {
      const read = (chunk) => {
        printed += chunk
        if (ready?.test(printed)) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', read)
      child.stderr.setEncoding('utf8').on('data', read)
      child.once('exit', () => reject(new Error(`${args.join(' ')} has ended:\n${printed.slice(-4_000)}`)))
      child.once('error', reject)
      if (ready === null) resolve()
    })
    return await act()
  } catch (error) {
    throw new Error(`${error.message}\n${printed.slice(-4_000)}`, { cause: error })
  } finally {
    child.kill()
  }
}

/** A server that does not say when it listens. */
async function fetchPatiently(url) {
  for (const end = Date.now() + 20_000; ; ) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
