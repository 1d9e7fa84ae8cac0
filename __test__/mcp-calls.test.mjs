/** `mcp-client mcp`: calls, their results, and how they fail. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ToolFailure } from '@mcp-integration/client/testing'
import { folderOf } from './helpers/documents.mjs'
import { errorIn, Host, textOf } from './helpers/mcp-host.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

/** A host, and a platform that has these tools and describes them. */
async function open(t, tools = {}, { args = [], ...options } = {}) {
  const server = await listen(t, { dialect: 'event', schemas: 'named', tools })
  return { server, host: await Host.open(t, [server.url, ...args], options) }
}

const never = () => new Promise(() => {})

describe('results', AT_ONCE, () => {
  test('an object is text and structured content', async (t) => {
    const { host } = await open(t, { price: () => ({ price: 3, list: [1] }) })
    assert.deepEqual(await host.call('price', {}), {
      content: [{ type: 'text', text: '{"price":3,"list":[1]}' }],
      structuredContent: { price: 3, list: [1] },
    })
  })

  test('a text is itself, other values are JSON, and nothing is said to be nothing', async (t) => {
    const tools = {
      text: () => 'two\nlines',
      list: () => [1, 'a'],
      number: () => 7,
      nil: () => null,
      nothing: () => {},
    }
    const { host } = await open(t, tools)
    const texts = {}
    for (const name of Object.keys(tools)) {
      const result = await host.call(name, {})
      assert.equal(result.structuredContent, undefined)
      texts[name] = textOf(result)
    }
    const nothing = 'Done: the tool answered without results.'
    assert.deepEqual(texts, { text: 'two\nlines', list: '[1,"a"]', number: '7', nil: 'null', nothing })
  })

  test('digits that JavaScript does not keep are kept in the text', async (t) => {
    const { server, host } = await open(t)
    server.intercept((text, connection) => {
      const { type, request } = JSON.parse(text)
      if (type !== 'mcp_request' || request.name !== 'echo') return false
      return connection.send(`{"event":"response","data":{"id":"${request.id}","results":{"n":12345678901234567890}}}`)
    })
    assert.equal(textOf(await host.call('echo', {})), '{"n":12345678901234567890}')
  })

  test('escape sequences and bidirectional controls lose their power', async (t) => {
    const hostile = 'a\u001B]52;c;ZXZpbA==\u0007b\u009B2J\u202Ec'
    const { host } = await open(t, { text: () => hostile, object: () => ({ hostile }) })
    assert.equal(textOf(await host.call('text', {})), 'a]52;c;ZXZpbA==b2Jc')
    const { content, structuredContent } = await host.call('object', {})
    assert.doesNotMatch(content[0].text, /[\u0000-\u001F\u007F-\u009F\u202E]/)
    assert.deepEqual(JSON.parse(content[0].text), { hostile })
    assert.deepEqual(structuredContent, { hostile })
    assert.doesNotMatch(host.output.stdout, /[\u0000-\u0009\u000B-\u001F]/)
  })

  test('long ones are cut, with a note, and the whole is in resources', async (t) => {
    const whole = 'Zürich 🏔 '.repeat(1_000)
    const { host } = await open(t, { text: () => whole }, { args: ['--max-result', '105'] })
    const { content } = await host.call('text', {})
    const [shown, note] = content[0].text.split('\n\n')
    assert.equal(shown, whole.slice(0, 105))
    assert.match(
      note,
      /^\[Cut: these are the first 105 of 10000 characters\. The whole is the resource mcp-client:\/\//,
    )
    const { uri } = content[1]
    assert.equal(content[1].type, 'resource_link')
    assert.ok(note.includes(uri))
    const { resources } = (await host.ask('resources/list')).result
    assert.deepEqual(
      resources.map((resource) => resource.uri),
      [uri],
    )
    const { contents } = (await host.ask('resources/read', { uri })).result
    assert.deepEqual(contents, [{ uri, mimeType: 'text/plain', text: whole }])
  })

  test('no character is cut in two', async (t) => {
    const { host } = await open(t, { text: () => '🏔'.repeat(100) }, { args: ['--max-result', '5'] })
    assert.equal(textOf(await host.call('text', {})).split('\n\n')[0], '🏔🏔')
  })

  test('a resource that is not kept is an error', async (t) => {
    const { host } = await open(t)
    for (const uri of ['mcp-client://results/1/1', 'mcp-client://results/x', 'file:///etc/passwd']) {
      const { error } = await host.ask('resources/read', { uri })
      assert.ok(error.message.includes(uri) || /not found/i.test(error.message), JSON.stringify(error))
    }
  })

  test('hosts of before June 2025 get no links to resources', async (t) => {
    const options = { args: ['--max-result', '10'], revision: '2025-03-26' }
    const { host } = await open(t, { text: () => 'x'.repeat(100) }, options)
    const { content } = await host.call('text', {})
    assert.deepEqual([host.greeting.protocolVersion, content.length, content[0].type], ['2025-03-26', 1, 'text'])
    assert.match(content[0].text, /The whole is the resource mcp-client:/)
  })

  test('64 MB do no harm: the beginning is shown, the rest is in resources of a size that hosts accept', async (t) => {
    const size = 60 * 1024 * 1024
    const { host } = await open(t, { huge: () => ({ text: 'x'.repeat(size) }), echo: (given) => given })
    const { content } = await host.call('huge', {})
    assert.equal(content.length, 1, 'as many links would be too many')
    assert.ok(content[0].text.length < 101_000)
    const { resources } = (await host.ask('resources/list')).result
    assert.equal(
      resources.reduce((sum, resource) => sum + resource.size, 0),
      size + '{"text":""}'.length,
    )
    assert.ok(resources.every((resource) => resource.size <= 1024 * 1024))
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
  })

  test('an answer that is not JSON fails its call, and no other', async (t) => {
    const { server, host } = await open(t)
    server.intercept((text, connection) => {
      const { type, request } = JSON.parse(text)
      if (type !== 'mcp_request' || request.name !== 'sleep') return false
      return connection.send(`{"event":"response","data":{"id":"${request.id}","results":nonsense}}`)
    })
    assert.equal(errorIn(await host.call('sleep', { ms: 1 })).code, 'BAD_MESSAGE')
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
  })
})

describe('failures', AT_ONCE, () => {
  test('parameters that do not fit the schema never leave, and the error says what is wrong', async (t) => {
    const { server, host } = await open(t)
    const { code, message, sent, hint } = errorIn(await host.call('sleep', { ms: 'soon' }))
    assert.deepEqual([code, sent], ['INVALID_PARAMETERS', false])
    assert.match(message, /ms: Instance type "string" is invalid\. Expected "number"/)
    assert.match(hint, /Correct the parameters/)
    assert.match(errorIn(await host.call('sleep', {})).message, /required property "ms"/)
    assert.deepEqual(
      server.requests.filter(({ name }) => name === 'sleep'),
      [],
    )
  })

  test('an error of the tool is told in its own words, without control characters', async (t) => {
    const fails = () => {
      throw new ToolFailure('out of \u001B[31mcredit', 'NO_CREDIT')
    }
    const { host } = await open(t, { fails })
    const result = await host.call('fails', {})
    const { hint, ...error } = errorIn(result)
    assert.deepEqual(error, {
      code: 'TOOL_ERROR',
      toolCode: 'NO_CREDIT',
      message: 'out of [31mcredit',
      retryable: false,
    })
    assert.equal(textOf(result), `out of [31mcredit (TOOL_ERROR, NO_CREDIT)\n${hint}`)
  })

  test('a timeout says that the tool may have run', async (t) => {
    const { host } = await open(t, { never }, { args: ['--timeout', '400'] })
    const { code, sent, hint } = errorIn(await host.call('never', {}))
    assert.deepEqual([code, sent], ['REQUEST_TIMEOUT', true])
    assert.match(hint, /may have run: find out whether it has/)
  })

  test('so does a lost connection; an idempotent tool is called again on the next one', async (t) => {
    const { server, host } = await open(t, { never })
    const id = host.request('tools/call', { name: 'never', arguments: {} })
    await server.nextRequest('never')
    await server.terminateAll()
    const { code, sent, retryable } = errorIn((await host.answer(id)).result)
    assert.deepEqual([code, sent, retryable], ['CONNECTION_LOST', true, true])

    const file = [{ name: 'count', idempotent: true }]
    const path = join(await folderOf(t, { 'tools.json': JSON.stringify(file) }), 'tools.json')
    let calls = 0
    const count = () => (++calls === 1 ? never() : calls)
    const again = await open(t, { count }, { args: ['--tools', path] })
    const idempotent = again.host.request('tools/call', { name: 'count', arguments: {} })
    await again.server.nextRequest('count')
    await again.server.terminateAll()
    assert.equal(textOf((await again.host.answer(idempotent)).result), '2')
  })

  test('a refused key says who must give another, and shows none', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const host = await Host.open(t, [server.url, '--tools', await fileOf(t)], { env: { MCP_API_KEY: 'hunter2' } })
    const { code, hint } = errorIn(await host.call('echo', {}))
    assert.equal(code, 'AUTH_FAILED')
    assert.match(hint, /MCP_API_KEY/)
    assert.doesNotMatch(host.output.stdout + host.stderr, /hunter2/)
  })

  test('where the client has stopped, a call connects anew, but not at once again', async (t) => {
    const server = await listen(t, { tokens: ['right'] })
    const host = await Host.open(t, [server.url, '--tools', await fileOf(t)])
    assert.equal(errorIn(await host.call('echo', {})).code, 'AUTH_FAILED')
    let knocks = 0
    server.on('message', () => knocks++)
    const { code, sent, retryable, hint } = errorIn(await host.call('echo', {}))
    assert.deepEqual([code, sent, retryable, knocks], ['AUTH_FAILED', false, true, 0])
    assert.match(hint, /was tried just now\. A call in (30|29|28) s tries it again/)
  })
})

const fileOf = async (t) => join(await folderOf(t, { 'tools.json': '[{ "name": "echo" }]' }), 'tools.json')

describe('while a call waits', AT_ONCE, () => {
  test('a host that cancels gets no answer, and the call is given up', async (t) => {
    let isAborted
    const aborted = new Promise((resolve) => (isAborted = resolve))
    const slow = (_, { signal }) => new Promise(() => signal.addEventListener('abort', isAborted))
    const { server, host } = await open(t, { slow })
    const id = host.request('tools/call', { name: 'slow', arguments: {} })
    await server.nextRequest('slow')
    host.tell('notifications/cancelled', { requestId: id, reason: 'enough' })
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
    assert.equal(
      host.messages.find((message) => message.id === id),
      undefined,
    )
    const { code } = await host.end()
    assert.equal(code, 0, 'the end does not wait for it')
    await aborted
  })

  test('a host that gave a token hears a beat, so that it does not give up', async (t) => {
    const { server, host } = await open(t, { never })
    const id = host.request('tools/call', { name: 'never', arguments: {}, _meta: { progressToken: 'p' } })
    await server.nextRequest('never')
    const { params } = await host.notice('notifications/progress')
    assert.deepEqual(params, { progressToken: 'p', progress: 1, message: 'waiting for the tool' })
    host.tell('notifications/cancelled', { requestId: id })
  })

  test('a thousand calls at once are all answered, each with its own', async (t) => {
    const { host } = await open(t)
    const ids = Array.from({ length: 1_000 }, (_, n) => [
      n,
      host.request('tools/call', { name: 'echo', arguments: { n } }),
    ])
    for (const [n, id] of ids) assert.deepEqual((await host.answer(id)).result.structuredContent, { n })
  })

  test('hosts that ask for logs get them', async (t) => {
    const fails = () => {
      throw new Error('no')
    }
    const { host } = await open(t, { fails })
    await host.ask('logging/setLevel', { level: 'warning' })
    await host.call('fails', {})
    const { params } = await host.notice('notifications/message')
    assert.deepEqual(params, { level: 'warning', logger: 'mcp-client', data: '"fails" failed: no' })
  })
})
