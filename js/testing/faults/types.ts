/** The public types of the fault proxy. */

/**
 * The faults of one direction. Bytes are counted from the start of the connection, or from the last `setFaults()`.
 */
export interface DirectionFaults {
  /**
   * The delay of everything, the end of the connection included, in ms. The order stays the same.
   * @default 0
   */
  latency?: number | undefined
  /**
   * The longest random delay added to the latency, in ms; drawn anew for each read.
   * @default 0
   */
  jitter?: number | undefined
  /**
   * The bandwidth in bytes per second.
   * @default Infinity
   */
  bandwidth?: number | undefined
  /**
   * The longest write in bytes; the length of each is drawn from 1 to that.
   * @default Infinity
   */
  split?: number | undefined
  /**
   * A time in ms: what arrives within it is passed on in one write at its end.
   * @default 0
   */
  merge?: number | undefined
  /**
   * The probability, 0 to 1, that one bit of a byte is flipped.
   * @default 0
   */
  corruption?: number | undefined
  /**
   * The number of bytes after which this direction freezes: see {@link FaultProxyConnection.freeze}.
   * @default Infinity
   */
  freezeAfter?: number | undefined
  /**
   * The number of bytes after which the connection is ended, with a FIN to both sides.
   * @default Infinity
   */
  endAfter?: number | undefined
  /**
   * The number of bytes after which the connection is reset: both sides get an RST. Fewer may arrive, because a system
   * may drop what was not read yet.
   * @default Infinity
   */
  resetAfter?: number | undefined
}

/** The faults of a connection. */
export interface Faults {
  /** From the client to the server. */
  toServer?: DirectionFaults | undefined
  /** From the server to the client. */
  toClient?: DirectionFaults | undefined
}

/**
 * Chooses the faults of each new connection.
 * @param connection - 1 for the first connection of the proxy, and so on
 * @param random - numbers from 0 to below 1; the same ones for the same seed and connection
 */
export type FaultPlan = (connection: number, random: () => number) => Faults

/**
 * Options of `FaultProxy.listen()`. An unknown name or a value out of its range rejects with a TypeError or RangeError
 * that names it.
 */
export interface FaultProxyOptions {
  /** The URL of the server, such as `server.url` of an `MCPTestServer`; without a port, the default of its scheme. */
  target: string | URL
  /**
   * The faults of connections, or a function that chooses them for each.
   * @default none
   */
  faults?: Faults | FaultPlan | undefined
  /**
   * The seed of everything random, a whole number.
   * @default 1
   */
  seed?: number | undefined
  /**
   * TCP port, 0 to 65535. 0 takes any free one.
   * @default 0
   */
  port?: number | undefined
  /**
   * Address to bind. The default can be reached from this machine only.
   * @default '127.0.0.1'
   */
  host?: string | undefined
}

/** One connection through the proxy. */
export interface FaultProxyConnection {
  /** 1 for the first connection of the proxy, and so on. */
  readonly id: number
  /** Bytes passed on to the server. */
  readonly bytesToServer: number
  /** Bytes passed on to the client. */
  readonly bytesToClient: number
  /** Resolves when both sockets have closed; never rejects. */
  readonly closed: Promise<void>
  /**
   * Replaces the faults; bytes are counted from 0 again. A frozen direction stays frozen.
   * @throws TypeError or RangeError that names the fault
   */
  setFaults(faults: Faults): void
  /**
   * From now on nothing passes, not even the end of a side, as if a cable were pulled: each side sees a silent peer
   * whose TCP window fills up.
   */
  freeze(): void
  /** Undoes `freeze()`; what arrived meanwhile is passed on. */
  thaw(): void
  /** Ends the connection with a FIN to both sides. Data still on its way is lost. */
  end(): void
  /** Resets the connection: both sides get an RST. Data still on its way is lost. */
  reset(): void
}

/** Events of {@link FaultProxy}, with the arguments of their listeners. */
export interface FaultProxyEvents {
  /** A client has connected. Its faults are chosen, and nothing was passed on yet. */
  connection: [connection: FaultProxyConnection]
  /** Both sockets of a connection have closed. */
  close: [connection: FaultProxyConnection]
}
