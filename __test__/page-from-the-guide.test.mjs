/**
 * docs/from-the-guide.md in a page of Chromium: the guide's code, over the browser's own WebSocket and over the client
 * in its place, and what replaces it. Nothing of it is changed but the address of the server.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { launchBrowser } from './helpers/browser.mjs'
import { parseDocument } from './helpers/markdown.mjs'
import { runProgramInPage } from './helpers/page-program.mjs'
import { ROOT } from './helpers/root.mjs'
import { patternOf, promisesOf } from './helpers/snippets.mjs'

const NAME = 'docs/from-the-guide.md'
const { blocks } = parseDocument(NAME, readFileSync(join(ROOT, NAME), 'utf8'))
const GUIDE = blocks.filter(({ variant }) => variant === 'guide')
/** Those of the client; where a server is started too, Node.js is needed. */
const OURS = blocks.filter(({ code, variant }) => variant !== 'guide' && code.includes("'@mcp-integration/client'"))
const FOR_PAGES = OURS.filter(({ code }) => !code.includes('/testing'))

describe(`${NAME} in a page`, () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  const SOCKETS = {
    'the browser’s WebSocket': '',
    'the client in its place': "import { MCPClient as WebSocket } from '@mcp-integration/client'\n",
  }
  for (const [name, line] of Object.entries(SOCKETS)) {
    test(`the code of the guide connects, searches, and comes back, over ${name}`, async (t) => {
      const code = `${line}${GUIDE.map((block) => block.code).join('\n')}\nconnect()`
      const { server, printed } = await runProgramInPage(t, browser, code)
      await printed(/^Connected to MCP WebSocket server$/)
      await printed(/^Tool response \(req_\w+\): .*items/s)
      await server.terminateAll()
      await printed(/^WebSocket closed: 1006 \(Abnormal closure\)$/)
      await printed(/^Connected to MCP WebSocket server$/)
      await printed(/^Tool response \(req_\w+\): .*items/s)
    })
  }

  for (const block of FOR_PAGES) {
    test(`the block in line ${block.line} prints what it says`, async (t) => {
      const { printed } = await runProgramInPage(t, browser, block.code)
      for (const promise of promisesOf(block.code, '//')) await printed(patternOf(promise))
    })
  }

  test('has blocks that run in a page, and others', () => {
    assert.ok(FOR_PAGES.length >= 5 && GUIDE.length >= 5, `${FOR_PAGES.length} and ${GUIDE.length}`)
  })
})
