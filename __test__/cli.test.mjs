/** `mcp-client`, run as users run it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { runCli, serve } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { RawClient } from './helpers/raw-client.mjs'
import { NO_SIGNALS } from './helpers/signals.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const { version } = createRequire(import.meta.url)('@mcp-integration/client/package.json')

describe('mcp-client', AT_ONCE, () => {
  test('--version prints the version of the package', async () => {
    assert.deepEqual(await runCli(['--version']), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' })
  })

  for (const args of [['--help'], ['help'], ['serve', '--help'], ['call', '--help']]) {
    test(`${args.join(' ')} shows an example`, async () => {
      const { code, stdout, stderr } = await runCli(args)
      assert.equal(code, 0)
      assert.match(stdout, /Example.*\n +\$ npx --no mcp-client (serve|call)/)
      assert.equal(stderr, '')
    })
  }

  test('without a command it shows its help on stderr and exits with 2', async () => {
    const { code, stdout, stderr } = await runCli([])
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /Usage: mcp-client/)
  })

  const misuses = [
    [['dance'], /unknown command 'dance'/],
    [['--dance'], /unknown option '--dance'/],
    [['serve', '--dance'], /unknown option '--dance'/],
    [['serve', 'now'], /too many arguments/],
    [['serve', '--port', 'x'], /--port.*whole number from 0 to 65535/],
    [['serve', '--port', '70000'], /--port.*whole number from 0 to 65535/],
    [['serve', '--port'], /--port.*argument missing/],
    [['serve', '--dialect', 'both'], /--dialect.*guide, event/],
    [['serve', '--token', ''], /--token.*empty/],
    [['serve', '--dialect', 'event', '--token', 'x'], /event dialect has no authentication/],
    [['call'], /missing required argument 'tool'/],
    [['call', 'echo', '--timeout', 'soon'], /--timeout.*milliseconds/],
    [['call', 'echo', '--timeout', '99999999999'], /--timeout.*milliseconds up to/],
    [['call', ''], /'tool'.*empty/],
    [['call', 'echo', '--timeout', '-5'], /--timeout.*milliseconds/],
    [['call', 'echo', '{"a":'], /neither JSON \(.*\) nor key=value: \{"a":/],
    [['call', 'echo', 'word'], /neither JSON \(.*\) nor key=value: word/],
    [['call', 'echo', '{}', '{}'], /one argument.*unexpected \{\}/],
    [['call', 'echo', 'a=1', 'word'], /key=value.*not word/],
    [['call', 'echo', '=1'], /key=value.*not =1/],
    [['call', 'echo', 'a=1', 'a=2'], /"a" is given twice/],
  ]
  for (const [args, message] of misuses) {
    test(`${args.join(' ')} is one line on stderr and exits with 2`, async () => {
      const { code, stdout, stderr } = await runCli(args)
      assert.equal(code, 2, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, /^mcp-client: [^\n]+\n$/)
      assert.match(stderr, message)
    })
  }
})

describe('mcp-client serve', AT_ONCE, () => {
  test('prints its url in one line, and how to call it', async (t) => {
    const { url, output } = await serve(t, ['--port', '0'])
    const [first, second] = output.stdout.split('\n')
    assert.equal(first, `Listening on ${url}`)
    assert.equal(second, `Try it:  npx --no mcp-client call web_search query="reconnect" --url ${url}`)
    await RawClient.authenticated(t, url)
  })

  for (const signal of ['SIGINT', 'SIGTERM']) {
    test(`closes its connections and exits with 0 on ${signal}`, { skip: NO_SIGNALS }, async (t) => {
      const { url, child, ended } = await serve(t, ['--port', '0'])
      const client = await RawClient.authenticated(t, url)
      child.kill(signal)
      assert.equal((await client.closed).code, 1001)
      const { code, stderr } = await ended
      assert.equal(code, 0)
      assert.equal(stderr, '')
    })
  }

  test('accepts the tokens it is given, as many as there are, and prints none', async (t) => {
    const { url, output } = await serve(t, ['--port', '0', '--token', 'first-secret', '--token', 'second-secret'])
    await RawClient.authenticated(t, url, 'first-secret')
    await RawClient.authenticated(t, url, 'second-secret')
    await assert.rejects(RawClient.authenticated(t, url, 'anonymous'))
    assert.match(output.stdout, /--api-key <token>/)
    assert.doesNotMatch(output.stdout + output.stderr, /secret/)
  })

  test('searches the folder it is given', async (t) => {
    const docs = await folderOf(t, { 'zebra.md': '# Zebras\n\nThey have stripes.' })
    const { url } = await serve(t, ['--port', '0', '--docs', docs])
    const client = await RawClient.authenticated(t, url)
    const { results } = await client.ask({ id: 'r', name: 'web_search', parameters: { query: 'stripes' } })
    assert.equal(results.items[0].title, 'Zebras')
  })

  test('warns when everyone is let in from everywhere, and says an address that can be called', async (t) => {
    const { url, child, ended } = await serve(t, ['--port', '0', '--host', '0.0.0.0'])
    assert.match(url, /^ws:\/\/127\.0\.0\.1:/)
    await RawClient.authenticated(t, url)
    child.kill()
    assert.match((await ended).stderr, /^Anyone.*--token.*\n$/)
  })

  test('speaks the event dialect on request', async (t) => {
    const { url } = await serve(t, ['--port', '0', '--dialect', 'event'])
    const client = await RawClient.open(t, url)
    assert.equal((await client.next()).event, 'connection')
  })

  test('a port in use is one clear line and exits with 1', async (t) => {
    const { port } = await listen(t)
    const { code, stdout, stderr } = await runCli(['serve', '--port', `${port}`])
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.equal(
      stderr,
      `mcp-client: port ${port} on 127.0.0.1 is in use: choose another with --port, or 0 for any free one\n`,
    )
  })

  test('a folder that does not exist is one clear line and exits with 1', async () => {
    const folder = resolve('/there/is/no/such/folder')
    const { code, stderr } = await runCli(['serve', '--port', '0', '--docs', folder])
    assert.equal(code, 1)
    assert.match(stderr, /^mcp-client: .*"docs".*\n$/)
    assert.ok(stderr.endsWith(`${folder}\n`), stderr)
  })
})

describe('mcp-client call', AT_ONCE, () => {
  async function caller(t, options) {
    const server = await listen(t, options)
    return { server, call: (args, env) => runCli(['call', ...args, '--url', server.url], env) }
  }

  test('prints search results as a list', async (t) => {
    const docs = await folderOf(t, {
      'zebra.md': '# Zebras\n\nThey have stripes.',
      'tiger.md': '# Tigers\n\nThey too have stripes, somewhat.',
    })
    const { call } = await caller(t, { docs })
    const { code, stdout, stderr } = await call(['web_search', 'query=stripes', 'tavilyOptions={"includeAnswer":true}'])
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /^They .*\n\n1\. (Zebras|Tigers)\n {3}file:.*\n {3}They .*\n\n2\. (Zebras|Tigers)\n {3}file:.*\n {3}They .*\n$/,
    )
  })

  test('says so when a search has no results', async (t) => {
    const docs = await folderOf(t, { 'zebra.md': '# Zebras' })
    const { call } = await caller(t, { docs })
    assert.equal((await call(['web_search', 'query=unicorn'])).stdout, 'No results.\n')
  })

  const sent = [
    [[], {}],
    [['{"a":{"b":[1,null]}}'], { a: { b: [1, null] } }],
    [['[1,"a=b"]'], [1, 'a=b']],
    [['"a=b"'], 'a=b'],
    [['5'], 5],
    [
      ['text=two words', 'number=-1.5', 'flag=true', 'list=[1]', 'quoted="5"', 'empty=', 'sum=1+1=2', '__proto__=1'],
      JSON.parse(
        '{"text":"two words","number":-1.5,"flag":true,"list":[1],"quoted":"5","empty":"","sum":"1+1=2","__proto__":1}',
      ),
    ],
  ]
  for (const [words, parameters] of sent) {
    test(`${JSON.stringify(words)} is sent as ${JSON.stringify(parameters)}`, async (t) => {
      const { server, call } = await caller(t)
      const { code, stderr } = await call(['echo', ...words])
      assert.equal(code, 0, stderr)
      assert.deepEqual(server.requests[0].parameters, parameters)
    })
  }

  const printed = [
    [{ a: [1] }, '{\n  "a": [\n    1\n  ]\n}\n'],
    ['just text', 'just text\n'],
    ['\u001b[2Jred\u0007', '[2Jred\n'],
    [null, 'null\n'],
    [undefined, 'Done: the tool answered without results.\n'],
    [
      { items: [{ title: 'No link' }, { title: 'Two\nlines', url: 'https://example.org', snippet: 'A\nsnippet' }] },
      '1. No link\n\n2. Two lines\n   https://example.org\n   A snippet\n',
    ],
    [{ items: [1, 2] }, '{\n  "items": [\n    1,\n    2\n  ]\n}\n'],
  ]
  for (const [results, text] of printed) {
    test(`${JSON.stringify(results)} is printed as ${JSON.stringify(text)}`, async (t) => {
      const { call } = await caller(t, { tools: { say: () => results } })
      assert.deepEqual(await call(['say']), { code: 0, signal: null, stdout: text, stderr: '' })
    })
  }

  test('--json prints the results exactly as they came', async (t) => {
    const { server, call } = await caller(t)
    const exact = '{"big":12345678901234567890, "twice":1,"twice":2 , "é":"\\u00e9"}'
    server.intercept((text, connection) => {
      const { id, name } = JSON.parse(text)
      return name === 'exact' && connection.send(`{"id":"${id}","results":${exact}}`)
    })
    const { code, stdout } = await call(['exact', '--json'])
    assert.equal(code, 0)
    assert.equal(stdout, `${exact}\n`)
  })

  test('--json prints null for an answer without results', async (t) => {
    const { call } = await caller(t, { tools: { nothing: () => undefined } })
    assert.deepEqual(await call(['nothing', '--json']), { code: 0, signal: null, stdout: 'null\n', stderr: '' })
  })

  test('a big result reaches a pipe whole', async (t) => {
    const { call } = await caller(t, { tools: { big: () => 'x'.repeat(3_000_000) } })
    assert.equal((await call(['big'])).stdout.length, 3_000_001)
  })

  test('the server and the key come from the environment, where options do not say otherwise', async (t) => {
    const server = await listen(t, { tokens: ['from-environment', 'from-option'] })
    const env = { MCP_WS_URL: server.url, MCP_API_KEY: 'from-environment' }
    assert.equal((await runCli(['call', 'echo'], env)).code, 0)
    const there = { ...env, MCP_WS_URL: 'ws://127.0.0.1:9/mcp-ws' }
    assert.equal((await runCli(['call', 'echo', '--url', server.url, '--api-key', 'from-option'], there)).code, 0)
  })

  test('the event dialect is understood too', async (t) => {
    const { call } = await caller(t, { dialect: 'event' })
    assert.equal((await call(['echo', 'a=1', '--json'])).stdout, '{"a":1}\n')
  })

  const failure = (message) => ({ code: 1, stdout: '', line: message })
  async function fails({ code, stdout, stderr }, expected) {
    assert.equal(code, expected.code, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /^mcp-client: [^\n]+\n$/)
    assert.match(stderr, expected.line)
  }

  test('an error of the tool is one line with its code and exits with 1', async (t) => {
    const { call } = await caller(t)
    await fails(
      await call(['fail', 'message=No\nluck', 'code=E_LUCK']),
      failure(/^mcp-client: fail failed: No luck \(E_LUCK\)$/m),
    )
  })

  test('an unknown tool or a bad parameter is one line that names the remedy', async (t) => {
    const { call } = await caller(t)
    await fails(await call(['dance']), failure(/Unknown tool "dance".*web_search/))
    await fails(await call(['sleep']), failure(/^mcp-client: sleep: "ms" must be .* \(BAD_PARAMETERS\)$/m))
  })

  test('a refused key is one line without the key', async (t) => {
    const { server, call } = await caller(t, { tokens: ['right-key'] })
    await fails(await call(['echo', '--api-key', 'wrong-key']), failure(/AUTH_FAILED/))
    server.intercept((text, connection) =>
      connection.send({ id: 'auth', success: false, error: `no such token: ${JSON.parse(text).token}` }),
    )
    const refused = await call(['echo'], { MCP_API_KEY: 'wrong-key' })
    await fails(refused, failure(/no such token: \*\*\*/))
    assert.doesNotMatch(refused.stderr, /wrong-key/)
  })

  test('a server that is not there is one line that says how to start one, without a retry', async (t) => {
    const server = await listen(t)
    await server.close()
    await fails(
      await runCli(['call', 'echo', '--url', server.url]),
      failure(/127\.0\.0\.1.*ECONNREFUSED.*npx --no mcp-client serve/),
    )
  })

  test('something else than a WebSocket server is one line', async (t) => {
    const http = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
    await once(http, 'listening')
    t.after(() => http.close())
    await fails(await runCli(['call', 'echo', '--url', `ws://127.0.0.1:${http.address().port}/`]), failure(/./))
  })

  test('an answer that does not come in time is one line', async (t) => {
    const { call } = await caller(t)
    await fails(await call(['sleep', 'ms=60000', '--timeout', '100']), failure(/timed out.*REQUEST_TIMEOUT/))
  })

  test('a connection that is lost is one line, and nothing is sent again', async (t) => {
    const { server, call } = await caller(t)
    const ended = call(['sleep', 'ms=60000'])
    await Promise.race([server.nextRequest(), ended])
    await server.terminateAll()
    await fails(await ended, failure(/CONNECTION_LOST/))
    assert.equal(server.requests.length, 1)
  })

  test('a url that is none exits with 2', async () => {
    await fails(await runCli(['call', 'echo', '--url', 'ftp://example.org']), { code: 2, line: /url/ })
    const secret = await runCli(['call', 'echo', '--url', 'ws://user:password@127.0.0.1/'])
    await fails(secret, { code: 2, line: /./ })
    assert.doesNotMatch(secret.stderr, /password/)
  })
})
