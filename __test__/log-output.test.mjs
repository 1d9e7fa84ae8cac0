/** The log on standard error, which the environment asks for: no line of code, and one line for each entry. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { start } from './helpers/program.mjs'
import { ROOT } from './helpers/root.mjs'
import { listen } from './helpers/test-server.mjs'

/** The lines that a program writes to standard error. */
async function linesOf(t, program, input, env) {
  const { code, stderr, told } = await start(t, program, input, { env }).ended
  assert.equal(code, 0, stderr)
  return { lines: stderr.split('\n').slice(0, -1), told }
}

/** Connects, makes a call and closes. */
async function life({ MCPClient, input }) {
  const client = new MCPClient(input)
  await client.useTool('echo', 'secret parameters')
  await client.close()
}

/** Goes through an outage too. */
async function outage({ MCPClient, input }) {
  const client = new MCPClient(input, { apiKey: 'secret-key', baseReconnectDelay: 1 })
  await client.connect()
  client.sendMessage('please drop me')
  await new Promise((resolve) => client.once('reconnecting', resolve))
  await client.connect()
  await client.close()
}

/** A server that drops who asks for it. */
async function dropping(t) {
  const server = await listen(t)
  server.intercept((text, connection) => {
    if (text === 'please drop me') void connection.terminate()
  })
  return server
}

const LINE = /^(\S+Z) mcp-client (\w+) client=(\d+) connection=(\d+) ([^:]+): (.*)$/

test('MCP_CLIENT_LOG=debug writes connecting, authentication and the end, a line each', async (t) => {
  const server = await listen(t)
  const { lines } = await linesOf(t, life, server.url, { MCP_CLIENT_LOG: 'debug' })
  const parts = lines.map((line) => LINE.exec(line) ?? assert.fail(line))
  assert.deepEqual(
    parts.map(([, , level, client, connection, message]) => [level, client, connection, message]),
    ['connecting', 'the socket is open', 'authenticated', 'the connection is closed', 'the client is closed'].map(
      (message) => ['debug', '1', '1', message],
    ),
  )
  for (const [line, time] of parts) {
    assert.ok(!Number.isNaN(Date.parse(time)), line)
    assert.ok(line.includes(`url=${server.url}`), line)
  }
  assert.match(lines[3], / reason=""/)
})

test('info, warn and error leave out what is quieter, off all of it, and so does nothing', async (t) => {
  const server = await dropping(t)
  const messagesAt = async (MCP_CLIENT_LOG) => {
    const { lines } = await linesOf(t, outage, server.url, { MCP_CLIENT_LOG })
    return lines.map((line) => LINE.exec(line)[5])
  }
  const info = ['the connection was lost', 'waiting before the next attempt', 'connected again']
  assert.deepEqual(await messagesAt('info'), info)
  assert.deepEqual(await messagesAt('WARN'), info.slice(0, 1))
  for (const level of ['error', 'off', '']) assert.deepEqual(await messagesAt(level), [])
})

test('MCP_CLIENT_LOG_FORMAT=json writes an object on each line', async (t) => {
  const server = await dropping(t)
  const env = { MCP_CLIENT_LOG: 'warn', MCP_CLIENT_LOG_FORMAT: 'json' }
  const { lines } = await linesOf(t, outage, server.url, env)
  assert.equal(lines.length, 1)
  const { time, cause, ...rest } = JSON.parse(lines[0])
  assert.ok(!Number.isNaN(Date.parse(time)))
  assert.equal(typeof cause, 'string')
  assert.deepEqual(rest, {
    level: 'warn',
    client: 1,
    connection: 1,
    message: 'the connection was lost',
    attempt: 0,
    code: 1006,
    reason: rest.reason,
    url: server.url,
  })
})

test('NODE_DEBUG=mcp-client writes everything, unless MCP_CLIENT_LOG says otherwise', async (t) => {
  const server = await listen(t)
  const count = async (env) => (await linesOf(t, life, server.url, env)).lines.length
  assert.equal(await count({ NODE_DEBUG: 'mcp-client' }), 5)
  assert.equal(await count({ NODE_DEBUG: 'other,MCP-Client' }), 5)
  assert.equal(await count({ NODE_DEBUG: 'mcp-*' }), 5)
  assert.equal(await count({ NODE_DEBUG: 'mcp,client,mcp-clients' }), 0)
  assert.equal(await count({ NODE_DEBUG: 'mcp-client', MCP_CLIENT_LOG: 'off' }), 0)
})

test('a value that means nothing is reported in one line, and the program runs', async (t) => {
  const server = await dropping(t)
  const env = { MCP_CLIENT_LOG: 'loud\u001b[31m', MCP_CLIENT_LOG_FORMAT: 'yaml' }
  const { lines } = await linesOf(t, outage, server.url, env)
  assert.deepEqual(lines.slice(0, 2), [
    'mcp-client: MCP_CLIENT_LOG is "loud\\u001b[31m", which is none of off, error, warn, info, debug: using warn',
    'mcp-client: MCP_CLIENT_LOG_FORMAT is "yaml", which is none of text, json: using text',
  ])
  assert.equal(lines.length, 3)
})

test('each line has the number of its client', async (t) => {
  const server = await listen(t)
  const { lines } = await linesOf(
    t,
    async ({ MCPClient, input }) => {
      const clients = [new MCPClient(input), new MCPClient(input)]
      await Promise.all(clients.map((client) => client.connect()))
      await Promise.all(clients.map((client) => client.close()))
    },
    server.url,
    { MCP_CLIENT_LOG: 'debug' },
  )
  const numbers = lines.map((line) => LINE.exec(line)[3])
  for (const number of ['1', '2']) assert.equal(numbers.filter((one) => one === number).length, 5)
})

test('no line has a query, a key, a parameter, or a control character of the server', async (t) => {
  const server = await listen(t)
  server.intercept((text, connection) => {
    if (text === 'please close me') void connection.close(4000, 'line\nbreak \u001b[2J\u009b \u202e "quoted"')
  })
  const { lines } = await linesOf(
    t,
    async ({ MCPClient, input }) => {
      const client = new MCPClient(`${input}?ticket=secret-ticket`, { apiKey: 'secret-key', baseReconnectDelay: 1 })
      await client.useTool('echo', 'secret-parameter')
      client.sendMessage('please close me')
      await new Promise((resolve) => client.once('reconnecting', resolve))
      await client.close()
    },
    server.url,
    { MCP_CLIENT_LOG: 'debug' },
  )
  const closed =
    lines.find((line) => line.includes('the server closed the connection')) ?? assert.fail(lines.join('\n'))
  assert.match(closed, / code=4000 .*reason="line\\+nbreak /)
  for (const line of lines) {
    assert.match(line, LINE)
    assert.doesNotMatch(line, /secret|[\u0000-\u001f\u007f-\u009f\u202e]/)
  }
})

test('nobody reading standard error does not end the program', async (t) => {
  let goOn
  const gone = new Promise((resolve) => (goOn = resolve))
  const server = await listen(t, { tools: { wait: () => gone } })
  const program = start(
    t,
    async ({ MCPClient, input, tell }) => {
      const client = new MCPClient(input)
      await client.useTool('wait')
      await client.reconnect()
      tell(await client.useTool('echo', 1))
      await client.close()
    },
    server.url,
    { env: { MCP_CLIENT_LOG: 'debug' } },
  )
  await server.nextRequest()
  program.child.stderr.destroy()
  goOn()
  const { code, told } = await program.ended
  assert.deepEqual([code, told], [0, [1]])
})

describe('when it is not asked for', () => {
  test('nothing of it is loaded', async () => {
    const script = `
      const { MCPClient } = require('@mcp-integration/client')
      new MCPClient('localhost', { autoConnect: false })
      console.log(Object.keys(require.cache).filter((path) => /log-output/.test(path)).length)`
    const { MCP_CLIENT_LOG: _, NODE_DEBUG: __, ...env } = process.env
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', script], { cwd: ROOT, env })
    assert.equal(stdout, '0\n')
  })
})
