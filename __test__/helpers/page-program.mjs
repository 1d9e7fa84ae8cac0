/** Programs that run as the module of a page in Chromium, beside a platform. */
import { format } from 'node:util'
import { entry, openSite } from './site.mjs'
import { listen } from './test-server.mjs'

/** The documents' placeholder for a server. */
const ANY_SERVER = 'wss://example.com/mcp-ws'

/** Where a page without a bundler finds the package. */
const IMPORTS = {
  '@mcp-integration/client': entry('portable'),
  '@mcp-integration/client/bridge': entry('bridge'),
}

/**
 * Runs the code with what it prints collected.
 * @returns the `server`, and `printed(pattern)`, which waits for the next line that matches
 */
export async function runProgramInPage(t, browser, code, headers = {}) {
  const server = await listen(t)
  // Under a strict policy there may be no inline script, which an import map is.
  const map =
    Object.keys(headers).length > 0 ? '' : `<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`
  const files = {
    '/': `<!doctype html><title>Page</title><link rel="icon" href="data:,">
      ${map}<script type="module" src="/main.mjs"></script>`,
    '/main.mjs': () => text,
    // As a bundler makes it: import maps are none of workers.
    '/worker.js': `import '${entry('portable-worker')}'`,
  }
  const { url } = await openSite(t, { files, platform: server, headers })
  const text = code.replaceAll(ANY_SERVER, `${url.replace('http', 'ws')}mcp-ws`)
  const tab = await browser.newPage()
  t.after(() => tab.close())
  const lines = new Lines()
  await tab.exposeFunction('told', (...words) => lines.add(format(...words)))
  await tab.addInitScript(() => Object.assign(console, { log: window.told, warn: window.told, error: window.told }))
  tab.on('pageerror', ({ message }) => lines.add(message))
  await tab.goto(url)
  return { server, tab, printed: (pattern) => lines.next(pattern) }
}

class Lines {
  #lines = []
  #look = () => {}

  add(line) {
    this.#lines.push(line)
    this.#look()
  }

  next(pattern) {
    return new Promise((resolve) => {
      this.#look = () => {
        const at = this.#lines.findIndex((line) => pattern.test(line))
        if (at !== -1) resolve(this.#lines.splice(0, at + 1).at(-1))
      }
      this.#look()
    })
  }
}
