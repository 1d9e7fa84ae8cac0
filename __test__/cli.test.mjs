/** `mcp-client` and `mcp-client serve`, run as users run them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { runCli, serve, startCli } from './helpers/cli.mjs'
import { folderOf } from './helpers/documents.mjs'
import { RawClient } from './helpers/raw-client.mjs'
import { NO_SIGNALS } from './helpers/signals.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

const NO_FULL_DISK = !existsSync('/dev/full') && 'this system has no /dev/full'

const { version } = createRequire(import.meta.url)('@mcp-integration/client/package.json')

describe('mcp-client', AT_ONCE, () => {
  test('--version prints the version of the package', async () => {
    assert.deepEqual(await runCli(['--version']), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' })
  })

  for (const args of [
    ['--help'],
    ['help'],
    ['serve', '--help'],
    ['call', '--help'],
    ['watch', '--help'],
    ['doctor', '--help'],
    ['completion', '--help'],
  ]) {
    test(`${args.join(' ')} shows an example`, async () => {
      const { code, stdout, stderr } = await runCli(args)
      assert.equal(code, 0)
      assert.match(stdout, /Example.*\n +\$ npx --no mcp-client \w+/)
      assert.equal(stderr, '')
    })
  }

  test('without a command it shows its help on stderr and exits with 2', async () => {
    const { code, stdout, stderr } = await runCli([])
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /Usage: mcp-client/)
  })

  test('--help tells the exit codes', async () => {
    const { stdout } = await runCli(['--help'])
    assert.match(stdout, /Exit codes:\n +0 .*\n +1 .*\n +2 .*\n/)
  })

  for (const args of [['--version'], ['serve', '--port', '0']]) {
    test(`${args.join(' ')} on a full disk is one line and exits with 1`, { skip: NO_FULL_DISK }, async () => {
      const { code, stderr } = await runCli(args, {}, { stdout: openSync('/dev/full', 'w') })
      assert.equal(code, 1)
      assert.match(stderr, /^mcp-client: the output cannot be written: ENOSPC[^\n]*\n$/)
    })
  }

  test('ends quietly, and as it would have, where nobody reads its output', async () => {
    const { child, ended } = startCli(['--help'])
    child.stdout.destroy()
    assert.deepEqual(await ended, { code: 0, signal: null, stdout: '', stderr: '' })
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
    [['call', 'echo', '--repeat', '0'], /--repeat.*whole number from 1/],
    [['call', 'echo', '--concurrency', '2'], /say how many with --repeat/],
    [['doctor', '--parameters', 'a=1'], /name it with --tool/],
    [['completion', 'csh'], /bash, zsh, fish/],
    [['call'], /missing required argument 'tool'/],
    [['call', 'echo', '--timeout', 'soon'], /--timeout.*milliseconds/],
    [['call', 'echo', '--timeout', '99999999999'], /--timeout.*milliseconds up to/],
    [['call', ''], /'tool'.*empty/],
    [['call', 'echo', '--timeout', '-5'], /--timeout.*milliseconds/],
    [['call', 'echo', '{"a":'], /neither JSON nor key=value: \{"a": \(.*JSON/],
    [['call', 'echo', 'word'], /neither JSON nor key=value: word \(/],
    [['call', 'echo', '{}', '{}'], /one argument.*one too many/],
    [['call', 'echo', '-', '{}'], /one argument.*one too many/],
    [['call', 'echo', 'a=1', 'word'], /key=value.*not word/],
    [['call', 'echo', '=1'], /key=value.*not =1/],
    [['call', 'echo', ':=1'], /key=value.*not :=1/],
    [['call', 'echo', 'a=1', 'a:=2'], /"a" is given twice/],
    [['call', 'echo', 'n:=1.1.1'], /"n" is not JSON \(key=value takes text\): 1\.1\.1 \(/],
    [['call', 'echo', 'n:='], /"n" is not JSON/],
    [['call', 'echo', 'n=@'], /"n": the name of a file is missing after @/],
    [['call', 'echo', 'n=@/no/such/file'], /"n": there is no file \/no\/such\/file/],
    [['call', 'echo', 'n:=@.'], /"n": \. is a folder, not a file/],
    [['call', 'echo', 'a=@-', 'b:=@-'], /"b": standard input can be read only once/],
    [['call', 'echo', '-'], /standard input is not JSON \(/],
    [['cal', 'echo'], /unknown command 'cal' \(Did you mean call\?\)/],
    [['serve', '--tokn', 'x'], /unknown option '--tokn' \(Did you mean --token\?\)/],
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

  test('logs connections and requests, and never what could steer a terminal', async (t) => {
    const { url, child, output, ended } = await serve(t, ['--port', '0'])
    const { code } = await runCli(['call', 'echo', 'a=\u009b2J', '--url', url])
    assert.equal(code, 0)
    while (!output.stdout.includes('closed with')) await once(child.stdout, 'data')
    child.kill()
    const lines = (await ended).stdout.split('\n').slice(2)
    const time = '\\d\\d:\\d\\d:\\d\\d  #1  '
    assert.match(lines[0], new RegExp(`^${time}connected`))
    assert.match(lines[1], new RegExp(`^${time}echo \\{"a":"2J"\\}$`))
    assert.match(lines[2], new RegExp(`^${time}closed with 1000 after 1 requests$`))
  })

  test('--quiet logs nothing, and --json logs one value a line', async (t) => {
    for (const quiet of [true, false]) {
      const { child, output, ended } = startCli(['serve', '--port', '0', '--json', ...(quiet ? ['--quiet'] : [])])
      t.after(() => child.kill('SIGKILL'))
      while (!output.stdout.includes('\n')) await once(child.stdout, 'data')
      const { url } = JSON.parse(output.stdout)
      assert.equal((await runCli(['call', 'echo', 'a=1', '--url', url])).code, 0)
      while (!quiet && !output.stdout.includes('"close"')) await once(child.stdout, 'data')
      child.kill('SIGTERM')
      const entries = (await ended).stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      const events = [
        'listening',
        ...(quiet ? [] : ['connection', 'request', 'close']),
        ...(NO_SIGNALS ? [] : ['stopping']),
      ]
      assert.deepEqual(
        entries.map(({ event }) => event),
        events,
      )
      if (!quiet) assert.deepEqual(entries[2].parameters, { a: '1' })
    }
  })

  test('serves the tools of a module, whose code it runs', async (t) => {
    const folder = await folderOf(t, {
      'named.mjs':
        'export const add = ({ a, b }) => a + b; export const echo = { description: "mine", run: () => "mine" }',
      'all.cjs': 'module.exports = { add: ({ a, b }) => a + b, echo: () => "mine" }',
    })
    for (const file of ['named.mjs', 'all.cjs']) {
      const { url } = await serve(t, ['--port', '0', '--tool-module', join(folder, file)])
      const called = (...args) => runCli(['call', ...args, '--url', url]).then(({ stdout }) => stdout)
      assert.deepEqual(await Promise.all([called('add', 'a:=1', 'b:=2'), called('echo')]), ['3\n', 'mine\n'])
    }
  })

  test('a module that has no tools, or cannot be loaded, is one line and exits with 2', async (t) => {
    const folder = await folderOf(t, {
      'none.mjs': '',
      'wrong.mjs': 'export const n = 1',
      'broken.mjs': 'export const',
    })
    for (const [file, why] of [
      ['missing.mjs', /there is no file .*missing\.mjs$/m],
      ['none.mjs', /none\.mjs exports no tool: export functions by name$/m],
      ['wrong.mjs', /n of .*wrong\.mjs is no function/],
      ['broken.mjs', /broken\.mjs cannot be loaded: .*/],
    ]) {
      const { code, stdout, stderr } = await runCli(['serve', '--port', '0', '--tool-module', join(folder, file)])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^mcp-client: --tool-module: [^\n]+\n$/)
      assert.match(stderr, why)
    }
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

  test('a folder that is not there, or is none, is one line and exits with 2', async (t) => {
    const nowhere = resolve('/there/is/no/such/folder')
    const file = join(await folderOf(t, { 'a.md': '' }), 'a.md')
    for (const [folder, why] of [
      [nowhere, `there is no folder ${nowhere}`],
      [file, `${file} is not a folder`],
    ]) {
      const { code, stderr } = await runCli(['serve', '--port', '0', '--docs', folder])
      assert.equal(code, 2)
      assert.equal(stderr, `mcp-client: --docs: ${why}\n`)
    }
  })

  test('an origin or a host that cannot be one exits with 2', async () => {
    for (const [args, message] of [
      [['--allow-origin', 'example.com'], /^mcp-client: --allow-origin: 'example.com' is not an origin: .*\n$/],
      [['--allow-host', 'example.com:80'], /^mcp-client: --allow-host: 'example.com:80' is not a host: .*\n$/],
    ]) {
      const { code, stderr } = await runCli(['serve', '--port', '0', ...args])
      assert.equal(code, 2)
      assert.match(stderr, message)
    }
  })
})
