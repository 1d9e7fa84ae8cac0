/** The tools of React's authors over the documents' components: the lint rules for hooks, and the React Compiler. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { transformAsync } from '@babel/core'
import { ESLint } from 'eslint'
import reactHooks from 'eslint-plugin-react-hooks'
import { parseDocument } from './helpers/markdown.mjs'
import { ROOT } from './helpers/root.mjs'
import { runJsx } from './helpers/snippets.mjs'
import { listen } from './helpers/test-server.mjs'

const { blocks } = parseDocument('docs/react.md', readFileSync(join(ROOT, 'docs/react.md'), 'utf8'))
const COMPONENTS = blocks.filter(({ language }) => language === 'jsx')

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    { files: ['**/*.jsx'], languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } } },
    reactHooks.configs.flat['recommended-latest'],
  ],
})

/** The names of the rules that the code breaks, and what they say. */
async function faultsOf(code) {
  const [{ messages }] = await eslint.lintText(code, { filePath: 'component.jsx' })
  return messages.map(({ ruleId, message }) => `${ruleId}: ${message}`)
}

/** The code as the compiler makes it. It throws for a component that it cannot compile. */
async function compile(code) {
  const { code: compiled } = await transformAsync(code, {
    filename: 'component.jsx',
    babelrc: false,
    configFile: false,
    parserOpts: { plugins: ['jsx'] },
    plugins: [['babel-plugin-react-compiler', { panicThreshold: 'all_errors' }]],
  })
  return compiled
}

describe('the components of docs/react.md', () => {
  for (const { code, line } of COMPONENTS) {
    test(`line ${line}: pass eslint-plugin-react-hooks`, async () => {
      assert.deepEqual(await faultsOf(code), [])
    })

    test(`line ${line}: are compiled by the React Compiler`, async () => {
      assert.match(await compile(code), /from "react\/compiler-runtime"/)
    })
  }

  test('the first does compiled what it does otherwise', async (t) => {
    const [first] = COMPONENTS
    await runJsx(t, first, await listen(t), compile)
  })
})

describe('the tools would find', () => {
  const [{ code }] = COMPONENTS

  test('a hook in an effect, which useTool is to them', async () => {
    const withHook = code.replaceAll('callTool', 'useTool')
    assert.match((await faultsOf(withHook)).join('\n'), /rules-of-hooks: React Hook "useTool" cannot be called/)
    await assert.rejects(compile(withHook), /Hooks must be called at the top level/)
  })

  test('a function that is missing among the dependencies of an effect', async () => {
    const faults = await faultsOf(code.replace('[authenticated, callTool]', '[authenticated]'))
    assert.match(faults.join('\n'), /exhaustive-deps: .*'callTool'/)
  })
})
