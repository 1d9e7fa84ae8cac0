/** Plays a conversation of PROTOCOL.md: the client talks to a server that sends the documented lines and no others. */
import assert from 'node:assert/strict'
import { next, open, rejection } from './client.mjs'
import { listen } from './test-server.mjs'

/** Ids and times differ in each run: the document's are replaced by those of the run, and back. */
export async function play(t, code) {
  const lines = code.trim().split('\n').map(parseLine)
  const stage = await Stage.open(t, { hasPings: lines.some(({ message }) => pingOf(message)) })
  for (const line of lines) await (line.isOurs ? stage.hear(line) : stage.say(line))
  assert.equal(stage.calls.size, 0, 'each call has its answer')
}

function parseLine(line) {
  const [, arrow, text] = /^([→←]) (.*)$/.exec(line) ?? assert.fail(`not a line of a conversation: ${line}`)
  return { isOurs: arrow === '→', text, message: JSON.parse(text) }
}

class Stage {
  /** The waiting calls: promises by the document's ids. */
  calls = new Map()
  #ids = new Map()
  #frames
  #client
  #server

  static async open(t, { hasPings }) {
    const server = await listen(t)
    const frames = new Frames()
    // Only the conversation answers.
    server.intercept((text) => frames.push(text))
    const options = { apiKey: 'your-api-key', heartbeatInterval: hasPings ? 100 : 0 }
    return new Stage(server, frames, open(t, server, options))
  }

  constructor(server, frames, client) {
    this.#server = server
    this.#frames = frames
    this.#client = client
    // The client reports messages only if there is a listener.
    client.on('message', () => {})
  }

  /** Makes the client send this line. */
  async hear({ text, message }) {
    const request = message.type === 'mcp_request' ? message.request : message
    if (request.name !== undefined) {
      const call = this.#client.useTool(request.name, 'parameters' in request ? request.parameters : undefined)
      call.catch(() => {})
      this.calls.set(request.id, call)
    }
    const heard = await this.#frames.next(pingOf(message))
    const { id } = heard.message.request ?? heard.message
    if (request.name !== undefined) this.#ids.set(request.id, id)
    const { timestamp } = heard.message
    const said = timestamp === undefined ? heard.text : heard.text.replace(String(timestamp), String(message.timestamp))
    assert.equal(request.name === undefined ? said : said.replace(id, request.id), text)
  }

  /** Sends this line from the server; the client must emit it, and settle the call that it answers. */
  async say({ text, message }) {
    const heard = next(this.#client, 'message')
    let said = text
    for (const [documented, id] of this.#ids) said = said.replace(documented, id)
    const [connection] = this.#server.connections
    connection.send(said)
    assert.deepEqual(await heard, [JSON.parse(said)])
    const answer = message.event === undefined ? message : message.data
    await this.#settled(answer, message.event === 'error' ? answer : answer?.error)
  }

  async #settled(answer, error) {
    const id = answer?.id ?? answer?.requestId
    const call = this.calls.get(id)
    if (call === undefined) return
    this.calls.delete(id)
    if (error === undefined) {
      assert.ok('results' in answer, 'an answer has an error or results')
      return assert.deepEqual(await call, answer.results)
    }
    const { code, message, toolCode } = await rejection(call)
    assert.deepEqual(
      { code, message, toolCode },
      { code: 'TOOL_ERROR', message: error.message, toolCode: error.code ?? null },
    )
  }
}

/** What the client sends. Pings come at any time, even before the dialect is known, so they are matched separately. */
class Frames {
  #waiting = []
  #arrived = []

  push(text) {
    this.#arrived.push({ text, message: JSON.parse(text) })
    this.#match()
    return true
  }

  next(ping) {
    return new Promise((resolve) => {
      this.#waiting.push({ ping, resolve })
      this.#match()
    })
  }

  #match() {
    const [first] = this.#waiting
    const at = first === undefined ? -1 : this.#arrived.findIndex(({ message }) => pingOf(message) === first.ping)
    if (at === -1) return
    this.#waiting.shift()
    first.resolve(...this.#arrived.splice(at, 1))
  }
}

/** The dialect of a ping; undefined for anything else. */
function pingOf({ messageType, type }) {
  if (messageType === 'ping') return 'guide'
  return type === 'ping' ? 'event' : undefined
}
