/** `mcp-client mcp`: which tools a host is offered, and from where. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { folderOf } from './helpers/documents.mjs'
import { errorIn, Host } from './helpers/mcp-host.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const ANYTHING = { type: 'object' }
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

/** A server of the event dialect that says this of its tools. */
const describing = (t, schemas, tools = {}) => listen(t, { dialect: 'event', schemas, tools })

/** The path of a tools file. */
async function toolsFile(t, content) {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return join(await folderOf(t, { 'tools.json': text }), 'tools.json')
}

const names = (tools) => tools.map(({ name }) => name)

describe('where tools come from', AT_ONCE, () => {
  test('the descriptions of the platform', async (t) => {
    const described = [
      { name: 'weather', description: 'The weather.', parameters },
      { name: 'anything', description: 7 },
    ]
    const host = await Host.open(t, [(await describing(t, described)).url])
    assert.deepEqual(await host.tools(), [
      { name: 'anything', inputSchema: ANYTHING },
      { name: 'weather', description: 'The weather.', inputSchema: parameters },
    ])
  })

  test('without them the tool status, with schemas that take anything', async (t) => {
    const status = () => ({ activeTools: [{ name: 'web_search', available: false }, { name: 'sandbox' }, {}, 7] })
    for (const dialect of ['guide', 'event']) {
      const host = await Host.open(t, [(await listen(t, { dialect, tools: { status } })).url])
      assert.deepEqual(await host.tools(), [
        { name: 'sandbox', inputSchema: ANYTHING },
        { name: 'web_search', inputSchema: ANYTHING },
      ])
    }
  })

  test('without either there are none, and the log says what to do', async (t) => {
    const status = () => {
      throw new Error('no such tool')
    }
    const host = await Host.open(t, [(await listen(t, { tools: { status } })).url])
    assert.deepEqual(await host.tools(), [])
    await host.says(/describe them in a file, and name it with --tools/)
  })

  test('a tools file is all that counts, and the log says what else the platform has', async (t) => {
    const server = await describing(t, [{ name: 'echo', description: 'Theirs.' }, { name: 'sandbox' }])
    const file = await toolsFile(t, [{ name: 'echo', description: 'Ours.', inputSchema: parameters }])
    const host = await Host.open(t, [server.url, '--tools', file])
    assert.deepEqual(await host.tools(), [{ name: 'echo', description: 'Ours.', inputSchema: parameters }])
    assert.deepEqual((await host.call('echo', { city: 'Oslo' })).structuredContent, { city: 'Oslo' })
    await host.says(/left out, because the tools file does not have them: "sandbox"/)
    assert.deepEqual(names(await host.tools()), ['echo'])
  })

  test('an empty tools file is no source', async (t) => {
    const server = await describing(t, [{ name: 'echo' }])
    const host = await Host.open(t, [server.url, '--tools', await toolsFile(t, { tools: [] })])
    assert.deepEqual(names(await host.tools()), ['echo'])
  })

  test('only the file is trusted to say what a host may assume of a tool', async (t) => {
    const claims = { annotations: { readOnlyHint: true, idempotentHint: true }, idempotent: true }
    const server = await describing(t, [{ name: 'echo', ...claims }])
    const theirs = await Host.open(t, [server.url])
    assert.deepEqual(await theirs.tools(), [{ name: 'echo', inputSchema: ANYTHING }])
    const file = await toolsFile(t, [
      { name: 'a', idempotent: true },
      { name: 'b', annotations: { title: 'B', idempotentHint: true, readOnlyHint: true } },
      { name: 'c' },
    ])
    const ours = await Host.open(t, [server.url, '--tools', file])
    const annotations = { title: 'B', idempotentHint: true, readOnlyHint: true }
    assert.deepEqual(await ours.tools(), [
      { name: 'a', inputSchema: ANYTHING, annotations: { idempotentHint: true } },
      { name: 'b', title: 'B', inputSchema: ANYTHING, annotations },
      { name: 'c', inputSchema: ANYTHING },
    ])
  })
})

describe('the list of tools', AT_ONCE, () => {
  test('is in the order of the names, whatever the order of the platform', async (t) => {
    const host = await Host.open(t, [(await describing(t, [{ name: 'c' }, { name: 'a' }, { name: 'B' }])).url])
    assert.deepEqual(names(await host.tools()), ['B', 'a', 'c'])
  })

  test('has names that MCP allows, each once, and calls go to the tools that they stand for', async (t) => {
    const given = ['web search', 'web/search', 'web_search', 'ü', 'x'.repeat(200)]
    const tools = Object.fromEntries(given.map((name) => [name, () => name]))
    const server = await describing(
      t,
      given.map((name) => ({ name })),
      tools,
    )
    const host = await Host.open(t, [server.url])
    const shown = names(await host.tools())
    assert.deepEqual(shown, ['_', 'web_search', 'web_search_2', 'web_search_3', 'x'.repeat(128)])
    for (const name of shown) assert.match(name, /^[A-Za-z0-9_.-]{1,128}$/)
    const called = []
    for (const name of shown) called.push((await host.call(name, {})).content[0].text)
    assert.deepEqual(called, ['ü', 'web_search', 'web search', 'web/search', 'x'.repeat(200)])
    await host.says(/MCP does not allow the name "web search": hosts see web_search_2/)
  })

  test('keeps the first of two tools with the same name', async (t) => {
    const twice = [
      { name: 'a', description: 'first' },
      { name: 'a', description: 'second' },
    ]
    const host = await Host.open(t, [(await describing(t, twice)).url])
    assert.deepEqual(await host.tools(), [{ name: 'a', description: 'first', inputSchema: ANYTHING }])
    await host.says(/"a" is described twice/)
  })

  test('is what --allow and --deny leave, and others cannot be called', async (t) => {
    const described = ['web_search', 'web_fetch', 'status', 'echo'].map((name) => ({ name }))
    const { url } = await describing(t, described)
    const host = await Host.open(t, [url, '--allow', 'web_*', '--allow', 'status', '--deny', '*fetch'])
    assert.deepEqual(names(await host.tools()), ['status', 'web_search'])
    const { error } = await host.ask('tools/call', { name: 'echo', arguments: {} })
    assert.deepEqual([error.code, error.message], [-32602, 'Unknown tool: "echo"'])
  })

  test('the log says which names of --allow and --deny fit none', async (t) => {
    const { url } = await describing(t, [{ name: 'echo' }])
    const host = await Host.open(t, [url, '--allow', 'echo', '--deny', 'web_serch', '--deny', 'a.*'])
    assert.deepEqual(names(await host.tools()), ['echo'])
    await host.says(/there is no tool "web_serch" to allow or deny/)
    await host.says(/there is no tool "a\.\*" to allow or deny/)
  })

  test('changes, and hosts are told, when the platform describes other tools', async (t) => {
    const server = await describing(t, [{ name: 'old' }])
    const host = await Host.open(t, [server.url])
    assert.deepEqual(names(await host.tools()), ['old'])
    server.broadcast({ event: 'schemas', data: [{ name: 'new' }] })
    await host.notice('notifications/tools/list_changed')
    assert.deepEqual(names(await host.tools()), ['new'])
  })

  test('changes, and hosts are told, when the platform is another one after a reconnect', async (t) => {
    const server = await describing(t, 'named', { old: () => 1 })
    const host = await Host.open(t, [server.url])
    assert.ok(names(await host.tools()).includes('old'))
    server.setTools({ fresh: () => 1 })
    await server.closeAll(1012)
    await host.notice('notifications/tools/list_changed')
    assert.ok(names(await host.tools()).includes('fresh'))
  })

  test('stays as it is, without a word, when the platform says the same again', async (t) => {
    const server = await describing(t, [{ name: 'same' }, { name: 'other' }])
    const host = await Host.open(t, [server.url])
    await host.tools()
    server.broadcast({ event: 'schemas', data: [{ name: 'other' }, { name: 'same' }] })
    server.broadcast({ event: 'schemas', data: [{ name: 'same' }] })
    await host.notice('notifications/tools/list_changed')
    assert.equal(host.messages.filter(({ method }) => method === 'notifications/tools/list_changed').length, 1)
  })
})

describe('what a hostile platform says of its tools', AT_ONCE, () => {
  const schemaOf = async (t, schema) => {
    const host = await Host.open(t, [(await describing(t, [{ name: 'a', parameters: schema }])).url])
    const [tool] = await host.tools()
    return { host, schema: tool.inputSchema }
  }

  test('control characters are taken out of descriptions', async (t) => {
    const description = 'Say\u001B[2J \u202Ehello\u0007\u009B1m.\nNext line.'
    const properties = { q: { type: 'string', description, title: 'a\u001B[1mb' } }
    const described = [{ name: 'a', description, parameters: { type: 'object', properties } }]
    const host = await Host.open(t, [(await describing(t, described)).url])
    const [tool] = await host.tools()
    const clean = 'Say[2J hello1m.\nNext line.'
    assert.equal(tool.description, clean)
    assert.deepEqual(tool.inputSchema.properties.q, { title: 'a[1mb', description: clean, type: 'string' })
  })

  test('schemas that are elsewhere are neither fetched nor passed on', async (t) => {
    const asked = await listen(t)
    const elsewhere = asked.url.replace('ws:', 'http:')
    const { host, schema } = await schemaOf(t, {
      $schema: elsewhere,
      $id: elsewhere,
      type: 'object',
      properties: { a: { $ref: `${elsewhere}#/a` }, b: { $ref: '#/$defs/b' }, c: { $ref: '#/$defs/none' } },
      $defs: { b: { type: 'string' } },
    })
    assert.deepEqual(schema, {
      type: 'object',
      properties: { a: {}, b: { $ref: '#/$defs/b' }, c: {} },
      $defs: { b: { type: 'string' } },
    })
    await host.says(/the schema of "a" is used without properties\.a\.\$ref, which must refer to a place in the same/)
    assert.equal(errorIn(await host.call('a', { b: 1 })).code, 'INVALID_PARAMETERS')
    assert.equal((await host.call('a', { a: 1, b: '' })).isError, true, 'there is no such tool, but it was called')
    assert.deepEqual(asked.connections, [])
  })

  test('what is no schema is left out, or takes anything', async (t) => {
    const deep = JSON.parse(`${'{"not":'.repeat(500)}{}${'}'.repeat(500)}`)
    const { schema } = await schemaOf(t, {
      type: 'object',
      properties: { a: true, b: false, c: 'x', d: { type: 'text', minimum: '1', pattern: '(' }, e: deep.not },
      required: 'a',
      _def: { typeName: 'ZodObject' },
    })
    assert.deepEqual(
      { ...schema, properties: { ...schema.properties, e: undefined } },
      { type: 'object', properties: { a: {}, b: { not: {} }, c: {}, d: {}, e: undefined } },
    )
    for (const none of ['x', 7, [], { type: 'string' }, { type: ['null'] }])
      assert.deepEqual((await schemaOf(t, none)).schema, ANYTHING, JSON.stringify(none))
  })

  test('a pattern that would take for ever is stopped, and the call goes out unchecked', async (t) => {
    const schema = { type: 'object', properties: { text: { type: 'string', pattern: '^(a+)+$' } } }
    const server = await describing(t, [{ name: 'echo', parameters: schema }])
    const host = await Host.open(t, [server.url])
    const parameters = { text: `${'a'.repeat(40)}!` }
    assert.deepEqual((await host.call('echo', parameters)).structuredContent, parameters)
    await host.says(/the parameters of "echo" are not checked against its schema: it takes more than \d+ ms/)
  })

  test('a schema that refers to itself without end does no harm', async (t) => {
    const schema = { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/a' } } }
    const server = await describing(t, [{ name: 'echo', parameters: schema }])
    const host = await Host.open(t, [server.url])
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
    await host.says(/the parameters of "echo" are not checked/)
  })

  test('a status of nonsense names no tools', async (t) => {
    for (const results of [
      null,
      'x',
      [],
      { activeTools: 'all' },
      { tools: [{ name: 'a' }], more: 'x'.repeat(1024 * 1024) },
      { tools: [null, { name: 7 }, { name: '' }] },
    ]) {
      const host = await Host.open(t, [(await listen(t, { tools: { status: () => results } })).url])
      assert.deepEqual(await host.tools(), [], JSON.stringify(results))
    }
  })
})
