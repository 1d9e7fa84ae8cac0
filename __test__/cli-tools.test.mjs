/** `mcp-client tools` and tools files, run as users run them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { runCli, serve } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city'],
}

async function fileOf(t, content) {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return join(await folderOf(t, { 'tools.json': text }), 'tools.json')
}

describe('mcp-client tools', AT_ONCE, () => {
  const described = [
    { name: 'weather', description: 'The weather. Of a city.\nAny.', parameters },
    { name: 'any\u001B[31m', description: '\u001B]0;evil\u0007Anything' },
  ]

  test('prints a table of what the platform describes', async (t) => {
    const { url } = await listen(t, { dialect: 'event', schemas: described })
    assert.deepEqual(await runCli(['tools', url]), {
      code: 0,
      signal: null,
      stderr: '',
      stdout: [
        'TOOL     PARAMETERS   DESCRIPTION',
        'any[31m  ?            ]0;evilAnything',
        'weather  city [days]  The weather.',
        '',
      ].join('\n'),
    })
  })

  test('--json prints what --tools reads', async (t) => {
    const { url } = await listen(t, { dialect: 'event', schemas: 'named' })
    const first = await runCli(['tools', '--url', url, '--json'])
    assert.equal(first.code, 0, first.stderr)
    const tools = JSON.parse(first.stdout)
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['echo', 'fail', 'sleep', 'status', 'web_search'],
    )
    assert.deepEqual(tools[2].inputSchema.required, ['ms'])
    const second = await runCli(['tools', '--tools', await fileOf(t, first.stdout), '--json'])
    assert.deepEqual(second, first)
  })

  test('serve --schemas named is a platform that describes its tools', async (t) => {
    const { url } = await serve(t, ['--port', '0', '--dialect', 'event', '--schemas', 'named'])
    assert.match((await runCli(['tools', url])).stdout, /^sleep +ms +Answers after a delay\.$/m)
  })

  test('a file is read without a connection', async (t) => {
    const file = await fileOf(t, { tools: [{ name: 'a', idempotent: true }] })
    const { code, stdout } = await runCli(['tools', 'ws://127.0.0.1:1/mcp-ws', '--tools', file, '--json'])
    const expected = [{ name: 'a', inputSchema: { type: 'object' }, annotations: { idempotentHint: true } }]
    assert.deepEqual([code, JSON.parse(stdout)], [0, expected])
  })

  test('a platform that names no tools is an error that says what to do', async (t) => {
    const { url } = await listen(t, { tools: { status: () => 'fine' } })
    const { code, stdout, stderr } = await runCli(['tools', url, '--json'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^mcp-client: the platform does not say which tools it has: .*--tools\n$/)
  })

  test('a platform that cannot be reached is an error', async () => {
    const { code, stderr } = await runCli(['tools', 'ws://127.0.0.1:1/mcp-ws'])
    assert.equal(code, 1)
    assert.match(stderr, /ECONNREFUSED/)
  })
})

describe('a tools file', AT_ONCE, () => {
  const schema = (lines) => `[{\n"name": "a",\n"inputSchema": {\n${lines}\n}}]`
  const wrong = [
    ['', /tools\.json: the file is empty: it must be a list of tools/],
    ['{ "tools": [ }', /tools\.json, line 1: it is not JSON: value expected/],
    ['[\n{ "name": "a" },\n]', /line 3: it is not JSON: value expected/],
    ['[] // none', /line 1: it is not JSON: invalid comment token/],
    ['"tools"', /line 1: the file must be a list of tools, or an object with such a list as "tools"/],
    ['{\n"tool": []\n}', /line 1: the file must be a list of tools/],
    ['[\n{ "name": "a" },\n7]', /line 3: \[1\] a tool must be an object/],
    ['[{\n"description": "x" }]', /line 1: \[0\]\.name must be the name of the tool/],
    ['[{ "name":\n"" }]', /line 2: \[0\]\.name must be the name of the tool/],
    [
      '{ "tools": [\n{ "name": "a",\n"descripton": "x" }] }',
      /line 3: tools\[0\]\.descripton: unknown field "descripton", did you mean "description"\?/,
    ],
    ['[{ "name": "a",\n"description": 7 }]', /line 2: \[0\]\.description must be a string/],
    ['[{ "name": "a",\n"idempotent": "yes" }]', /line 2: \[0\]\.idempotent must be true or false/],
    [
      '[{ "name": "a", "annotations":\n{ "readOnlyHint": 1 } }]',
      /line 2: \[0\]\.annotations\.readOnlyHint must be true or false/,
    ],
    [
      '[{ "name": "a", "annotations": {\n"readonly": true } }]',
      /line 2: \[0\]\.annotations\.readonly: unknown field "readonly"/,
    ],
    [
      '[{ "name": "a", "idempotent": true,\n"annotations": { "idempotentHint": false } }]',
      /line 2: .* contradicts "idempotent", which is true/,
    ],
    [
      '[\n{ "name": "a" },\n{ "name": "b" },\n{ "name": "a" }]',
      /line 4: \[2\]\.name "a" is the name of another tool too, in line 2/,
    ],
    [schema('"type": "string"'), /line 4: \[0\]\.inputSchema\.type must be "object", as parameters are/],
    [schema('"properties": []'), /line 4: \[0\]\.inputSchema\.properties must be an object whose values are schemas/],
    [
      schema('"properties": {\n"q": { "type": "text" } }'),
      /line 5: \[0\]\.inputSchema\.properties\.q\.type must be one of object, array/,
    ],
    [schema('"properties": { "q":\n"text" }'), /line 5: .*properties\.q must be a schema: an object, true or false/],
    [schema('"properties": { "q": {\n"pattern": "(" } }'), /line 5: .*q\.pattern must be a regular expression/],
    [
      schema('"properties": { "q": {\n"$ref": "https://example.com/q.json" } }'),
      /line 5: .*q\.\$ref must refer to a place in the same schema/,
    ],
    [schema('"required": [\n7]'), /line 4: .*inputSchema\.required must be a list of strings/],
    ['[{ "name": "a", "inputSchema":\n"object" }]', /line 2: \[0\]\.inputSchema must be a schema/],
  ]
  for (const [text, message] of wrong) {
    test(`${JSON.stringify(text)} is refused in one line, with exit code 2`, async (t) => {
      const { code, stdout, stderr } = await runCli(['tools', '--tools', await fileOf(t, text)])
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, /^mcp-client: [^\n]+\n$/)
      assert.match(stderr, message)
    })
  }

  test('that is not there, is a folder, or is no text, is refused too', async (t) => {
    const folder = await folderOf(t, { 'tools.json': Buffer.from([0xff, 0xfe]) })
    for (const [path, message] of [
      ['/no/such/tools.json', /there is no file \/no\/such\/tools\.json/],
      [folder, /is a folder, not a file/],
      [join(folder, 'tools.json'), /is not text in UTF-8/],
    ]) {
      const { code, stderr } = await runCli(['tools', '--tools', path])
      assert.equal(code, 2)
      assert.match(stderr, message)
    }
  })
})
