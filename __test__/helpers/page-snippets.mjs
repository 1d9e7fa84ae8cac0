/** Runs the documents' blocks of code that are for pages, in Chromium. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runProgramInPage } from './page-program.mjs'
import { ROOT } from './root.mjs'
import { patternOf, promisesOf } from './snippets.mjs'

/** Runs a block as the module of a page, until it has printed what its comments say. */
export async function runInPage(t, browser, block) {
  const { printed } = await runProgramInPage(t, browser, block.code)
  for (const promise of promisesOf(block.code, '//')) await printed(patternOf(promise))
}

/** Makes a call in a page under the policy of a block. */
export async function runUnderPolicy(t, browser, { code }) {
  const [, name, value] = /^(Content-Security-Policy): (.*)$/.exec(code.trim()) ?? assert.fail(`no policy: ${code}`)
  const program = `
    import { MCPClient } from '/package/browser/portable.mjs'
    document.title = await new MCPClient().useTool('echo', 'works')`
  const { tab } = await runProgramInPage(t, browser, program, { [name]: value })
  await tab.waitForFunction(() => document.title === 'works')
}

/** The files that an import map names are in the folder that the document names. */
export function checkImportMap({ code }) {
  const [, map] = /<script type="importmap">(.*)<\/script>/s.exec(code)
  const paths = Object.values(JSON.parse(map).imports)
  assert.ok(paths.length > 0)
  for (const path of paths) assert.ok(existsSync(join(ROOT, 'dist/browser', path.replace('/mcp/', ''))), path)
}
