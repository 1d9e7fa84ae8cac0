/** `FaultProxy`: a TCP proxy that does to connections what networks do. It knows nothing of WebSockets. */
import { EventEmitter, once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Connection } from './faults/connection.js'
import { checkPlan, portOf, resolveFaults, resolveOptions, type FaultProxySettings } from './faults/options.js'
import { seededRandom } from './faults/random.js'
import { resetSocket } from './faults/socket.js'
import type { FaultPlan, FaultProxyConnection, FaultProxyEvents, FaultProxyOptions, Faults } from './faults/types.js'
import { Inbox } from './inbox.js'
import { dialableHost, survive } from './listener.js'

/**
 * A TCP proxy in front of a server that delays, slows down, cuts, freezes, resets and damages connections, to test how
 * a client handles that. Everything random comes from a seed. How the operating system splits a stream into segments
 * cannot be controlled.
 *
 * @example
 * ```js
 * const server = await MCPTestServer.listen()
 * const proxy = await FaultProxy.listen({ target: server.url, faults: { toClient: { latency: 50 } } })
 * const client = new MCPClient(proxy.url)
 * await client.connect()
 * proxy.resetAll()
 * assert.deepEqual(await client.useTool('echo', { still: 'there' }, { idempotent: true }), { still: 'there' })
 * await client.close()
 * await proxy.close()
 * await server.close()
 * ```
 *
 * It reads at most 1 MiB ahead in each direction. It keeps the process alive until `close()`.
 */
export class FaultProxy extends EventEmitter<FaultProxyEvents> implements AsyncDisposable {
  readonly #settings: FaultProxySettings
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #newConnections = new Inbox<FaultProxyConnection>('proxy', 'connection', CONNECTIONS_KEPT)
  #plan: FaultPlan
  #port = 0
  #connectionCount = 0
  #closing: Promise<void> | undefined

  /**
   * Starts a proxy and resolves when it can be connected to.
   *
   * Rejects with a TypeError or RangeError that names the option at fault, or with Node's own error if the port
   * cannot be used (`code` `EADDRINUSE`, `EACCES`, …).
   */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(resolveOptions(options))
    proxy.#server.listen(proxy.#settings.port, proxy.#settings.host)
    await once(proxy.#server, 'listening')
    // To its clients it is one more fault.
    survive(proxy.#server, () => {})
    proxy.#port = (proxy.#server.address() as AddressInfo).port
    return proxy
  }

  private constructor(settings: FaultProxySettings) {
    super()
    this.#settings = settings
    this.#plan = settings.plan
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#connect(client))
  }

  /** The URL for clients: that of the target, with the proxy's address in place of the server's. */
  get url(): string {
    const url = new URL(this.#settings.target)
    url.host = `${dialableHost(this.#settings.host)}:${this.#port}`
    return url.href
  }

  /** The TCP port. */
  get port(): number {
    return this.#port
  }

  /** The URL of the server behind the proxy. */
  get target(): string {
    return this.#settings.target.href
  }

  /** The open connections, oldest first. */
  get connections(): readonly FaultProxyConnection[] {
    return [...this.#connections]
  }

  /**
   * The oldest connection that this method has not returned yet, or else the next one. It may have ended already; see
   * its `closed`. The newest 1,024 are kept. Rejects if the proxy closes first.
   */
  nextConnection(): Promise<FaultProxyConnection> {
    return this.#newConnections.next()
  }

  /**
   * Sets the faults of new connections. For open ones see {@link FaultProxyConnection.setFaults}.
   * @throws TypeError or RangeError that names the fault
   */
  setFaults(faults: Faults | FaultPlan): void {
    this.#plan = checkPlan(faults)
  }

  /** {@link FaultProxyConnection.freeze} for every open connection. */
  freezeAll(): void {
    for (const connection of this.#connections) connection.freeze()
  }

  /** {@link FaultProxyConnection.thaw} for every open connection. */
  thawAll(): void {
    for (const connection of this.#connections) connection.thaw()
  }

  /** {@link FaultProxyConnection.end} for every open connection. */
  endAll(): void {
    for (const connection of this.#connections) connection.end()
  }

  /** {@link FaultProxyConnection.reset} for every open connection. */
  resetAll(): void {
    for (const connection of this.#connections) connection.reset()
  }

  /** Stops listening and resets every connection. Resolves when all have ended; more calls return the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shutDown(): Promise<void> {
    this.#newConnections.close()
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    const gone = [...this.#connections].map((connection) => connection.closed)
    for (const connection of this.#connections) connection.abandon()
    await Promise.all([closed, ...gone])
  }

  #connect(client: Socket): void {
    this.#connectionCount += 1
    const id = this.#connectionCount
    const seed = `${this.#settings.seed} ${id}`
    let faults: ReturnType<typeof resolveFaults>
    try {
      faults = resolveFaults(this.#plan(id, seededRandom(`${seed} plan`)))
    } catch (error) {
      // An error of the user's function is thrown like that of any callback, and the client is not left waiting.
      resetSocket(client)
      throw error
    }
    const { hostname } = this.#settings.target
    const server = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: portOf(this.#settings.target),
      allowHalfOpen: true,
    })
    const connection = new Connection(id, client, server, faults, (lane) => seededRandom(`${seed} ${lane}`))
    this.#connections.add(connection)
    void connection.closed.then(() => {
      this.#connections.delete(connection)
      this.emit('close', connection)
    })
    this.#newConnections.push(connection)
    this.emit('connection', connection)
    connection.start()
  }
}

/** A limit, because a proxy may run for long. */
const CONNECTIONS_KEPT = 1024
