/**
 * `node scripts/test/electron.mjs FOLDER`: builds an Electron app with an ASAR archive from what `node
 * scripts/release/pack.mjs FOLDER` has packed, and runs it. Its main process makes a call, and its page makes one
 * through the preload script; both must be answered.
 *
 * Electron and its packager are downloaded from their usual places. On Linux without a screen, `xvfb-run` is needed.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { NAME, openWorkspace, tool } from '../lib/install/workspace.mjs'

const PACKAGER = '@electron/packager@20.3.0'
const APP = 'packaged-app'

const FILES = {
  'package.json': { name: APP, version: '1.0.0', main: 'main.cjs' },
  'main.cjs': `
const { app, BrowserWindow, ipcMain } = require('electron')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { MCPClient } = require('${NAME}')
const { serveRenderers } = require('${NAME}/electron/main')
const { MCPTestServer } = require('${NAME}/testing')

async function answers() {
  await app.whenReady()
  const server = await MCPTestServer.listen()
  const client = new MCPClient(server.url)
  serveRenderers(client, { ipcMain, allowSenders: ['file://'], allowTools: ['echo'] })
  const preload = require.resolve('${NAME}/electron/preload')
  const window = new BrowserWindow({ show: false, webPreferences: { preload, contextIsolation: true, sandbox: true } })
  await window.loadFile('index.html')
  const main = await client.useTool('echo', { from: 'the main process' })
  const page = await window.webContents.executeJavaScript('window.answer')
  return [main, page, __dirname.endsWith('.asar')]
}

answers()
  .catch((error) => String(error.stack))
  .then((result) => {
    writeFileSync(process.env.RESULT, JSON.stringify(result))
    app.exit(0)
  })
`,
  'index.html': '<!doctype html><meta charset="utf-8"><script src="page.js"></script>',
  'page.mjs': `
import { connectMain } from '${NAME}/electron/renderer'
import { isMain } from '../lib/root.mjs'
import { packagesIn } from '../release/pack.mjs'
window.answer = connectMain().useTool('echo', { from: 'the page' })
`,
}
const EXPECTED = JSON.stringify([{ from: 'the main process' }, { from: 'the page' }, true])

async function main(folder) {
  if (folder === undefined) throw new Error('usage: node scripts/test/electron.mjs FOLDER')
  const workspace = await openWorkspace(packagesIn(folder))
  try {
    const project = await workspace.installed(FILES)
    const inProject = (path) => join(project.folder, path)
    await build({
      entryPoints: [inProject('page.mjs')],
      outfile: inProject('page.js'),
      bundle: true,
      platform: 'browser',
      logLevel: 'warning',
    })
    const program = await packaged(project)
    const result = `${project.folder}.result.json`
    const [command, ...args] =
      process.platform === 'linux' ? ['xvfb-run', '--auto-servernum', program, '--no-sandbox'] : [program]
    await project.run(command, args, { env: { RESULT: result } })
    const answers = readFileSync(result, 'utf8')
    if (answers !== EXPECTED) throw new Error(`the packaged app has answered ${answers}, not ${EXPECTED}`)
    console.log(`a packaged app answers on ${process.platform} ${process.arch}: ${answers}`)
  } finally {
    await workspace.close()
  }
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
    // All that is installed there is the client.
    prune: false,
    asar: { unpack: '**/*.node' },
    quiet: true,
  })
  const names = { darwin: `${APP}.app/Contents/MacOS/${APP}`, win32: `${APP}.exe` }
  return join(path, names[process.platform] ?? APP)
}

if (isMain(import.meta.url)) await main(process.argv[2])
