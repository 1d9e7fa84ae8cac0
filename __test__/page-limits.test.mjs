/**
 * What a client in a page takes and what it refuses while its server does not read: `maxBufferedAmount` holds for the
 * WebSocket of the browser, or of the runtime, which takes everything itself.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { launchBrowser } from './helpers/browser.mjs'
import { listenProxy } from './helpers/fault-proxy.mjs'
import { entry, openSite } from './helpers/site.mjs'
import { listen } from './helpers/test-server.mjs'

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
  const arrived = []
  server.intercept((text) => {
    const { k } = JSON.parse(text)
    return k !== undefined && arrived.push(k) > 0
  })
  const proxy = await listenProxy(t, server)
  const arriveAll = async (taken) => {
    while (arrived.length < taken.length) await new Promise(setImmediate)
    assert.deepEqual(arrived, taken)
  }
  return { proxy, arriveAll }
}

const OPTIONS = { heartbeatInterval: 0, maxBufferedAmount: BOUND }

test('in Node.js the portable client refuses what is more than maxBufferedAmount; what it took arrives', async (t) => {
  globalThis.WebSocket ??= WebSocket
  const { MCPClient } = await import('@mcp-integration/client/portable')
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
