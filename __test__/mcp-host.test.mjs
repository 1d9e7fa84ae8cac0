/** `mcp-client mcp` and its host: lines that are no messages, standard output, and the end. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { Host } from './helpers/mcp-host.mjs'
import { NO_SIGNALS } from './helpers/signals.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

async function open(t, tools = {}) {
  const server = await listen(t, { dialect: 'event', schemas: 'named', tools })
  return { server, host: await Host.open(t, [server.url]) }
}

describe('a host that sends nonsense', AT_ONCE, () => {
  const nonsense = [
    'hello',
    '{"jsonrpc":"2.0","id":1,"method":"tools/list"',
    '\u0000\u0001\u0002',
    'null',
    '7',
    '"text"',
    '[]',
    '[1,[2]]',
    '{}',
    '{"jsonrpc":"1.0","method":"tools/list"}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":null,"method":"tools/list"}',
    '{"jsonrpc":"2.0","id":{},"method":"tools/list"}',
    '{"jsonrpc":"2.0","id":99,"result":{}}',
    '{"jsonrpc":"2.0","id":98,"error":{"code":1,"message":"no"}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled"}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never"}}',
    '{"jsonrpc":"2.0","method":"no/such/notification"}',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '{"__proto__":{"jsonrpc":"2.0","id":97,"method":"tools/list"}}',
    '',
    '\r',
  ]
  test('is answered nothing, and then served as before', async (t) => {
    const { host } = await open(t)
    for (const line of nonsense) host.write(line)
    host.child.stdin.write(Buffer.from([0xff, 0xfe, 0x0a]))
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
    assert.deepEqual(
      host.messages.filter(({ id }) => id !== undefined && id > 2),
      [],
    )
    await host.says(/the host sent a line that is not JSON: hello/)
  })

  test('before its first words is served too', async (t) => {
    const { url } = await listen(t)
    const host = new Host(t, [url])
    for (const line of nonsense) host.write(line)
    const { result } = await host.ask('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    })
    assert.equal(result.protocolVersion, '2025-06-18')
  })

  test('hears which of its requests is none', async (t) => {
    const { host } = await open(t)
    host.write('{"id":"mine","method":"tools/list"}')
    const { error } = await host.answer('mine')
    assert.equal(error.code, -32600)
    for (const method of ['no/such/method', 'prompts/list'])
      assert.equal((await host.ask(method, {})).error.code, -32601)
    assert.ok((await host.ask('tools/call', { arguments: {} })).error.code < 0)
    assert.ok((await host.ask('tools/call', { name: 'echo', arguments: 'text' })).error.code < 0)
  })

  test('may send a line of any length', async (t) => {
    const { host } = await open(t)
    for (let n = 0; n < 33; n++) host.child.stdin.write('x'.repeat(1024 * 1024))
    host.write('')
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
    assert.match(host.stderr, /longer than 33554432 bytes, and is dropped/)
    const text = 'x'.repeat(5 * 1024 * 1024)
    assert.equal((await host.call('echo', { text })).isError, undefined)
  })

  test('may send several messages in one line, and one line in pieces', async (t) => {
    const { host } = await open(t)
    const ping = (id) => ({ jsonrpc: '2.0', id, method: 'ping' })
    host.write([ping('a'), ping('b')])
    const line = `${JSON.stringify(ping('ü'))}\r\n`
    for (const byte of Buffer.from(line)) host.child.stdin.write(Buffer.from([byte]))
    for (const id of ['a', 'b', 'ü']) assert.deepEqual((await host.answer(id)).result, {})
  })
})

describe('standard output', AT_ONCE, () => {
  test('has nothing but JSON-RPC, whatever is printed', async (t) => {
    const printer = `
      const { write } = process.stdout
      const waiting = setInterval(() => process.stdout.write === write || print(), 5)
      function print() {
        clearInterval(waiting)
        setInterval(() => {
          console.log('noise of console.log')
          console.info({ noise: true })
          process.stdout.write('raw noise')
        }, 5).unref()
        setTimeout(() => { throw new Error('an uncaught mistake') }, 50)
        setTimeout(() => Promise.reject(new Error('a forgotten rejection')), 50)
      }`
    const path = join(await folderOf(t, { 'printer.mjs': printer }), 'printer.mjs')
    const { url } = await listen(t)
    const host = await Host.open(t, [url], { env: { NODE_OPTIONS: `--import ${JSON.stringify(`file://${path}`)}` } })
    await host.says(/an uncaught mistake/)
    await host.says(/a forgotten rejection/)
    assert.deepEqual((await host.call('echo', { a: 1 })).structuredContent, { a: 1 })
    assert.match(host.stderr, /noise of console\.log/)
    assert.doesNotMatch(host.output.stdout, /noise/)
  })
})

describe('the end', AT_ONCE, () => {
  test('comes with that of the input, with exit code 0, whether the platform is there or not', async (t) => {
    const { server, host } = await open(t)
    await host.tools()
    const { closed } = await server.nextConnection()
    assert.deepEqual((await host.end()).code, 0)
    assert.equal((await closed).code, 1000)
    const { code, stdout } = await runCli(['mcp', 'ws://127.0.0.1:9/mcp-ws'])
    assert.deepEqual([code, stdout], [0, ''])
  })

  test('lets answers that are under way be given', async (t) => {
    const { url } = await listen(t, { dialect: 'event', schemas: 'named' })
    const lines = [
      {
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/call', params: { name: 'echo', arguments: { a: 1 } } },
    ]
    const stdin = lines.map((line) => `${JSON.stringify({ jsonrpc: '2.0', ...line })}\n`).join('')
    const { code, stdout } = await runCli(['mcp', url], {}, { stdin })
    const last = JSON.parse(stdout.trim().split('\n').at(-1))
    assert.deepEqual([code, last.id, last.result.structuredContent], [0, 2, { a: 1 }])
  })

  test('is not held up by a call without an answer, nor by a platform that does not say goodbye', async (t) => {
    const { server, host } = await open(t, { never: () => new Promise(() => {}) })
    host.request('tools/call', { name: 'never', arguments: {} })
    await server.nextRequest('never')
    server.intercept(() => true)
    const began = performance.now()
    assert.equal((await host.end()).code, 0)
    assert.ok(performance.now() - began < 10_000)
  })

  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`comes with ${signal}`, { skip: NO_SIGNALS }, async (t) => {
      const { host } = await open(t)
      await host.tools()
      host.child.kill(signal)
      assert.deepEqual(await host.ended.then(({ code, signal }) => [code, signal]), [0, null])
    })
  }

  test('comes when nobody reads its output any more', async (t) => {
    const { host } = await open(t)
    host.child.stdout.destroy()
    host.request('tools/list')
    assert.equal((await host.ended).code, 0)
  })

  test('comes when its host is killed: no orphan is left', { skip: NO_SIGNALS }, async (t) => {
    const { url } = await listen(t)
    const program = `
      const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ${JSON.stringify([MAIN, 'mcp', url])}, { stdio: ['pipe', 'pipe', 'ignore'] })
      console.log(child.pid)
      child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\\n')
      child.stdout.once('data', () => console.log('served'))`
    const host = spawn(process.execPath, ['--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => host.kill('SIGKILL'))
    let output = ''
    host.stdout.setEncoding('utf8')
    while (!output.includes('served')) output += (await once(host.stdout, 'data'))[0]
    const pid = Number.parseInt(output, 10)
    host.kill('SIGKILL')
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
  })
})

function isAlive(pid) {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A zombie that its new parent has not collected yet runs no more.
  return !/^State:\s+Z/m.test(statusOf(pid))
}

function statusOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

describe('a wrong command line', AT_ONCE, () => {
  for (const [args, message] of [
    [['mcp', 'ws://a/', '--url', 'ws://b/'], /the server is given twice/],
    [['mcp', 'ftp://example.com'], /ftp/],
    [['mcp', '--tools', '/no/such/file'], /there is no file \/no\/such\/file/],
    [['mcp', '--allow', ''], /--allow.*empty/],
    [['mcp', '--max-result', '0'], /--max-result.*whole number from 1 to/],
  ]) {
    test(`${args.join(' ')} is one line on stderr and exits with 2`, async () => {
      const { code, stdout, stderr } = await runCli(args)
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, /^mcp-client: [^\n]+\n$/)
      assert.match(stderr, message)
    })
  }
})
