/**
 * The integration guide's own code, as it stands in the guide, with `MCPClient` imported under the name of WebSocket.
 * It authenticates, pings, calls tools and reconnects by itself while the client does so too; in the end there must be
 * one live socket, and it must work.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { MCPClient as WebSocket, WS_ERROR_CODES } from '@mcp-integration/client'
import { MCPTestServer } from '@mcp-integration/client/testing'
import { transform } from 'esbuild'
import { mountGuide, openGuidePage, runWholeGuide } from './helpers/guide.mjs'
import { AUTHENTICATION, COMPONENT, CONNECTION, ERRORS } from './helpers/guide-text.mjs'
import { loadReact } from './helpers/react.mjs'
import { listen } from './helpers/test-server.mjs'

/** The guide waits 10 ms before its first attempt, or 100 ms; the client a second, or 1 ms. */
const PACES = {
  'faster than the client': { speed: 100 },
  'slower than the client': {
    speed: 10,
    options: { baseReconnectDelay: 1, maxReconnectDelay: 1, slowReconnectDelay: 0 },
  },
}

/** What ends a connection, and the guide's code comes back from. */
const ENDS = {
  'a crash of the server': ({ server }) => server.terminateAll(),
  'a restart of the server (1012)': ({ server }) => server.closeAll(1012, 'restart'),
  'a violated policy (1008)': ({ server }) => server.closeAll(1008, 'policy'),
  'an internal error (1011)': ({ server }) => server.closeAll(1011, 'oops'),
  'an outage': outage,
  'its own reconnect()': ({ page }) => page.run('reconnect()'),
  'its own reconnect(), called twice': ({ page }) => page.run('reconnect(); reconnect()'),
  'its own reconnect() while the server crashes': ({ page, server }) => {
    const gone = server.terminateAll()
    page.run('reconnect()')
    return gone
  },
  'its own reconnect() while the socket opens': async ({ page, server }) => {
    await server.terminateAll()
    await turnsUntil(() => page.run('socket.readyState') !== WebSocket.OPEN)
    page.run('reconnect()')
  },
}

test('the guide’s sections on connecting and authenticating run as they stand', async (t) => {
  const server = await listen(t, { tokens: ['your-api-key-or-anonymous'] })
  const page = openGuidePage(t, { server, WebSocket })
  page.run(AUTHENTICATION)
  page.run(CONNECTION)
  await page.printed(/^Authentication successful/)
  await server.closeAll(4001, 'enough')
  await page.printed(/^Disconnected from MCP WebSocket server: 4001 enough/)
})

for (const [pace, options] of Object.entries(PACES)) {
  describe(`the guide's code, ${pace}`, () => {
    for (const [what, end] of Object.entries(ENDS)) {
      test(`has one live socket after ${what}`, async (t) => {
        const program = await start(t, options)
        for (let round = 0; round < 3; round++) {
          await program.hasWorked()
          await end(program)
        }
        await program.hasWorked()
        await program.isSettled()
      })
    }

    test('stays away after a normal closure (1000)', async (t) => {
      const { server, page, hasWorked } = await start(t, options)
      await hasWorked()
      await server.closeAll(1000)
      await page.printed(/^WebSocket closed normally/)
      assert.deepEqual([page.sockets.length, page.sockets[0].state, page.isIdle()], [1, 'closed', true])
      assert.equal(server.connections.length, 0)
    })
  })
}

test('the guide’s pings are answered, beside the client’s own, and no pong is missed', async (t) => {
  const { server, page, hasWorked, isSettled } = await start(t, { speed: 1000, options: { heartbeatInterval: 10 } })
  let pings = 0
  const enough = new Promise((resolve) =>
    server.on('message', (text) => JSON.parse(text).messageType === 'ping' && ++pings === 20 && resolve()),
  )
  await hasWorked()
  await enough
  await isSettled()
  assert.deepEqual(
    [page.sockets.length, page.lines.filter((line) => /^(Heartbeat timeout|WebSocket error|Reconnecting)/.test(line))],
    [1, []],
  )
})

test('a pong that does not come makes the guide’s code reconnect, to one live socket', async (t) => {
  const { server, page, hasWorked } = await start(t, { isHurried: true })
  await hasWorked()
  server.pausePongs()
  await page.printed(/^Heartbeat timeout, reconnecting/)
  server.resumePongs()
  await hasWorked()
  await turnsUntil(() => server.connections.length === 1)
})

test('a refused key is told to the guide’s code, once', async (t) => {
  const server = await listen(t, { tokens: ['another'] })
  const page = openGuidePage(t, { server, WebSocket })
  runWholeGuide(page)
  assert.match(await page.printed(/^Authentication failed/), /Invalid|token|key/i)
  assert.deepEqual([server.connections.length, page.sockets[0].state], [1, 'unauthorized'])
})

for (const [pace, options] of Object.entries(PACES)) {
  describe(`the guide’s hook over the client as its WebSocket, ${pace}`, () => {
    for (const [what, end] of Object.entries(ENDS).filter(([what]) => !what.includes('reconnect()'))) {
      test(`has one live socket after ${what}`, async (t) => {
        const hook = await mount(t, options)
        for (let round = 0; round < 3; round++) {
          await hook.isSettled()
          await end(hook)
        }
        const { useTool } = await hook.isSettled()
        assert.equal(await useTool('echo', 'alive'), 'alive')
      })
    }
  })
}

test('the guide’s component searches with the import of its hook changed, and nothing else', async (t) => {
  const server = await listen(t, { tokens: ['your-api-key'], docs: 'docs' })
  process.env.MCP_WS_URL = server.url
  t.after(() => delete process.env.MCP_WS_URL)
  const { React, createRoot, flushSync, useMCPWebSocket } = loadReact(19)
  const { code } = await transform(COMPONENT.replace(/^import .*$/m, ''), { loader: 'jsx' })
  const Component = runInNewContext(`${code}; WebSearchComponent`, {
    React,
    useState: React.useState,
    useMCPWebSocket,
    console,
  })
  const container = document.createElement('div')
  const root = createRoot(container)
  t.after(() => flushSync(() => root.unmount()))
  flushSync(() => root.render(React.createElement(Component)))
  const [input, button] = ['input', 'button'].map((name) => container.querySelector(name))
  assert.match(container.textContent, /Not connected to WebSocket server/)
  await turnsUntil(() => !button.disabled)
  assert.doesNotMatch(container.textContent, /Not connected|Error/)
  // As a keyboard would: React takes note of what is assigned.
  Reflect.set(window.HTMLInputElement.prototype, 'value', 'backoff', input)
  input.dispatchEvent(new window.Event('input', { bubbles: true }))
  button.click()
  await turnsUntil(() => container.querySelectorAll('.result').length > 0)
  const [{ parameters }] = server.requests
  assert.deepEqual(parameters, {
    query: 'backoff',
    numResults: 5,
    includeLinks: true,
    provider: 'tavily',
    tavilyOptions: { includeAnswer: true },
  })
  assert.match(container.querySelector('.result a').href, /^file:.*#/)
})

test('the guide’s table of close codes is the one that the package exports', () => {
  const [table] = ERRORS.match(/\{[^}]*\}/)
  assert.deepEqual({ ...WS_ERROR_CODES }, Function(`return ${table}`)())
})

/** Runs the guide's program. */
async function start(t, options) {
  const server = await strictServer()
  const page = openGuidePage(t, { server, WebSocket, ...options })
  t.after(() => server.close())
  runWholeGuide(page)
  return {
    server,
    page,
    /** The program has authenticated, called a tool and printed its answer, once more. */
    async hasWorked() {
      await page.printed(/^Authentication successful/)
      await page.printed(/^Tool response \(req_[^]*items/)
    },
    async isSettled() {
      const last = await settled(server, page)
      assert.equal(page.run('socket'), last)
      assert.equal(await last.useTool('echo', 'alive'), 'alive')
      assert.deepEqual(
        page.lines.filter((line) => FAULTS.test(line)),
        [],
      )
    },
  }
}

/** Shows the guide's hook in a component. */
async function mount(t, options) {
  const server = await strictServer()
  const { page, until } = mountGuide(t, { server, WebSocket, props: { apiKey: 'your-api-key' }, ...options })
  t.after(() => server.close())
  return {
    server,
    page,
    async isSettled() {
      await settled(server, page)
      assert.deepEqual(
        page.lines.filter((line) => FAULTS.test(line)),
        [],
      )
      return until(({ connected, authenticated, error }) => connected && authenticated && error === null)
    },
  }
}

/**
 * Takes the guide's key and no other: an auth message of the client's own would be refused. To be closed after the
 * page, which would dial it again.
 */
async function strictServer() {
  const server = await MCPTestServer.listen({ tokens: ['your-api-key'], docs: 'docs' })
  server.auths = new Map()
  server.on('message', (text, connection) => {
    if (JSON.parse(text).id === 'auth') server.auths.set(connection, (server.auths.get(connection) ?? 0) + 1)
  })
  return server
}

/**
 * Nothing is under way any more: one socket is left, on one connection, and it is ready. Nobody has authenticated twice
 * on one.
 */
async function settled(server, page) {
  const isSettled = () => {
    const [last, ...others] = [...page.sockets].reverse()
    return page.isIdle() && last.state === 'ready' && others.every(({ readyState }) => readyState === WebSocket.CLOSED)
  }
  await turnsUntil(() => isSettled() && server.connections.length === 1)
  assert.deepEqual(
    [...server.auths.values()].filter((count) => count > 1),
    [],
  )
  return page.sockets.at(-1)
}

/** The server is away until somebody has dialed in vain. */
async function outage({ server, page }) {
  server.stopAccepting()
  await server.terminateAll()
  await page.printed(/^WebSocket error/)
  await server.resumeAccepting()
}

async function turnsUntil(test) {
  while (!test()) await new Promise(setImmediate)
}

/** What the guide's code says when something is wrong that it cannot mend. */
const FAULTS = /^(Authentication failed|Tool error|Heartbeat timeout|Maximum|Error parsing)/
