/** Runs tests in pages of Chromium. */
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { launchBrowser } from '../browser.mjs'
import { ROOT } from '../root.mjs'
import { bundleSuites, nameOf } from './bundle.mjs'
import { startRelay } from './relay.mjs'

const TYPES = { '.mjs': 'text/javascript', '.wasm': 'application/wasm' }

/** DEAF_URL names a port that browsers refuse to use. */
const ARGS = ['--explicitly-allowed-ports=1']

/**
 * Runs each suite in a page of its own.
 * @param {string[]} suites paths in the project
 * @returns {Promise<Map<string, { name: string, error?: string, skip?: string }[]>>} the tests of each
 */
export async function runInChromium(suites) {
  const scripts = await bundleSuites(suites)
  const relay = await startRelay((url) => serve(url, scripts))
  const browser = await launchBrowser({ args: ARGS })
  try {
    const results = await Promise.all(suites.map((suite) => runSuite(browser, relay.url, suite)))
    return new Map(suites.map((suite, index) => [suite, results[index]]))
  } finally {
    await browser.close()
    await relay.close()
  }
}

async function runSuite(browser, url, suite) {
  const results = []
  const page = await browser.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(String(error.stack ?? error)))
  await page.exposeFunction('report', (result) => void results.push(result))
  await page.goto(`${url}/?${nameOf(suite)}`)
  if (!(await page.evaluate(() => globalThis.runAll !== undefined)))
    throw new Error(`${suite} did not load: ${errors.join('\n')}`)
  await page.evaluate(() => globalThis.runAll(globalThis.report))
  await page.close()
  return results
}

function serve({ pathname, search }, scripts) {
  if (pathname === '/') {
    const script = `<script type="module" src="/${search.slice(1)}.mjs"></script>`
    return { type: 'text/html', body: `<!doctype html><meta charset="utf-8"><title>Tests</title>${script}` }
  }
  const ofClient = /^\/client\/([\w.-]+)$/.exec(pathname)?.[1]
  if (ofClient !== undefined)
    return { type: TYPES[extname(ofClient)], body: readFileSync(join(ROOT, 'dist/browser', ofClient)) }
  const body = scripts.get(pathname.slice(1))
  return body === undefined ? undefined : { type: TYPES['.mjs'], body }
}
