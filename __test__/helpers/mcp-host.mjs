import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { startCli } from './cli.mjs'

/** The revisions of MCP that begin with `initialize`; the last one. */
const REVISION = '2025-11-25'

/**
 * An MCP host without a library: starts `mcp-client mcp`, writes lines and reads lines. Each that it reads must be a
 * message of JSON-RPC. It is killed after the test.
 */
export class Host {
  #id = 0
  #rest = ''
  #news = new EventEmitter().setMaxListeners(0)
  /** Every message that came, in order. */
  messages = []

  constructor(t, args, env) {
    const { child, ended, output } = startCli(['mcp', ...args], env)
    Object.assign(this, { child, output, ended })
    t.after(() => child.kill('SIGKILL'))
    child.stdin.on('error', () => {})
    child.stdout.on('data', (text) => this.#read(text))
    void ended.then(() => this.#news.emit('news'))
    child.stderr.on('data', () => this.#news.emit('news'))
  }

  /** One that has said its first words. */
  static async open(t, args, { env, revision = REVISION } = {}) {
    const host = new Host(t, args, env)
    const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    host.greeting = (await host.ask('initialize', params)).result
    host.tell('notifications/initialized')
    return host
  }

  get pid() {
    return this.child.pid
  }

  get stderr() {
    return this.output.stderr
  }

  write(line) {
    this.child.stdin.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  }

  tell(method, params) {
    this.write({ jsonrpc: '2.0', method, params })
  }

  /** Sends a request; returns its id. */
  request(method, params) {
    const id = ++this.#id
    this.write({ jsonrpc: '2.0', id, method, params })
    return id
  }

  /** Resolves with the whole answer. */
  answer(id) {
    return this.find((message) => message.id === id && message.method === undefined)
  }

  ask(method, params) {
    return this.answer(this.request(method, params))
  }

  async tools() {
    return (await this.ask('tools/list')).result.tools
  }

  async call(name, args, meta) {
    return (await this.ask('tools/call', { name, arguments: args, _meta: meta })).result
  }

  notice(method) {
    return this.find((message) => message.method === method)
  }

  /** The first message, so far or to come, that fits. */
  async find(fits) {
    await this.until(() => this.messages.some(fits), 'the message')
    return this.messages.find(fits)
  }

  /** Resolves when standard error has this. */
  async says(pattern) {
    await this.until(() => pattern.test(this.stderr), `${pattern} on standard error`)
  }

  async until(isSo, what) {
    while (!isSo()) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`${what} did not come before the end:\n${this.stderr}`)
      await once(this.#news, 'news')
    }
  }

  /** Ends its input; resolves with how the server ended. */
  end() {
    this.child.stdin.end()
    return this.ended
  }

  #read(text) {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()
    for (const line of lines) {
      const message = JSON.parse(line)
      assert.equal(message.jsonrpc, '2.0', line)
      this.messages.push(message)
    }
    this.#news.emit('news')
  }
}

/** The error that a result tells of. */
export function errorIn(result) {
  assert.equal(result.isError, true, JSON.stringify(result))
  return result.structuredContent.error
}

/** The text of a result. */
export function textOf({ content }) {
  return content[0].text
}
