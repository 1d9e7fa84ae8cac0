/** `MCPTestServer`: the public part of the server, which connects the others. The dialects read and write frames. */
import type { Buffer } from 'node:buffer'
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { refusalOf } from './access.js'
import { checkCloseFrame } from './close-frame.js'
import { Connection } from './connection.js'
import type { Dialect, DialectHost } from './dialects/dialect.js'
import { event } from './dialects/event.js'
import { guide } from './dialects/guide.js'
import { Inbox } from './inbox.js'
import { dialableHost, Listener, refuseUpgrade } from './listener.js'
import { clearInterval, queueMicrotask, setInterval } from './node.js'
import { checkStub, checkTokens, checkTools, resolveOptions, type Settings, type ToolsByName } from './options.js'
import { Toolbox } from './toolbox.js'
import { builtInTools } from './tools/built-in.js'
import type {
  Interceptor,
  MCPTestConnection,
  MCPTestRequest,
  MCPTestServerEvents,
  MCPTestServerOptions,
  ServerDialect,
  StubOptions,
  ToolHandler,
  ToolStub,
} from './types.js'

/**
 * A server of the MCP Integration Platform inside your process.
 *
 * @example
 * ```js
 * const server = await MCPTestServer.listen({ tools: { add: ({ a, b }) => a + b } })
 * const client = new MCPClient(server.url)
 * assert.equal(await client.useTool('add', { a: 1, b: 2 }), 3)
 * await client.close()
 * await server.close()
 * ```
 *
 * Built-in tools:
 *
 * | tool | parameters | results |
 * |---|---|---|
 * | `web_search` | `query`; `numResults` 1 to 50, default 5; `includeLinks`, default true: false omits the `url`s;
 * `tavilyOptions.includeAnswer`, default false; `provider` is accepted and changes nothing | `{ query, total, items: [{
 * title, url, snippet }], answer? }` from the `docs` folder |
 * | `status` | none | `{ version, dialect, uptime, connections, requests, activeTools: [{ name, available, latency
 * }] }`, `uptime` and `latency` in milliseconds |
 * | `echo` | anything | its parameters |
 * | `sleep` | `ms`, 0 to 60,000 | `{ slept }`, after that time |
 * | `fail` | `message`, `code` | none: it fails with these |
 *
 * Web pages of other machines cannot use it; see {@link MCPTestServerOptions.allowedOrigins}. It keeps the process
 * alive until `close()`.
 */
export class MCPTestServer extends EventEmitter<MCPTestServerEvents> implements AsyncDisposable {
  readonly #settings: Settings
  readonly #dialect: Dialect
  readonly #toolbox: Toolbox
  readonly #host: DialectHost
  readonly #startedAt = Date.now()
  readonly #sockets: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #requests: MCPTestRequest[] = []
  readonly #newConnections: Inbox<MCPTestConnection>
  readonly #newRequests: Inbox<MCPTestRequest>
  /** One for each listener that was closed: resolves when its last connection has ended. */
  readonly #drained: Promise<void>[] = []
  #listener: Listener | undefined
  #port = 0
  #tokens: readonly string[] | undefined
  #answersPings = true
  #refusal: number | undefined
  #interceptor: Interceptor | undefined
  #connectionCount = 0
  #requestCount = 0
  #resuming: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /**
   * Starts a server and resolves when it can be connected to.
   *
   * Rejects with a TypeError or RangeError that names the option at fault, or with Node's own error if the port
   * cannot be used (`code` `EADDRINUSE`, `EACCES`, …).
   */
  static async listen(options: MCPTestServerOptions = {}): Promise<MCPTestServer> {
    const server = new MCPTestServer(await resolveOptions(options))
    await server.#listen(server.#settings.port)
    return server
  }

  private constructor(settings: Settings) {
    super()
    this.#settings = settings
    this.#dialect = DIALECTS[settings.dialect]
    this.#tokens = settings.tokens
    this.#newConnections = new Inbox('server', 'connection', settings.history)
    this.#newRequests = new Inbox('server', 'request', settings.history)
    this.#toolbox = new Toolbox(
      builtInTools(() => this.#status(), settings.docs),
      settings.tools,
    )
    this.#host = this.#createHost()
    this.#sockets = new WebSocketServer({
      noServer: true,
      path: settings.path,
      maxPayload: MAX_PAYLOAD,
      perMessageDeflate: settings.compression,
      clientTracking: false,
      // This server sends pongs itself, so that pausePongs() can stop them.
      autoPong: false,
    })
  }

  /** The URL for clients, such as `ws://127.0.0.1:49152/mcp-ws`. */
  get url(): string {
    return `ws://${dialableHost(this.#settings.host)}:${this.#port}${this.#settings.path}`
  }

  /** The TCP port; it stays the same through an outage. */
  get port(): number {
    return this.#port
  }

  /** The wire dialect that it speaks. */
  get dialect(): ServerDialect {
    return this.#settings.dialect
  }

  /** The open connections, oldest first. */
  get connections(): readonly MCPTestConnection[] {
    return [...this.#connections]
  }

  /** The tool requests received so far, oldest first; at most `history`. */
  get requests(): readonly MCPTestRequest[] {
    return [...this.#requests]
  }

  /**
   * The oldest connection that this method has not returned yet, or else the next one: whether a client connects before
   * or after the call makes no difference. It may have ended already; see its `closed`. Rejects if the server closes
   * first.
   */
  nextConnection(): Promise<MCPTestConnection> {
    return this.#newConnections.next()
  }

  /**
   * The oldest tool request (for the tool `name`, if given) that this method has not returned yet, or else the next
   * one. Rejects if the server closes first.
   */
  nextRequest(name?: string): Promise<MCPTestRequest> {
    return this.#newRequests.next(name === undefined ? undefined : (request) => request.name === name)
  }

  /** Sends a message to every open connection: a string unchanged, bytes as a binary frame, other values as JSON. */
  broadcast(message: unknown): void {
    for (const connection of this.#connections) connection.send(message)
  }

  /**
   * Lets `interceptor` see each frame of a client first. If it returns true, the server ignores the frame, so a test
   * can answer it itself, or not at all. It replaces the one before; `null` removes it.
   */
  intercept(interceptor: Interceptor | null): void {
    this.#interceptor = interceptor ?? undefined
  }

  /** Replaces the accepted tokens; `undefined` accepts any. Authenticated connections stay authenticated. */
  setTokens(tokens: readonly string[] | undefined): void {
    this.#tokens = checkTokens(tokens)
  }

  /**
   * Replaces the tools that were given as the option `tools`, or by this method; built-in tools and stubs stay. Calls
   * that are running go on. Clients of the `event` dialect are told of them when they connect.
   * @throws TypeError that names the tool that is none
   */
  setTools(tools: ToolsByName): void {
    this.#toolbox.setOwn(checkTools(tools))
  }

  /**
   * Lets `handler` answer the requests for a tool, whether there is such a tool or not, until `restore()` of the stub
   * or `restoreStubs()`. If a tool has several stubs, the newest answers.
   *
   * @example
   * ```js
   * const busy = server.stub('web_search', () => { throw new ToolFailure('Too many', 'RATE_LIMIT') }, { times: 1 })
   * t.after(busy.restore)
   * ```
   * @throws TypeError or RangeError that names the argument at fault
   */
  stub(name: string, handler: ToolHandler, options: StubOptions = {}): ToolStub {
    return this.#toolbox.stub(name, handler, checkStub(name, handler, options))
  }

  /** Removes all stubs: for `afterEach`, if tests share a server. */
  restoreStubs(): void {
    this.#toolbox.restoreStubs()
  }

  /**
   * From now on, no pings are answered, neither those of the dialect nor those of the WebSocket protocol. Everything
   * else goes on.
   */
  pausePongs(): void {
    this.#answersPings = false
  }

  /** Answers pings again, but not those that came meanwhile. */
  resumePongs(): void {
    this.#answersPings = true
  }

  /** Stops listening: the operating system refuses new connections. Open ones go on. */
  stopAccepting(): void {
    if (this.#listener) this.#drained.push(this.#listener.close())
    this.#listener = undefined
  }

  /**
   * From now on, answers every upgrade with this HTTP status instead of 101. Open connections go on.
   * @param status - 200 to 599.
   * @throws RangeError for any other status.
   */
  refuseUpgrades(status: number): void {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`an HTTP status to refuse with is a whole number from 200 to 599, not ${status}`)
    }
    this.#refusal = status
  }

  /**
   * Undoes `stopAccepting()` and `refuseUpgrades()`, on the same port. Resolves when clients can connect again. Rejects
   * if the server is closed, or with Node's own error if another process uses the port now.
   */
  async resumeAccepting(): Promise<void> {
    if (this.#closing) throw new Error('the server is closed')
    this.#refusal = undefined
    if (this.#listener) return
    this.#resuming ??= this.#listen(this.#port).finally(() => (this.#resuming = undefined))
    await this.#resuming
  }

  /**
   * Closes every open connection with a close frame. Resolves when they have ended, after 2,000 ms at the latest.
   * Rejects with a RangeError for a code or reason that cannot be sent; see {@link MCPTestConnection.close}.
   * @param code - default 1000, after which a client stays closed; 1012 is a restart.
   */
  async closeAll(code: number = 1000, reason: string = ''): Promise<void> {
    checkCloseFrame(code, reason)
    await Promise.all([...this.#connections].map((connection) => connection.close(code, reason)))
  }

  /**
   * Drops every open connection without a close frame, as a crash does: clients see 1006. Resolves when they have
   * ended.
   */
  async terminateAll(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.terminate()))
  }

  /**
   * Stops listening and ends every connection: with 1001 in the `guide` dialect, without a close frame in the `event`
   * dialect, as the platform's server does. Running tools are aborted. Resolves when everything has ended; further
   * calls return the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shutDown(): Promise<void> {
    this.stopAccepting()
    this.#newConnections.close()
    this.#newRequests.close()
    await this.#resuming?.catch(() => {})
    await (this.#dialect.saysGoodbye ? this.closeAll(GOING_AWAY, 'server closing') : this.terminateAll())
    await Promise.all(this.#drained)
  }

  async #listen(port: number): Promise<void> {
    const listener = await Listener.open(
      port,
      this.#settings.host,
      (...upgrade) => this.#upgrade(...upgrade),
      (reason) => this.emit('refused', reason),
    )
    if (this.#closing) {
      // close() was called meanwhile, and did not know this listener.
      await listener.close()
      throw new Error('the server is closed')
    }
    this.#listener = listener
    this.#port = listener.port
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const reason = refusalOf(request, this.#settings)
    if (reason !== undefined) {
      refuseUpgrade(socket, 403, `${reason}\n`)
      this.emit('refused', reason)
      return
    }
    if (this.#refusal !== undefined) {
      refuseUpgrade(socket, this.#refusal)
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#connect(webSocket, request))
  }

  #connect(socket: WebSocket, request: IncomingMessage): void {
    this.#connectionCount += 1
    const connection = new Connection(this.#connectionCount, this.dialect, socket, request.headers)
    this.#connections.add(connection)
    this.#keepPinging(socket)
    this.#listenTo(socket, connection)
    this.#dialect.greet(connection, this.#host)
    this.#newConnections.push(connection)
    this.emit('connection', connection)
  }

  #listenTo(socket: WebSocket, connection: Connection): void {
    socket.on('message', (data) => this.#receive(String(data), connection))
    socket.on('ping', (data) => {
      if (this.#answersPings) socket.pong(data)
    })
    // An error is followed by a close, which is handled below.
    socket.on('error', () => {})
    socket.once('close', (code, reason) => {
      this.#connections.delete(connection)
      this.emit('close', connection, { code, reason: reason.toString() })
    })
  }

  #keepPinging(socket: WebSocket): void {
    if (this.#dialect.pingInterval === 0) return
    const timer = setInterval(() => socket.ping(), this.#dialect.pingInterval)
    socket.once('close', () => clearInterval(timer))
  }

  #receive(text: string, connection: Connection): void {
    try {
      this.emit('message', text, connection)
      if (this.#interceptor?.(text, connection) === true) return
      this.#dialect.receive(text, connection, this.#host)
    } catch (error) {
      // Thrown later, as an uncaughtException: `ws` never ends a connection whose listener has thrown.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #record(id: string | number, name: string, parameters: unknown, connection: Connection): MCPTestRequest {
    const request: MCPTestRequest = { id, name, parameters, connection, receivedAt: Date.now() }
    this.#requestCount += 1
    connection.requestCount += 1
    this.#requests.push(request)
    if (this.#requests.length > this.#settings.history) this.#requests.shift()
    this.#newRequests.push(request)
    this.emit('request', request)
    return request
  }

  #accepts(token: string): boolean {
    return this.#tokens === undefined ? token !== '' : this.#tokens.includes(token)
  }

  /** The results of the tool `status`. */
  #status(): object {
    return {
      version: PACKAGE_VERSION,
      dialect: this.dialect,
      uptime: Date.now() - this.#startedAt,
      connections: this.#connections.size,
      requests: this.#requestCount,
      activeTools: this.#toolbox.names.map((name) => ({ name, available: true, latency: 0 })),
    }
  }

  #schemas(): readonly unknown[] {
    const { schemas } = this.#settings
    const { descriptions } = this.#toolbox
    if (schemas === 'named') return descriptions
    return schemas === 'nameless' ? descriptions.map(({ parameters }) => parameters) : schemas
  }

  #createHost(): DialectHost {
    return {
      toolbox: this.#toolbox,
      schemas: () => this.#schemas(),
      answersPings: () => this.#answersPings,
      accepts: (token) => this.#accepts(token),
      record: (...request) => this.#record(...request),
    }
  }
}

const DIALECTS: Readonly<Record<ServerDialect, Dialect>> = { guide, event }

/** 100 MiB: for a larger message, the platform's server closes with 1009, and so does this one. */
const MAX_PAYLOAD = 100 * 1024 * 1024

/** The close code of a server that stops (RFC 6455, 7.4.1). */
const GOING_AWAY = 1001
