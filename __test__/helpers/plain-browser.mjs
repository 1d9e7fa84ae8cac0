/**
 * A Chromium as a user has it. Playwright keeps pages visible and out of the cache for going back; here a tab is hidden
 * while another is in front, and a page that was left is kept.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { browserPath } from './browser-path.mjs'

/** @returns its `context`, and `close()` */
export async function launchPlainBrowser(...args) {
  const profile = mkdtempSync(join(tmpdir(), 'mcp-chromium-'))
  const child = spawn(browserPath(), [...ARGUMENTS, `--user-data-dir=${profile}`, ...args, 'about:blank'], {
    // It ends when the last two are closed, so that it does not outlive a process that is killed.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  const browser = await chromium.connectOverCDP(await endpointOf(child, ended), { noDefaults: true })
  return {
    context: browser.contexts()[0],
    async close() {
      // Its processes end with it, and write no more into the profile. `browser.close()` would leave it running.
      await (await browser.newBrowserCDPSession()).send('Browser.close').catch(() => {})
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

async function endpointOf(child, ended) {
  let printed = ''
  const told = new Promise((resolve) =>
    child.stderr.setEncoding('utf8').on('data', (text) => {
      printed += text
      const found = /DevTools listening on (ws:\S+)/.exec(printed)
      if (found) resolve(found[1])
    }),
  )
  const endpoint = await Promise.race([told, ended.then(() => undefined)])
  if (endpoint === undefined) throw new Error(`the browser has ended: ${printed}`)
  return endpoint
}

/** The sandbox needs what containers do not have. */
const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--no-first-run',
  '--disable-component-update',
  '--disable-background-networking',
  '--remote-debugging-port=0',
  '--remote-debugging-pipe',
]

/** An argument with which the browser keeps pages that have an open WebSocket, too, and closes that. */
export const KEEPS_PAGES_WITH_SOCKETS = '--enable-features=DisconnectWebSocketOnBFCache'
