/**
 * `npm run test:electron`: builds an Electron app with an ASAR archive from the build of this checkout, and runs it in
 * a real Electron, which electron-program.mjs finds. The app, in electron-app/, makes calls from its main process and
 * from a page through the sandboxed preload script, reloads, kills and closes windows, and does the same with the
 * client in a utility process.
 *
 * `node scripts/test/electron.mjs FOLDER` takes what `node scripts/release/pack.mjs FOLDER` has packed, and the
 * Electron of package.json, which its packager downloads from its usual place.
 *
 * On Linux both need `xvfb-run`, which is installed on Debian if this is root.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isInPath } from '../../__test__/helpers/browser-path.mjs'
import { installPackages } from '../lib/apt.mjs'
import { openWorkspace, tool } from '../lib/install/workspace.mjs'
import { ROOT, isMain } from '../lib/root.mjs'
import { setUp } from '../lib/setup.mjs'
import { NotRun, runAlone } from '../lib/steps.mjs'
import { packagesIn } from '../release/pack.mjs'
import { setUpBrowser } from './browser.mjs'
import { findElectron } from './electron-program.mjs'
import { workspaceOf } from './install.mjs'

const ASAR = '@electron/asar@4.3.2'
const PACKAGER = '@electron/packager@20.3.0'
const APP = 'packaged-app'
const SOURCES = fileURLToPath(new URL('electron-app', import.meta.url))
const UNPACKED = '**/*.node'

/** The tools that the app calls. */
const TOOLS = {
  wait: () => new Promise(() => {}),
  nest: ({ levels }) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)),
  rows: ({ count }) =>
    Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}`, tags: ['a', 'b'], size: id })),
}
/** The expected state after a page that has made a call is gone. */
const FREED = { before: 1, after: 0 }
const EXPECTED = {
  'the main process': { from: 'the main process' },
  'the page, through a sandboxed preload script': { from: 'the page' },
  'a result of 2,000 levels': 2_000,
  '50,000 rows': 50_000,
  'a page that is reloaded during a call': FREED,
  'the page after the reload': 1,
  'a renderer that is killed during a call': FREED,
  'the page after the crash': 2,
  'a window that is closed during a call': FREED,
  'a utility process': { from: 'the page' },
  'a killed renderer of a utility process': FREED,
  'a closed window of a utility process': FREED,
}

/** Tests the build of this checkout in the Electron that is found. @throws NotRun if there is none */
export async function testElectron() {
  setUpBrowser()
  const run = findElectron()
  const screen = findScreen()
  const { platformName } = createRequire(import.meta.url)('../../dist/native/platform.js')
  await inProject(await workspaceOf(join(ROOT, `mcp-client.${platformName()}.node`)), async (project) => {
    const { folder } = await tool(ASAR)
    const { createPackageWithOptions } = await import(
      pathToFileURL(join(folder, 'node_modules/@electron/asar/lib/asar.js'))
    )
    const archive = `${project.folder}.asar`
    await createPackageWithOptions(project.folder, archive, { unpack: UNPACKED })
    const { command, env } = run(archive)
    await runApp(project, [...screen, ...command], env)
  })
}

/** Tests packages that are about to be published, in the newest Electron. */
async function testPacked(folder) {
  const screen = findScreen()
  await inProject(await openWorkspace(packagesIn(folder)), async (project) =>
    runApp(project, [...screen, await packaged(project)]),
  )
}

/** A project with the app, in which the client is installed. */
async function inProject(workspace, use) {
  // A development package, which a fresh clone may not have when this module is loaded.
  const { build: bundle } = await import('esbuild')
  try {
    const names = readdirSync(SOURCES).filter((name) => name !== 'page.mjs')
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(SOURCES, name), 'utf8')]))
    const manifest = { name: APP, version: '1.0.0', main: 'main.cjs' }
    const project = await workspace.installed({ ...files, 'package.json': manifest })
    await bundle({
      entryPoints: [join(SOURCES, 'page.mjs')],
      outfile: join(project.folder, 'page.js'),
      nodePaths: [join(project.folder, 'node_modules')],
      bundle: true,
      platform: 'browser',
      logLevel: 'warning',
    })
    await use(project)
  } finally {
    await workspace.close()
  }
}

async function runApp(project, [command, ...args], env = {}) {
  const outcome = `${project.folder}.result.json`
  // The operating system's sandbox is not available to root, nor in many containers.
  const flags = process.platform === 'linux' ? ['--no-sandbox'] : []
  const { MCPTestServer } = createRequire(import.meta.url)('../../dist/testing.js')
  const server = await MCPTestServer.listen({ tools: TOOLS })
  try {
    await project.run(command, [...args, ...flags], { env: { ...env, RESULT: outcome, SERVER_URL: server.url } })
  } finally {
    await server.close()
  }
  const { versions, isArchive, results, error } = JSON.parse(readFileSync(outcome, 'utf8'))
  const { length, ms } = results['50,000 rows'] ?? {}
  assert.ok(error === undefined, error)
  assert.deepEqual({ ...results, '50,000 rows': length }, EXPECTED)
  assert.ok(isArchive, 'the app did not run from an ASAR archive')
  const { electron, chrome, node } = versions
  console.log(`Electron ${electron} (Chromium ${chrome}, Node.js ${node}) on ${process.platform} ${process.arch}:`)
  for (const name of Object.keys(results)) console.log(`  ok  ${name}${name === '50,000 rows' ? ` in ${ms} ms` : ''}`)
}

/** The start of a command for a program that needs a screen. */
function findScreen() {
  if (process.platform !== 'linux') return []
  if (!isInPath('xvfb-run')) installPackages('xvfb', 'xauth')
  if (!isInPath('xvfb-run')) throw new NotRun('Electron needs a screen: install xvfb-run, of the package xvfb')
  return ['xvfb-run', '--auto-servernum']
}

/** @returns {Promise<string>} the program of the packaged app */
async function packaged(project) {
  const { folder } = await tool(PACKAGER)
  const { packager } = await import(pathToFileURL(join(folder, 'node_modules/@electron/packager/dist/index.js')))
  const { version } = createRequire(import.meta.url)('electron/package.json')
  const [path] = await packager({
    dir: project.folder,
    out: `${project.folder}.packaged`,
    electronVersion: version,
    // Only the client is installed there.
    prune: false,
    asar: { unpack: UNPACKED },
    quiet: true,
  })
  const names = { darwin: `${APP}.app/Contents/MacOS/${APP}`, win32: `${APP}.exe` }
  return join(path, names[process.platform] ?? APP)
}

async function main(folder) {
  if (folder !== undefined) return testPacked(folder)
  setUp()
  const { build } = await import('../build/all.mjs')
  await build()
  await testElectron()
}

if (isMain(import.meta.url)) await runAlone(() => main(process.argv[2]))
