/** The permission model of Node.js: what it allows works, what it denies is refused in words. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BINARY } from './helpers/binary.mjs'
import { run } from './helpers/program.mjs'
import { listen } from './helpers/test-server.mjs'

const { allowedNodeEnvironmentFlags } = process
const FLAG = ['--permission', '--experimental-permission'].find((flag) => allowedNodeEnvironmentFlags.has(flag))
const NET = allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []

/** What a program under these flags prints: the results of a call, or the error. */
async function call(t, flags, fake) {
  const server = await listen(t)
  const [told] = await run(
    t,
    async ({ MCPClient, tell, input: { url, fake } }) => {
      if (fake !== undefined) {
        Object.defineProperty(process, 'permission', { value: { has: (scope) => scope !== 'net' } })
        Object.defineProperty(process, 'allowedNodeEnvironmentFlags', { value: { has: () => fake } })
      }
      try {
        const client = new MCPClient(url)
        tell(await client.useTool('echo', 'an answer'))
        await client.close()
      } catch ({ message, code, permission }) {
        tell({ message, code, permission })
      }
    },
    { url: server.url, fake },
    { flags: ['--no-warnings', ...flags], env: { MCP_CLIENT_NATIVE_PATH: BINARY } },
  )
  return told
}

describe('with the permission model of Node.js', () => {
  test('a client works where addons are allowed', async (t) => {
    assert.equal(await call(t, [FLAG, '--allow-fs-read=*', '--allow-addons', ...NET]), 'an answer')
  })

  test('an error says how to allow addons', async (t) => {
    const { message } = await call(t, [FLAG, '--allow-fs-read=*', ...NET])
    assert.match(message, /could not be loaded .*model of Node\.js is on: start node with --allow-addons too$/)
  })

  test('--no-addons is another reason, with another remedy', async (t) => {
    const { message } = await call(t, ['--no-addons'])
    assert.match(message, /could not be loaded .*: Cannot load native addon .*[^.]\. Start node without --no-addons$/)
  })

  test('a client is refused the network that the process is refused', async (t) => {
    const denied = {
      message:
        '@mcp-integration/client cannot connect: the permission model of Node.js (--permission) denies it the network: ' +
        'start node with --allow-net',
      code: 'ERR_ACCESS_DENIED',
      permission: 'Net',
    }
    assert.deepEqual(await call(t, [], true), denied)
    if (NET.length > 0) assert.deepEqual(await call(t, [FLAG, '--allow-fs-read=*', '--allow-addons']), denied)
  })

  test('it is not where Node.js has no such permission, and says that it has not been given', async (t) => {
    assert.equal(await call(t, [], false), 'an answer')
  })
})

describe('with the permissions of Deno', () => {
  /** What a client does where Deno answers a request for the network so, and what Deno was asked. */
  async function under(t, state, url) {
    const [told] = await run(
      t,
      ({ MCPClient, tell, input: { state, url } }) => {
        const asked = []
        globalThis.Deno = { permissions: { requestSync: (descriptor) => asked.push(descriptor) && { state } } }
        try {
          tell({ asked, state: new MCPClient({ url, autoConnect: false }).state })
        } catch ({ message, code }) {
          tell({ asked, message, code })
        }
      },
      { state, url },
    )
    return told
  }

  test('Deno is asked for the endpoint, with its port', async (t) => {
    for (const [url, host] of [
      ['wss://example.com/x?key=hunter2', 'example.com:443'],
      ['ws://example.com', 'example.com:80'],
      ['localhost:8080', 'localhost:8080'],
      ['[::1]:8080', '[::1]:8080'],
    ]) {
      assert.deepEqual(await under(t, 'granted', url), { asked: [{ name: 'net', host }], state: 'idle' })
    }
  })

  test('what it does not grant is refused', async (t) => {
    for (const state of ['denied', 'prompt']) {
      const { message, code } = await under(t, state, 'wss://example.com')
      assert.match(message, /cannot connect: Deno denies it .*: start deno with --allow-net=example\.com:443$/)
      assert.equal(code, 'ERR_ACCESS_DENIED')
    }
  })

  test('environment variables that may not be read are not set', async (t) => {
    const [told] = await run(t, ({ MCPClient, tell }) => {
      const { env } = process
      const denied = () => {
        throw Object.assign(new Error('Requires env access'), { name: 'NotCapable' })
      }
      Object.defineProperty(process, 'env', { value: new Proxy(env, { get: denied }) })
      try {
        tell(new MCPClient({ url: 'localhost', autoConnect: false }).state)
      } catch ({ message }) {
        tell(message)
      }
    })
    assert.equal(told, 'idle')
  })
})
