/** `mcp-client types`: what it prints is compiled, strictly, with the code of a user. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { runCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 2 }

const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

const TOOLS = [
  {
    name: 'web_search',
    description: 'Searches the web.',
    inputSchema: {
      type: 'object',
      title: 'Search',
      properties: {
        query: { type: 'string', description: 'What to look for.' },
        numResults: { type: 'integer', minimum: 1 },
        provider: { enum: ['openai', 'tavily'] },
      },
      required: ['query'],
    },
    outputSchema: {
      type: 'object',
      properties: { items: { type: 'array', items: { $ref: '#/$defs/item' } } },
      required: ['items'],
      $defs: {
        item: { type: 'object', title: 'Item', properties: { title: { type: 'string' } }, required: ['title'] },
      },
    },
  },
  { name: 'status' },
]

/** Prints the types of these tools; they must be some. */
async function typesOf(t, tools) {
  const folder = await folderOf(t, { 'tools.json': JSON.stringify(tools) })
  const { code, stdout, stderr } = await runCli(['types', '--tools', join(folder, 'tools.json')])
  assert.equal(code, 0, stderr)
  return { text: stdout, stderr }
}

/** Compiles the declarations with this code, in this package, so that its name is found. Returns what is wrong. */
function compile(t, declarations, code, { isModule = false } = {}) {
  const [declarationsFile, codeFile] = isModule ? ['mcp-tools.d.mts', 'code.mts'] : ['mcp-tools.d.ts', 'code.ts']
  mkdirSync(join(ROOT, 'target/types'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, 'target/types/'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, declarationsFile), declarations)
  writeFileSync(join(folder, codeFile), code)
  const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', types: ['node'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [declarationsFile, codeFile] }))
  const { stdout } = spawnSync(process.execPath, [TSC, '--project', folder], { encoding: 'utf8' })
  return stdout
}

describe('mcp-client types', AT_ONCE, () => {
  test('types useTool(): parameters, results, and tools that need none', async (t) => {
    const { text } = await typesOf(t, TOOLS)
    const code = `
      import { MCPClient } from '@mcp-integration/client'
      const client = new MCPClient('ws://localhost')
      export async function use(): Promise<void> {
      const { items } = await client.useTool('web_search', { query: 'x', numResults: 3, provider: 'tavily' })
      const title: string = items[0]!.title
      const status: unknown = await client.useTool('status')
      await client.useTool('status', { anything: 1 })
      await client.useTool<number>('not_declared', { any: 1 })
      // @ts-expect-error the query is missing
      client.useTool('web_search', {})
      // @ts-expect-error so is everything
      client.useTool('web_search')
      // @ts-expect-error there is no such parameter
      client.useTool('web_search', { query: 'x', numResult: 3 })
      // @ts-expect-error there is no such provider
      client.useTool('web_search', { query: 'x', provider: 'bing' })
      // @ts-expect-error unknown results are to be looked at first
      const length: number = (await client.useTool('status')).length
      console.log(title, status, length)
      }`
    assert.equal(compile(t, text, code), '')
    assert.equal(compile(t, text, code, { isModule: true }), '')
  })

  test('is the same whenever it is printed, and whatever the order of the tools is', async (t) => {
    assert.equal((await typesOf(t, TOOLS)).text, (await typesOf(t, TOOLS.toReversed?.() ?? [...TOOLS].reverse())).text)
  })

  test('takes what the platform describes, or the names in its status', async (t) => {
    const { url } = await listen(t, { dialect: 'event', schemas: 'named' })
    const { stdout } = await runCli(['types', url])
    assert.match(
      stdout,
      /\/\*\* Answers after a delay\. \*\/\n {4}"sleep": \{ parameters: Tool_sleep\.Parameters; results: unknown \}/,
    )
    assert.match(
      stdout,
      /declare namespace Tool_sleep \{\n {2}export interface Parameters \{\n {4}ms: number\n {2}\}\n\}/,
    )
    const guide = await runCli(['types', (await listen(t)).url])
    assert.match(guide.stdout, /"web_search": \{ parameters: Tool_web_search\.Parameters; results: unknown \}/)
  })

  test('--check says by its exit code whether a file is up to date', async (t) => {
    const tools = join(await folderOf(t, { 'tools.json': JSON.stringify(TOOLS) }), 'tools.json')
    const { stdout } = await runCli(['types', '--tools', tools])
    const folder = await folderOf(t, {
      'good.d.ts': stdout,
      'windows.d.ts': stdout.replaceAll('\n', '\r\n'),
      'old.d.ts': 'x',
    })
    const check = (name) => runCli(['types', '--tools', tools, '--check', join(folder, name)])
    for (const name of ['good.d.ts', 'windows.d.ts'])
      assert.deepEqual(await check(name), { code: 0, signal: null, stdout: '', stderr: '' })
    const old = await check('old.d.ts')
    assert.deepEqual([old.code, old.stdout], [1, ''])
    assert.match(old.stderr, /^mcp-client: .*old\.d\.ts is not up to date: write it again, with mcp-client types > /)
    assert.equal((await check('none.d.ts')).code, 2)
  })

  test('names and descriptions cannot leave their strings and comments', async (t) => {
    const evil = [
      '*/ export const evil = 1 /*',
      '"; export const evil = 1; "',
      "'+evil+'",
      '`${evil}`',
      'a\nexport const evil = 1',
      'a\u2028export const evil = 1',
      '\\',
      '\\u002a/ evil',
      '// evil',
      '__proto__',
      'constructor',
      'class',
      '🏔',
      '\uD800',
      'a-b',
      'a.b',
      'a b',
      '1',
      ' ',
      '}',
    ]
    const tools = evil.map((name) => ({
      name,
      description: `${name}\n${name} */`,
      inputSchema: {
        type: 'object',
        description: name,
        title: name,
        $comment: name,
        properties: {
          [name]: { type: 'string', description: name, title: name, default: name, examples: [name] },
          one: { const: name },
          many: { enum: [name, `${name}2`], title: name },
          ref: { $ref: '#/$defs/Parameters' },
        },
        required: [name],
        $defs: { Parameters: { type: 'object', properties: { [name]: { type: 'boolean' } } } },
      },
    }))
    // What the compiler of schemas would take for code.
    tools.push({
      name: 'code',
      inputSchema: { type: 'object', properties: { a: { tsType: 'any; export const evil = 1' } } },
    })
    const { text } = await typesOf(t, tools)
    const code = `
      import { MCPClient, type MCPTools } from '@mcp-integration/client'
      import type * as all from './mcp-tools.js'
      const none: keyof typeof all = 0 as never
      // @ts-expect-error nothing of that name may be exported
      type Evil = typeof all.evil
      const names: (keyof MCPTools)[] = ${JSON.stringify([...evil, 'code'])}
      export { none, names, MCPClient, type Evil }`
    assert.equal(compile(t, text, code), '')
  })

  test('a schema of which no type can be made is unknown, and standard error says so', async (t) => {
    const inputSchema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/a' } },
      $defs: { a: { $ref: '#/$defs/a' } },
    }
    const { text } = await typesOf(t, [{ name: 'loop', inputSchema }])
    assert.equal(compile(t, text, `export {}`), '')
  })
})
