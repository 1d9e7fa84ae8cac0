/** The command line as a user at a terminal meets it: in narrow windows, without colours, with Ctrl-C. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEAF_URL, silentUrl } from './helpers/ports.mjs'
import { startInTerminal } from './helpers/terminal.mjs'
import { listen } from './helpers/test-server.mjs'

/** Most of the time of these tests is that of processes that start. */
const AT_ONCE = { concurrency: 4 }

/** Their paths would have to be broken in the middle. */
const NO_CERTIFICATES = { NODE_EXTRA_CA_CERTS: '', SSL_CERT_FILE: '', SSL_CERT_DIR: '' }

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const COLOUR = /\u001b\[\d+(;\d+)*m/
const ANY_ESCAPE = /\u001b/

describe('in a terminal', AT_ONCE, () => {
  test('call shows that it connects, and leaves nothing of that behind', async (t) => {
    const { url } = await listen(t)
    const terminal = startInTerminal(t, ['call', 'echo', 'a=1', '--url', url])
    assert.deepEqual(await terminal.ended, { code: 0, signal: 0 })
    assert.match(terminal.output(), /idle|connecting/)
    assert.deepEqual(terminal.all(), ['{', '  "a": "1"', '}'])
    assert.match(terminal.output(), /\u001b\[\?25h(?!.*\u001b\[\?25l)/s, 'the cursor is there again')
  })

  test('Ctrl-C ends a call that connects, with 130 and the cursor', async (t) => {
    const terminal = startInTerminal(t, ['call', 'echo', '--url', await silentUrl(t)])
    await terminal.shows(/connecting/)
    terminal.type(CTRL_C)
    assert.equal((await terminal.ended).code, 130)
    assert.match(terminal.output(), /\u001b\[\?25h(?!.*\u001b\[\?25l)/s)
    assert.deepEqual(terminal.screen(), [])
  })

  test('mcp says that it is for hosts, and ends with Ctrl-D', async (t) => {
    const terminal = startInTerminal(t, ['mcp', DEAF_URL])
    await terminal.shows(/this is for MCP hosts, .* Ctrl\+D ends it/s)
    terminal.type(CTRL_D)
    assert.deepEqual(await terminal.ended, { code: 0, signal: 0 })
  })

  for (const columns of [20, 40, 80]) {
    test(`tools keeps each tool on a line of ${columns} columns`, async (t) => {
      const described = [{ name: 'a', description: 'long '.repeat(50) }, { name: 'b' }]
      const { url } = await listen(t, { dialect: 'event', schemas: described })
      const terminal = startInTerminal(t, ['tools', url], { columns })
      assert.equal((await terminal.ended).code, 0)
      const [head, first, second] = terminal.all()
      assert.match(head, /^TOOL/)
      assert.match(first, /^a .*…$/)
      assert.match(second, /^b /)
    })
  }

  for (const columns of [20, 40, 80]) {
    test(`the doctor keeps within ${columns} columns`, async (t) => {
      const terminal = startInTerminal(t, ['doctor', DEAF_URL], { columns, rows: 60, env: NO_CERTIFICATES })
      assert.equal((await terminal.ended).code, 1)
      const lines = terminal.all()
      const words = lines.join(' ').replace(/\s+/g, ' ')
      assert.match(words, /ok name .*FAILED tcp .*Cause: The machine.* Next: Start the server.*Something is wrong/)
      assert.ok(
        lines.every((line) => line.length <= columns),
        words,
      )
      if (columns > 20) assert.ok(lines.some((line) => /^ {2,}\S/.test(line)) && !/\S- \S/.test(words), words)
    })
  }

  test('the doctor has colours, and none with NO_COLOR or on a dumb terminal', async (t) => {
    const colourful = startInTerminal(t, ['doctor', DEAF_URL])
    await colourful.ended
    assert.match(colourful.output(), /\u001b\[31mFAILED\u001b\[39m/)
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const plain = startInTerminal(t, ['doctor', DEAF_URL], { env })
      await plain.ended
      assert.match(plain.output(), /FAILED/)
      assert.doesNotMatch(plain.output().replaceAll(/\u001b\[(\?25[hl]|1G|\d?K|\?2026[hl]|\d*A)/g, ''), COLOUR)
    }
  })

  test('with CI set nothing moves', async (t) => {
    const { url } = await listen(t)
    const terminal = startInTerminal(t, ['call', 'echo', '--url', url], { env: { CI: '1' } })
    await terminal.ended
    assert.doesNotMatch(terminal.output(), ANY_ESCAPE)
  })

  test('call --repeat shows how far it is, and then only the summary', async (t) => {
    const server = await listen(t)
    const terminal = startInTerminal(t, ['call', 'sleep', 'ms:=20', '--url', server.url, '--repeat', '40'])
    await terminal.shows(/█+░+ {2}\d+\/40 {2}\d+\/s/)
    assert.equal((await terminal.ended).code, 0)
    assert.match(terminal.all().join('\n'), /^40 calls in .* a second\nlatency +min .*\n +p50 .*$/)
  })

  test('in a narrow window there is no room for a bar', async (t) => {
    const server = await listen(t)
    const args = ['call', 'sleep', 'ms:=20', '--url', server.url, '--repeat', '40']
    const terminal = startInTerminal(t, args, { columns: 22 })
    await terminal.shows(/^\S \d+\/40 {2}\d+\/s$/m)
    assert.doesNotMatch(terminal.output(), /[█░]/)
    await terminal.ended
  })

  test('Ctrl-C stops repeated calls, waits for those under way, and tells what came of them', async (t) => {
    const server = await listen(t)
    const args = ['call', 'sleep', 'ms:=50', '--url', server.url, '--repeat', '100000', '--concurrency', '4']
    const terminal = startInTerminal(t, args)
    await terminal.shows(/\d\/100,000/)
    await server.nextRequest()
    terminal.type(CTRL_C)
    assert.equal((await terminal.ended).code, 1)
    assert.match(terminal.all().join('\n'), /stopped before the end\nlatency/)
  })

  test('Ctrl-C ends watch with 0', async (t) => {
    const { url } = await listen(t)
    const terminal = startInTerminal(t, ['watch', url])
    await terminal.shows(/Connected/)
    terminal.type(CTRL_C)
    assert.equal((await terminal.ended).code, 0)
  })
})
