/** The hook in a page of Chromium, in React 18 and 19: the guide's component, rendered on a server and hydrated. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { launchBrowser } from './helpers/browser.mjs'
import { guidePage, readerOf, renderOnServer } from './helpers/guide-page.mjs'
import { VERSIONS } from './helpers/react-versions.mjs'
import { openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

describe('a page that a server has rendered', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  for (const version of VERSIONS) {
    test(`is taken over as it is by React ${version} in StrictMode, and searches over one connection`, async (t) => {
      const server = await listen(t, { tokens: ['your-api-key'] })
      let connections = 0
      server.on('connection', () => connections++)
      const html = await renderOnServer(version)
      assert.match(html, /Not connected to WebSocket server/)
      const site = await openSite(t, { files: await guidePage({ version, html }), platform: server })
      const tab = await browser.newPage()
      t.after(() => tab.close())
      const { faults, isReady, search } = readerOf(tab)
      await tab.goto(site.url)
      await isReady()
      assert.match((await search('backoff')).join('\n'), /Backoff/)
      assert.deepEqual(faults, [], 'what was rendered on the server is what the page renders')
      assert.equal(connections, 1)
    })
  }
})
