/** One connection through the proxy: two sockets and the two lanes between them. */
import type { Socket } from 'node:net'
import { clearTimeout, setTimeout } from '../node.js'
import { Lane } from './lane.js'
import { resolveFaults, type ConnectionFaults } from './options.js'
import { endSocket, gone, resetSocket } from './socket.js'
import type { FaultProxyConnection, Faults } from './types.js'

export class Connection implements FaultProxyConnection {
  readonly id: number
  readonly closed: Promise<void>
  readonly #sockets: readonly Socket[]
  readonly #toServer: Lane
  readonly #toClient: Lane

  constructor(
    id: number,
    client: Socket,
    server: Socket,
    faults: ConnectionFaults,
    random: (lane: keyof Faults) => () => number,
  ) {
    this.id = id
    this.#sockets = [client, server]
    for (const socket of this.#sockets) {
      socket.setNoDelay(true)
      // An error is followed by a close, which the lanes pass on.
      socket.on('error', () => {})
    }
    this.#toServer = new Lane(client, server, this, faults.toServer, random('toServer'))
    this.#toClient = new Lane(server, client, this, faults.toClient, random('toClient'))
    this.closed = Promise.all(this.#sockets.map(gone)).then(() => {})
  }

  get bytesToServer(): number {
    return this.#toServer.passed
  }

  get bytesToClient(): number {
    return this.#toClient.passed
  }

  /** Begins to pass on bytes. */
  start(): void {
    this.#toServer.start()
    this.#toClient.start()
  }

  setFaults(faults: Faults): void {
    const { toServer, toClient } = resolveFaults(faults)
    this.#toServer.setFaults(toServer)
    this.#toClient.setFaults(toClient)
  }

  freeze(): void {
    this.#toServer.freeze()
    this.#toClient.freeze()
  }

  thaw(): void {
    this.#toServer.thaw()
    this.#toClient.thaw()
  }

  end(): void {
    this.#stop()
    for (const socket of this.#sockets) endSocket(socket)
    // If one side never ends its half, the socket of the other must not stay open.
    const overdue = setTimeout(() => this.reset(), ENDING_MS)
    void this.closed.then(() => clearTimeout(overdue))
  }

  reset(): void {
    this.#stop()
    for (const socket of this.#sockets) resetSocket(socket)
  }

  /** Like `reset()`, but without waiting for a server that has not accepted the connection yet. */
  abandon(): void {
    for (const socket of this.#sockets) if (socket.connecting) socket.destroy()
    this.reset()
  }

  #stop(): void {
    this.#toServer.stop()
    this.#toClient.stop()
  }
}

const ENDING_MS = 1_000
