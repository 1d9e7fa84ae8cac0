/** `mcp-client call`, run as users run it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ToolFailure } from '@mcp-integration/client/testing'
import { createAuthority } from './helpers/certificates.mjs'
import { runCli, startCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

describe('mcp-client call', AT_ONCE, () => {
  async function caller(t, options) {
    const server = await listen(t, options)
    return { server, call: (args, env, options) => runCli(['call', ...args, '--url', server.url], env, options) }
  }

  const failure = (message) => ({ code: 1, stdout: '', line: message })
  async function fails({ code, stdout, stderr }, expected) {
    assert.equal(code, expected.code, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /^mcp-client: [^\n]+\n$/)
    assert.match(stderr, expected.line)
  }

  test('prints search results as a list', async (t) => {
    const docs = await folderOf(t, {
      'zebra.md': '# Zebras\n\nThey have stripes.',
      'tiger.md': '# Tigers\n\nThey too have stripes, somewhat.',
    })
    const { call } = await caller(t, { docs })
    const { code, stdout, stderr } = await call([
      'web_search',
      'query=stripes',
      'tavilyOptions:={"includeAnswer":true}',
    ])
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
    [[], '{}'],
    [['{"a":{"b":[1,null]}}'], '{"a":{"b":[1,null]}}'],
    [['[1,"a=b"]'], '[1,"a=b"]'],
    [['"a=b"'], '"a=b"'],
    [['12345678901234567890'], '12345678901234567890'],
    [['{"big":12345678901234567890, "twice":1,"twice":1.10}'], '{"big":12345678901234567890, "twice":1,"twice":1.10}'],
    [
      ['text=two words', 'id=12345678901234567890', 'v=1.10', 'query=2024', 'flag=true', 'list=[1]', 'empty='],
      '{"text":"two words","id":"12345678901234567890","v":"1.10","query":"2024","flag":"true","list":"[1]","empty":""}',
    ],
    [
      ['sum=1+1=2', 'url=http://a/?b:=c', '__proto__=1', 'a"b=1'],
      '{"sum":"1+1=2","url":"http://a/?b:=c","__proto__":"1","a\\"b":"1"}',
    ],
    [
      ['id:=12345678901234567890', 'v:=1.10', 'flag:=true', 'list:=[1, 2]', 'text:="5"', 'none:=null'],
      '{"id":12345678901234567890,"v":1.10,"flag":true,"list":[1, 2],"text":"5","none":null}',
    ],
    [['handle=\\@tea', 'slash=\\\\@tea', 'path=\\tea'], '{"handle":"@tea","slash":"\\\\@tea","path":"\\\\tea"}'],
  ]
  for (const [words, parameters] of sent) {
    test(`${words.join(' ') || 'nothing'} is sent as ${parameters}`, async (t) => {
      const { server, call } = await caller(t)
      const frames = []
      server.on('message', (text) => frames.push(text))
      const { code, stderr } = await call(['echo', ...words])
      assert.equal(code, 0, stderr)
      assert.ok(
        frames.some((frame) => frame.includes(`"parameters":${parameters}`)),
        frames.join('\n'),
      )
    })
  }

  test('files and standard input are read as text, as JSON, or as all parameters', async (t) => {
    const { server, call } = await caller(t)
    const folder = await folderOf(t, { 'a.txt': 'two\nlines @ü\n', 'b.json': '\ufeff{"n": 12345678901234567890}\n' })
    const [text, json] = [join(folder, 'a.txt'), join(folder, 'b.json')]
    const sentBy = async (words, stdin = '') => {
      const parameters = new Promise((resolve) =>
        server.on('message', (frame) => frame.includes('"echo"') && resolve(/"parameters":(.*)\}$/s.exec(frame)[1])),
      )
      const { code, stderr } = await call(['echo', ...words], {}, { stdin })
      assert.equal(code, 0, stderr)
      return await parameters
    }
    assert.equal(await sentBy([`a=@${text}`]), '{"a":"two\\nlines @ü\\n"}')
    server.removeAllListeners('message')
    assert.equal(await sentBy([`b:=@${json}`, 'c=1']), '{"b":{"n": 12345678901234567890}\n,"c":"1"}')
    server.removeAllListeners('message')
    assert.equal(await sentBy(['a=@-', 'c=1'], 'from there'), '{"a":"from there","c":"1"}')
    server.removeAllListeners('message')
    assert.equal(await sentBy(['a:=@-'], '[1]'), '{"a":[1]}')
    server.removeAllListeners('message')
    assert.equal(await sentBy(['-'], '{"n":12345678901234567890}'), '{"n":12345678901234567890}')
  })

  test('a file that is not text, or not JSON where it must be, exits with 2', async (t) => {
    const folder = await folderOf(t, { bytes: Buffer.from([0xff, 0xfe]), 'a.txt': 'text' })
    await fails(await runCli(['call', 'echo', `a=@${join(folder, 'bytes')}`]), {
      code: 2,
      line: /"a": .*bytes is not text in UTF-8/,
    })
    await fails(await runCli(['call', 'echo', `a:=@${join(folder, 'a.txt')}`]), {
      code: 2,
      line: /"a" is not JSON.*a\.txt \(/,
    })
  })

  const printed = [
    [{ a: [1] }, '{\n  "a": [\n    1\n  ]\n}\n'],
    ['just text', 'just text\n'],
    ['\u001b[2Jred\u0007', '[2Jred\n'],
    ['\u009b2Ja\u202eb\u2066c\u200fd\u061ce', '2Jabcde\n'],
    [{ 'a\u202eb': '\u001b\u009b\u007f\u2069' }, '{\n  "a\\u202eb": "\\u001b\\u009b\\u007f\\u2069"\n}\n'],
    [[], '[]\n'],
    [{ a: {}, b: [[]], c: 'x"\\{[,: é' }, `${JSON.stringify({ a: {}, b: [[]], c: 'x"\\{[,: é' }, null, 2)}\n`],
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

  /** A tool whose results are these very characters. */
  function answersWith(server, results) {
    server.intercept((text, connection) => {
      const { id, name } = JSON.parse(text)
      return name === 'exact' && connection.send(`{"id":"${id}","results":${results}}`)
    })
  }

  test('--json prints the results exactly as they came', async (t) => {
    const { server, call } = await caller(t)
    const exact = '{"big":12345678901234567890, "twice":1,"twice":2 , "é":"\\u00e9"}'
    answersWith(server, exact)
    const { code, stdout } = await call(['exact', '--json'])
    assert.equal(code, 0)
    assert.equal(stdout, `${exact}\n`)
  })

  test('numbers are printed with all their digits', async (t) => {
    const { server, call } = await caller(t)
    answersWith(server, '{ "big":12345678901234567890,"v":[ 1.10,-0,1e999 ], "\\u00e9":"\\u00e9" }')
    const { stdout } = await call(['exact'])
    assert.equal(
      stdout,
      '{\n  "big": 12345678901234567890,\n  "v": [\n    1.10,\n    -0,\n    1e999\n  ],\n  "é": "é"\n}\n',
    )
  })

  test('--json escapes what could steer a terminal or turn text round, and stays the same JSON', async (t) => {
    const { server, call } = await caller(t)
    const exact = `{"a":"\u009b31m\u007f\u202e\u2066\u200e",\r\n"b":"plain é"}`
    answersWith(server, exact)
    const { stdout } = await call(['exact', '--json'])
    assert.equal(stdout, '{"a":"\\u009b31m\\u007f\\u202e\\u2066\\u200e", \n"b":"plain é"}\n')
    assert.deepEqual(JSON.parse(stdout), JSON.parse(exact))
  })

  test('results of many levels are not printed at many times their size', async (t) => {
    const { server, call } = await caller(t)
    answersWith(server, '['.repeat(50_000) + ']'.repeat(50_000))
    const { code, stdout } = await call(['exact'])
    assert.equal(code, 0)
    assert.ok(stdout.length < 200_000, `${stdout.length} characters`)
    assert.equal(stdout.replace(/\s/g, '').length, 100_000)
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

  test('--url may be repeated, and the next server is tried where one is not there', async (t) => {
    const gone = await listen(t)
    await gone.close()
    const { url } = await listen(t)
    const { code, stdout, stderr } = await runCli(['call', 'echo', 'a=1', '--json', '--url', gone.url, '--url', url])
    assert.deepEqual([code, stdout, stderr], [0, '{"a":"1"}\n', ''])
  })

  test('the event dialect is understood too', async (t) => {
    const { call } = await caller(t, { dialect: 'event' })
    assert.equal((await call(['echo', 'a:=1', '--json'])).stdout, '{"a":1}\n')
  })

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
    await fails(refused, failure(/no such token: \[key\]/))
    assert.doesNotMatch(refused.stderr, /wrong-key/)
  })

  test('a server that is not there is one line that says how to start one, without a retry', async (t) => {
    const server = await listen(t)
    await server.close()
    await fails(
      await runCli(['call', 'echo', '--url', server.url]),
      failure(/127\.0\.0\.1.*ECONNREFUSED.*; "mcp-client serve" starts a server$/m),
    )
  })

  /** Something that is not a WebSocket server; the port of its URL. */
  async function portOf(t, server) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    return server.address().port
  }

  test('something else than a WebSocket server is one line, and no advice to start one', async (t) => {
    const http = await portOf(
      t,
      createServer((_request, response) => response.end('hello')),
    )
    const mute = await portOf(
      t,
      createTcpServer((socket) => socket.once('data', () => socket.destroy()).on('error', () => {})),
    )
    for (const url of [`ws://127.0.0.1:${http}/`, `ws://127.0.0.1:${mute}/`, `wss://127.0.0.1:${mute}/`])
      await fails(await runCli(['call', 'echo', '--url', url]), failure(/^(?!.*; ).*cannot connect/m))
  })

  test('the other scheme is suggested where the server speaks that one, and the cause is told', async (t) => {
    const { cert, key } = createAuthority().issue()
    const tls = await portOf(
      t,
      createTlsServer({ cert, key }, (_request, response) => response.end()),
    )
    const { port } = await listen(t)
    await fails(
      await runCli(['call', 'echo', '--url', `ws://127.0.0.1:${tls}/x?key=secret`]),
      failure(new RegExp(`; the server speaks wss://: try wss://127.0.0.1:${tls}/x$`, 'm')),
    )
    await fails(
      await runCli(['call', 'echo', '--url', `wss://127.0.0.1:${port}`]),
      failure(
        new RegExp(
          `the TLS handshake failed: what the server sends is not TLS.*; the server speaks ws://: try ws://127.0.0.1:${port}/mcp-ws$`,
          'm',
        ),
      ),
    )
    await fails(
      await runCli(['call', 'echo', '--url', `wss://127.0.0.1:${tls}`]),
      failure(/certificate does not verify: .*\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/m),
    )
  })

  test('what a server says never steers the terminal', async (t) => {
    const { server, call } = await caller(t)
    server.stub('fail', () => {
      throw new ToolFailure('\u001b[31mred\u009b2J \u202eback', 'E\u0007CODE')
    })
    await fails(await call(['fail']), failure(/^mcp-client: fail failed: \[31mred2J back \(ECODE\)$/m))
  })

  test('results on a full disk are one line and exit with 1', {
    skip: !existsSync('/dev/full') && 'no /dev/full',
  }, async (t) => {
    const { call } = await caller(t)
    const { code, stderr } = await call(['status'], {}, { stdout: openSync('/dev/full', 'w') })
    assert.equal(code, 1)
    assert.match(stderr, /^mcp-client: the output cannot be written: ENOSPC[^\n]*\n$/)
  })

  test('whoever reads no further ends it quietly', async (t) => {
    const server = await listen(t, { tools: { big: () => 'x'.repeat(3_000_000) } })
    const { child, ended } = startCli(['call', 'big', '--url', server.url])
    child.stdout.once('data', () => child.stdout.destroy())
    const { code, stderr } = await ended
    assert.deepEqual([code, stderr], [0, ''])
  })

  test('an answer that does not come in time is one line', async (t) => {
    const { call } = await caller(t)
    await fails(await call(['sleep', 'ms:=60000', '--timeout', '2000']), failure(/timed out.*REQUEST_TIMEOUT/))
  })

  test('a connection that is lost is one line, and nothing is sent again', async (t) => {
    const { server, call } = await caller(t)
    const ended = call(['sleep', 'ms:=60000'])
    await Promise.race([server.nextRequest(), ended])
    await server.terminateAll()
    await fails(await ended, failure(/CONNECTION_LOST/))
    assert.equal(server.requests.length, 1)
  })

  test('--repeat tells how long the answers took, for people and as JSON', async (t) => {
    const { server, call } = await caller(t)
    const { code, stdout, stderr } = await call(['echo', 'a=1', '--repeat', '50', '--concurrency', '8'])
    assert.deepEqual([code, stderr], [0, ''])
    const time = '[\\d.]+ m?s'
    assert.match(
      stdout,
      new RegExp(
        `^50 calls in ${time}: [\\d,]+ a second\nlatency  min ${time}  mean ${time}  max ${time}\n +p50 ${time}  p90 ${time}  p99 ${time}\n$`,
      ),
    )
    assert.equal(server.requests.length, 50)
    const summary = JSON.parse((await call(['echo', '--repeat', '3', '--json'])).stdout)
    const { calls, failed, errors, latency, wasStopped } = summary
    assert.deepEqual({ calls, failed, errors, wasStopped }, { calls: 3, failed: 0, errors: {}, wasStopped: false })
    const { min, p50, p90, p99, max } = latency
    assert.ok(0 < min && min <= p50 && p50 <= p90 && p90 <= p99 && p99 <= max, JSON.stringify(latency))
  })

  test('--concurrency is how many calls are under way', async (t) => {
    let [now, most] = [0, 0]
    const busy = async () => {
      most = Math.max(most, (now += 1))
      await new Promise((resolve) => setTimeout(resolve, 20))
      now -= 1
    }
    const { call } = await caller(t, { tools: { busy } })
    assert.equal((await call(['busy', '--repeat', '12', '--concurrency', '4'])).code, 0)
    assert.equal(most, 4)
  })

  test('calls that fail are counted by their codes, and the exit code is 1', async (t) => {
    let count = 0
    const flaky = () => {
      if ((count += 1) % 2) throw new ToolFailure('odd')
    }
    const { server, call } = await caller(t, { tools: { flaky } })
    const { code, stdout, stderr } = await call(['flaky', '--repeat', '4'])
    assert.deepEqual([code, stderr], [1, ''])
    assert.match(stdout, /^4 calls in .*\nlatency .*\n.*\nfailed {3}2 TOOL_ERROR\n$/)
    server.on('request', () => void server.terminateAll())
    const lost = JSON.parse((await call(['sleep', 'ms:=60000', '--repeat', '9', '--json'])).stdout)
    assert.deepEqual([lost.calls, lost.errors, lost.latency], [1, { CONNECTION_LOST: 1 }, null])
  })

  test('a url that is none exits with 2', async () => {
    await fails(await runCli(['call', 'echo', '--url', 'ftp://example.org']), { code: 2, line: /url/ })
    const secret = await runCli(['call', 'echo', '--url', 'ws://user:password@127.0.0.1/'])
    await fails(secret, { code: 2, line: /./ })
    assert.doesNotMatch(secret.stderr, /password/)
  })
})
