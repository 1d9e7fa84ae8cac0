/** `mcp-client watch`, run as users run it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runCli, startCli } from './helpers/cli.mjs'
import { DEAF_URL } from './helpers/ports.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

/** Resolves with the output of a command when it has these words. */
async function says({ child, output, ended }, stream, words) {
  while (!words.test(output[stream])) {
    const more = new Promise((resolve) => child[stream].once('data', resolve))
    const end = await Promise.race([more.then(() => undefined), ended])
    if (end && !words.test(output[stream])) throw new Error(`it ended with ${end.code}: ${end.stdout}${end.stderr}`)
  }
  return output[stream]
}

describe('mcp-client watch', AT_ONCE, () => {
  async function watching(t, args = [], options = {}) {
    const server = await listen(t, options)
    const watch = startCli(['watch', server.url, ...args])
    t.after(() => watch.child.kill('SIGKILL'))
    await says(watch, 'stderr', /Connected to ws:.*\n/)
    return { server, ...watch }
  }

  test('prints pushes as they come, one JSON a line, with all digits, and nothing of the protocol', async (t) => {
    const { server, child, ended } = await watching(t, ['--count', '3'])
    for (const text of ['{"n":12345678901234567890}', '{\r\n "a": 1.10,\n "b": "\u009b2J\u202e"\n}', '[1]', '"last"'])
      server.broadcast(text)
    const { code, stdout } = await ended
    child.kill()
    assert.equal(code, 0)
    assert.equal(stdout, '{"n":12345678901234567890}\n{   "a": 1.10,  "b": "\\u009b2J\\u202e" }\n[1]\n')
  })

  test('--all prints the answers to key and pings too', async (t) => {
    const { ended } = await watching(t, ['--all', '--count', '1'])
    assert.equal((await ended).stdout, '{"id":"auth","success":true}\n')
  })

  test('in the event dialect, greetings are no pushes', async (t) => {
    const { server, ended } = await watching(t, ['--count', '1'], { dialect: 'event' })
    server.broadcast({ event: 'news', data: 1 })
    assert.equal((await ended).stdout, '{"event":"news","data":1}\n')
  })

  test('tells of text that is no JSON on standard error alone', async (t) => {
    const { server, ended } = await watching(t, ['--count', '1'])
    server.broadcast('no JSON')
    server.broadcast('{}')
    const { stdout, stderr } = await ended
    assert.equal(stdout, '{}\n')
    assert.match(stderr, /not JSON/)
  })

  test('comes back when the connection is lost, and says so', async (t) => {
    const { server, child, output, ended } = await watching(t, ['--count', '1'])
    await server.terminateAll()
    await says({ child, output, ended }, 'stderr', /next attempt in .* ms\nConnected to ws:.*\n/)
    server.broadcast('{"after":"all"}')
    assert.equal((await ended).stdout, '{"after":"all"}\n')
  })

  test('keeps on trying where no server is', async (t) => {
    const watch = startCli(['watch', DEAF_URL])
    t.after(() => watch.child.kill('SIGKILL'))
    await says(watch, 'stderr', /ECONNREFUSED.*; next attempt in/)
  })

  test('a refused key ends it with one line and 1', async (t) => {
    const { url } = await listen(t, { tokens: ['right'] })
    const { code, stdout, stderr } = await runCli(['watch', url, '--api-key', 'wrong'])
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /^mcp-client: [^\n]*\(AUTH_FAILED\)\n$/)
  })

  test('ends quietly when nobody reads its output any more', async (t) => {
    const { server, child, output, ended } = await watching(t)
    server.broadcast('{"first":1}')
    await says({ child, output, ended }, 'stdout', /first/)
    child.stdout.destroy()
    const before = output.stderr
    const pushing = setInterval(() => server.broadcast('{"more":1}'), 20)
    t.after(() => clearInterval(pushing))
    const { code, stderr } = await ended
    assert.deepEqual([code, stderr], [0, before])
  })

  test('the server given twice, or none that can be used, is one line and exits with 2', async () => {
    for (const [args, words] of [
      [['ws://127.0.0.1', '--url', 'ws://127.0.0.1'], /the server is given twice/],
      [['ftp://example.com'], /option "url" begins with ftp/],
      [['ws://127.0.0.1', '--count', '0'], /--count.*whole number from 1/],
    ]) {
      const { code, stdout, stderr } = await runCli(['watch', ...args])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, words)
    }
  })
})
