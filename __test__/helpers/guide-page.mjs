/** The guide's component as a page without a bundler has it: its text, but for the import of the hook. */
import { runInNewContext } from 'node:vm'
import { transform } from 'esbuild'
import { COMPONENT } from './guide-text.mjs'
import { reactModules } from './react-modules.mjs'
import { withReact } from './react-versions.mjs'

/** The line that changes. */
const THEIRS = "import { useMCPWebSocket } from './hooks/useMCPWebSocket';"
const OURS = "import { useMCPWebSocket } from '@mcp-integration/client/react';"

/** What the guide leaves out: one import, and what shows the component. */
const SHOWN = `
  import { StrictMode, createElement } from 'react'
  import { createRoot, hydrateRoot } from 'react-dom/client'
  import { WebSearchComponent } from './component.mjs'
  const root = document.getElementById('root')
  const component = createElement(StrictMode, null, createElement(WebSearchComponent))
  if (root.hasChildNodes()) hydrateRoot(root, component, { onRecoverableError: (error) => console.error(error.message) })
  else createRoot(root).render(component)`

/**
 * The files of a site whose page shows the guide's component, in StrictMode.
 * @param {object} [options]
 * @param {18 | 19} [options.version] of React
 * @param {string} [options.html] what a server has rendered
 */
export async function guidePage({ version = 19, html = '' } = {}) {
  const { files, importMap } = await reactModules(version)
  const { code } = await transform(guideModule(), { loader: 'jsx', jsx: 'automatic' })
  return {
    ...files,
    '/component.mjs': code,
    '/main.mjs': SHOWN,
    '/': `<!doctype html><html lang="en"><head><title>Search</title><link rel="icon" href="data:,">
      <script type="importmap">${importMap}</script></head>
      <body><div id="root">${html}</div><script type="module" src="/main.mjs"></script></body></html>`,
  }
}

/** What a server without a page renders of the component. */
export async function renderOnServer(version) {
  const { code } = await transform(componentFor('script'), { loader: 'jsx' })
  return withReact(version, (require) => {
    const React = require('react')
    const { useMCPWebSocket } = require('@mcp-integration/client/react')
    const globals = { React, useState: React.useState, useMCPWebSocket }
    const Component = runInNewContext(`${code}; WebSearchComponent`, globals)
    return require('react-dom/server').renderToString(
      React.createElement(React.StrictMode, null, React.createElement(Component)),
    )
  })
}

/** The component as a module in JSX, which exports it. */
export function guideModule() {
  return componentFor('module')
}

function componentFor(kind) {
  if (!COMPONENT.includes(THEIRS)) throw new Error('the guide imports its hook in another way: look at the helper')
  if (kind === 'script') return COMPONENT.replace(THEIRS, '')
  return `import { useState } from 'react'\n${COMPONENT.replace(THEIRS, OURS)}\nexport { WebSearchComponent }`
}

/** What a user sees and does there. */
export function readerOf(tab) {
  const faults = []
  tab.on('pageerror', (error) => faults.push(error.message))
  tab.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !OF_THE_BROWSER.test(message.text()))
      faults.push(message.text())
  })
  const button = tab.getByRole('button', { name: 'Search', exact: true })
  return {
    tab,
    faults,
    button,
    shows: (text) => tab.getByText(text).first().waitFor(),
    isReady: () => tab.locator('input:enabled').waitFor(),
    async search(query) {
      await tab.getByPlaceholder('Enter search query').fill(query)
      // From the click on it says "Searching…".
      await button.click()
      await button.waitFor()
      return tab.locator('.result h3').allTextContents()
    },
  }
}

/** What a browser says itself of each socket that fails. */
const OF_THE_BROWSER = /^WebSocket connection to '\S+' failed/
