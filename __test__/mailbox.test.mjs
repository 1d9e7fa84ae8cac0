/** Whatever goes wrong with an item of the mailbox: its own call is rejected, and everything after it is delivered. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { MCPToolError } from '@mcp-integration/client'
import { BINARY } from './helpers/binary.mjs'
import { ready, rejection } from './helpers/client.mjs'
import { run } from './helpers/program.mjs'
import { listenRaw, WELCOME } from './helpers/raw-server.mjs'
import { listen } from './helpers/test-server.mjs'

/** The package's binary with a mailbox that passes on `instead`, as JavaScript, of each text or bytes with "poison". */
async function poisoned(t, instead) {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-mailbox-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'binary.cjs')
  await writeFile(
    path,
    `const real = require(${JSON.stringify(BINARY)})
    const change = ([kind, a, b, payload, hasMore]) => [
      kind, a, b, payload !== undefined && payload.includes('poison') ? ${instead} : payload, hasMore,
    ]
    class Mailbox extends real.Mailbox {
      constructor(wake) {
        super((...item) => wake(...change(item)))
      }
      take() {
        const item = super.take()
        return item && change(item)
      }
    }
    module.exports = { ...real, Mailbox }`,
  )
  return { MCP_CLIENT_NATIVE_PATH: path }
}

const LONG = 'x'.repeat(20_000)

/** The calls of a program: what each echoes, or `null` for an error with the words of its parameters. */
const CALLS = {
  'a small result': { value: { a: ['poison', { b: '"],[' }] } },
  'a result of 20 KB': { value: { long: LONG, bad: 'poison' } },
  'a result in pieces': { value: { first: LONG, bad: [`poison`, LONG, LONG], last: { LONG } } },
  'the key of a piece': { value: { first: LONG, poison: [LONG, LONG, LONG, LONG] } },
  'a result as bytes': { value: 'poison', options: { responseType: 'buffer' } },
  'an error': { value: 'poison', tool: 'fail' },
}

for (const [what, instead, code] of [
  ['V8 does not accept', 'null', 'MESSAGE_TOO_LARGE'],
  ['cannot be parsed', String.raw`payload.toString().replace('poison', 'poi\nson')`, 'INTERNAL_ERROR'],
]) {
  describe(`an item that ${what}`, () => {
    for (const [name, call] of Object.entries(CALLS)) {
      // Bytes are not parsed; the slots of a text that V8 does not accept are unknown, but such a text is small.
      if (instead !== 'null' ? name === 'a result as bytes' : name === 'a small result') continue
      test(`rejects its own call: ${name}`, async (t) => {
        const tools = {
          echo: (value) => value,
          fail: (words) => {
            throw new Error(words)
          },
        }
        const server = await listen(t, { tools })
        const program = async ({ MCPClient, tell, input: { url, call } }) => {
          const client = new MCPClient(url)
          await client.connect()
          const outcome = (promise) =>
            promise.then(
              (value) => ({ value }),
              ({ code, message }) => ({ code, message }),
            )
          const { tool = 'echo', value, options } = call
          const calls = [
            client.useTool('echo', 1),
            client.useTool(tool, value, options),
            client.useTool('echo', { after: [2] }),
            client.useTool('echo', 'x'.repeat(100_000)),
          ].map(outcome)
          const [before, bad, after, large] = await Promise.all(calls)
          const later = await client.useTool('echo', 'later')
          await client.close()
          tell({ before, bad, after, large: large.value.length, later })
        }
        const env = await poisoned(t, instead)
        const [told] = await run(t, program, { url: server.url, call }, { env })
        const { bad, ...rest } = told
        assert.deepEqual(rest, {
          before: { value: 1 },
          after: { value: { after: [2] } },
          large: 100_000,
          later: 'later',
        })
        assert.equal(bad.code, code)
        assert.ok(!bad.message.includes('poison'), bad.message)
      })
    }

    test('is an error event if it is a message, and the next message comes', async (t) => {
      const server = await listen(t)
      const program = async ({ MCPClient, tell, input: { url } }) => {
        const client = new MCPClient(url)
        const told = []
        client.on('error', ({ code }) => told.push(code)).on('message', (message) => told.push(message))
        await client.connect()
        client.sendToolRequest('echo', 'poison')
        await client.useTool('echo', 'healthy')
        await client.close()
        tell([told.length, told.filter((one) => typeof one === 'string'), told.at(-1).results])
      }
      const [told] = await run(t, program, { url: server.url }, { env: await poisoned(t, instead) })
      assert.deepEqual(told, [3, [code], 'healthy'])
    })
  })
}

test('an error answer of more than 256 MiB rejects its call with the whole value, and the client goes on', async (t) => {
  const size = 270_000_000
  const { url } = await listenRaw(t, (socket) => {
    socket.once('message', () => {
      socket.send(WELCOME)
      socket.on('message', (text) => {
        const { id, name } = JSON.parse(text)
        if (name === 'fail') socket.send(`{"id":"${id}","error":{"message":"${'x'.repeat(size)}"}}`)
        else socket.send(`{"id":"${id}","results":1}`)
      })
    })
  })
  const client = await ready(t, url, { maxMessageSize: 400_000_000, requestTimeout: 0, heartbeatInterval: 0 })
  const error = await rejection(client.useTool('fail'))
  assert.ok(error instanceof MCPToolError, `${error.code}`)
  assert.ok(error.message.length <= 8 * 1024 && error.message.endsWith('…'))
  assert.equal(error.data.message.length, size)
  assert.equal(await client.useTool('echo'), 1)
})
