/**
 * What a client in a page takes and what it refuses, where a WebSocket of a browser or runtime has no limit: while its
 * server does not read, and while its own code does not.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { launchBrowser } from './helpers/browser.mjs'
import { next, PATIENT } from './helpers/client.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { entry, openSite } from './helpers/site.mjs'
import { arrivalsAt, listen } from './helpers/test-server.mjs'

// That of the runtime may tell of each message in a task of its own.
globalThis.WebSocket = WebSocket
const { MCPClient } = await import('@mcp-integration/client/portable')

const MIB = 1 << 20
const BOUND = 4 * MIB
/** Characters. */
const PAD = 64 << 10
/** More than all buffers on the way hold, ten times over. */
const MESSAGES = (100 * MIB) / PAD

/** Runs where the client is. Sends 100 MB, and says what became of it. */
async function sendFarTooMuch(client, { messages, pad }) {
  const text = 'x'.repeat(pad)
  const taken = []
  let most = 0
  const send = (k) => {
    const isTaken = client.sendMessage({ k, text })
    if (isTaken) taken.push(k)
    most = Math.max(most, client.bufferedAmount)
    return isTaken
  }
  let k = 0
  while (k < messages) {
    send(k++)
    // Gives the socket time to send.
    if (k % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  // In one turn, in which nothing leaves.
  while (send(k)) k++
  const calls = [text, 'x'.repeat(5 << 20)].map((parameters) => client.useTool('echo', parameters))
  const toolRequest = client.sendToolRequest('echo', text)
  let thrown
  try {
    client.send(text)
  } catch ({ code }) {
    thrown = code
  }
  const codes = await Promise.all(calls.map((call) => call.catch(({ code }) => code)))
  return { taken, most, codes, toolRequest, thrown, state: client.state }
}

function assertBounded({ taken, most, ...rest }) {
  assert.ok(most > BOUND - 3 * PAD && most <= BOUND, `${most} bytes were buffered`)
  assert.ok(taken.length > BOUND / PAD && taken.length < MESSAGES, `${taken.length} messages were taken`)
  assert.deepEqual(rest, {
    codes: ['QUEUE_FULL', 'MESSAGE_TOO_LARGE'],
    toolRequest: null,
    thrown: 'QUEUE_FULL',
    state: 'ready',
  })
}

/** A server behind a proxy that can stop reading, and the numbers of the messages that have arrived there. */
async function slowServer(t) {
  const server = await listen(t)
  const arrived = arrivalsAt(server)
  const proxy = await listenProxy(t, server)
  const arriveAll = async (taken) => {
    while (arrived.length < taken.length) await new Promise(setImmediate)
    assert.deepEqual(arrived, taken)
  }
  return { proxy, arriveAll }
}

const OPTIONS = { heartbeatInterval: 0, maxBufferedAmount: BOUND }

test('in Node.js the portable client refuses what is more than maxBufferedAmount; what it took arrives', async (t) => {
  const { proxy, arriveAll } = await slowServer(t)
  const client = new MCPClient(proxy.url, OPTIONS)
  t.after(() => client.close())
  await client.connect()
  proxy.freezeAll()
  const outcome = await sendFarTooMuch(client, { messages: MESSAGES, pad: PAD })
  assertBounded(outcome)
  proxy.thawAll()
  await arriveAll(outcome.taken)
  assert.equal(await client.useTool('echo', 'after'), 'after')
  assert.equal(client.bufferedAmount, 0)
})

test('what comes faster than the code of the user takes it ends the connection with 1009, as 4009 on the wire', async (t) => {
  const calls = 40
  const server = await listen(t)
  const asked = []
  server.intercept((text, connection) => {
    const { id, name } = JSON.parse(text)
    if (name === undefined) return false
    asked.push(id)
    // All at once: the socket tells of them in one task.
    if (asked.length === calls) for (const id of asked) connection.send({ id, results: 'x'.repeat(900) })
    return true
  })
  // For each answer there are two things to tell: its message and its result.
  const client = new MCPClient(server.url, { ...PATIENT, maxMessageSize: 1000, onMessage: () => {} })
  t.after(() => client.close())
  await client.connect()
  const [connection] = server.connections
  const closed = next(client, 'close')
  const outcomes = await Promise.allSettled(Array.from({ length: calls }, () => client.useTool('any')))
  const [{ code, reason }] = await closed
  assert.equal(code, 1009)
  assert.equal(reason, 'more than 4000 bytes wait for the page: 4 times maxMessageSize')
  assert.equal((await connection.closed).code, 4009)
  const codes = new Set(outcomes.map(({ reason: error }) => error?.code))
  assert.deepEqual([...codes], [undefined, 'CONNECTION_LOST'], 'the first were answered')
})

describe('in Chromium', () => {
  let browser
  before(async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  async function visit(t, platform) {
    const main = `import { MCPClient } from '${entry('portable')}'; globalThis.MCPClient = MCPClient`
    const files = { '/': '<!doctype html><script type="module" src="/main.mjs"></script>', '/main.mjs': main }
    const { url } = await openSite(t, { files, platform })
    const tab = await browser.newPage()
    t.after(() => tab.close())
    await tab.goto(url)
    await tab.waitForFunction(() => globalThis.MCPClient !== undefined)
    return tab
  }

  test('a page is refused what is more than maxBufferedAmount; what was taken arrives', async (t) => {
    const { proxy, arriveAll } = await slowServer(t)
    const tab = await visit(t, { port: new URL(proxy.url).port })
    await tab.evaluate(async (options) => {
      globalThis.client = new MCPClient(options)
      await client.connect()
    }, OPTIONS)
    proxy.freezeAll()
    const input = { messages: MESSAGES, pad: PAD }
    const outcome = await tab.evaluate(`(${sendFarTooMuch})(client, ${JSON.stringify(input)})`)
    assertBounded(outcome)
    proxy.thawAll()
    await arriveAll(outcome.taken)
    assert.equal(await tab.evaluate(() => client.useTool('echo', 'after')), 'after')
    assert.equal(await tab.evaluate(() => client.bufferedAmount), 0)
  })
})
