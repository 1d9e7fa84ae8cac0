/** Pages that projects have built, in Chromium. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { extname, join, normalize } from 'node:path'
import { launchBrowser } from '../../../__test__/helpers/browser.mjs'
import { Cleanup } from '../../../__test__/helpers/cleanup.mjs'
import { readerOf } from '../../../__test__/helpers/guide-page.mjs'
import { openSite } from '../../../__test__/helpers/site.mjs'
import { ROOT } from '../root.mjs'
import { ANSWER, NAME } from './workspace.mjs'

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** A page that makes a call of the server that `?server=` names; `outcome` is what came of that. */
export const PAGE_SCRIPT = `
import { MCPClient } from '${NAME}'
const client = new MCPClient(new URLSearchParams(location.search).get('server'), { maxReconnectAttempts: 0 })
globalThis.outcome = client
  .useTool('echo', { hello: 'world' })
  .then((answer) => client.close().then(() => JSON.stringify(answer)), String)
`

export const PAGE =
  '<!doctype html><meta charset="utf-8"><title>A page</title><script type="module" src="./main.js"></script>'

/** Serves a folder, as any web server does, and checks what its page gets. Resolves with the version of the browser. */
export async function answersInPage(folder, page = '') {
  const server = createServer((request, response) => {
    const file = fileIn(folder, new URL(request.url, 'http://localhost').pathname)
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' })
    response.end(file?.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await answersAt(`http://127.0.0.1:${server.address().port}/${page}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Checks what the page at this URL gets. Resolves with the version of the browser. */
export async function answersAt(url) {
  const { MCPTestServer } = createRequire(import.meta.url)(join(ROOT, 'dist/testing.js'))
  const [platform, browser] = await Promise.all([MCPTestServer.listen(), launchBrowser()])
  try {
    const page = await browser.newPage()
    const told = []
    page.on('console', (message) => told.push(message.text()))
    page.on('pageerror', (error) => told.push(String(error)))
    await page.goto(`${url}?server=${encodeURIComponent(platform.url)}`)
    await page
      .waitForFunction(() => 'outcome' in globalThis, undefined, { timeout: 30_000 })
      .catch((error) => {
        throw new Error(`the page has no outcome: ${told.join('\n')}`, { cause: error })
      })
    assert.equal(await page.evaluate(() => globalThis.outcome), ANSWER, told.join('\n'))
    return browser.version()
  } finally {
    await browser.close()
    await platform.close()
  }
}

/**
 * Checks that a reader searches with the guide's component, which the server at this port has in a page at this path,
 * and that the browser finds no fault. The platform is beside that server, as in the guide.
 */
export async function searchesAt(port, path = '') {
  const { MCPTestServer } = createRequire(import.meta.url)(join(ROOT, 'dist/testing.js'))
  const cleanup = new Cleanup()
  try {
    const platform = await MCPTestServer.listen({ tokens: ['your-api-key'] })
    cleanup.after(() => platform.close())
    const { url } = await openSite(cleanup, { platform, behind: { port } })
    const browser = await launchBrowser()
    cleanup.after(() => browser.close())
    const { faults, isReady, search, tab } = readerOf(await browser.newPage())
    await tab.goto(`${url}${path}`)
    await isReady()
    assert.match((await search('backoff')).join('\n'), /Backoff/)
    assert.deepEqual(faults, [])
  } finally {
    await cleanup.run()
  }
}

function fileIn(folder, pathname) {
  const path = join(folder, normalize(decodeURIComponent(pathname)), pathname.endsWith('/') ? 'index.html' : '')
  try {
    return {
      body: readFileSync(path.replace(/[\\/]$/, '')),
      type: TYPES[extname(path.replace(/[\\/]$/, ''))] ?? 'text/plain',
    }
  } catch {
    return undefined
  }
}
