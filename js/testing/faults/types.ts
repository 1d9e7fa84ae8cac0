/** The public types of the fault proxy. */

/**
 * What happens to the bytes of one direction, counted from the start of the connection or from the last `setFaults()`.
 */
export interface DirectionFaults {
  /**
   * ms by which all arrives later. Order stays, and so does the end of the connection in it.
   * @default 0
   */
  latency?: number | undefined
  /**
   * Up to so many ms are added to the latency, drawn anew for what is read at once.
   * @default 0
   */
  jitter?: number | undefined
  /**
   * Bytes a second.
   * @default Infinity
   */
  bandwidth?: number | undefined
  /**
   * Passed on in writes of 1 to so many bytes each, whose lengths are drawn.
   * @default Infinity
   */
  split?: number | undefined
  /**
   * ms: what comes within such a time is passed on in one write at its end.
   * @default 0
   */
  merge?: number | undefined
  /**
   * The chance of each byte, 0 to 1, to have one of its bits turned over.
   * @default 0
   */
  corruption?: number | undefined
  /**
   * After so many bytes the connection freezes in this direction: see {@link FaultProxyConnection.freeze}.
   * @default Infinity
   */
  freezeAfter?: number | undefined
  /**
   * After so many bytes the connection is ended with a FIN to both sides.
   * @default Infinity
   */
  endAfter?: number | undefined
  /**
   * After so many bytes the connection is reset: both sides get an RST. At most so many arrive: a system may throw away
   * what was not read yet.
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
  /** The URL of the server, with its port unless that is the scheme's own: `server.url` of an `MCPTestServer`, say. */
  target: string | URL
  /**
   * The faults of connections, or a function that chooses them for each.
   * @default none
   */
  faults?: Faults | FaultPlan | undefined
  /**
   * A whole number, from which all that is left to chance is drawn.
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
  /** Resolves when both its sockets are gone; never rejects. */
  readonly closed: Promise<void>
  /**
   * Replaces the faults; bytes are counted from 0 again. What is frozen stays so.
   * @throws TypeError or RangeError that names the fault
   */
  setFaults(faults: Faults): void
  /**
   * From now on nothing passes, not even the end of a side: each sees a peer that is silent, and whose TCP window fills
   * up. So it is when a cable is pulled.
   */
  freeze(): void
  /** What was frozen goes on, with all that has come since. */
  thaw(): void
  /** Ends the connection with a FIN to both sides. What is still on its way is lost. */
  end(): void
  /** Resets the connection: both sides get an RST. What is still on its way is lost. */
  reset(): void
}

/** Events of {@link FaultProxy}, with the arguments of their listeners. */
export interface FaultProxyEvents {
  /** A client has connected. Its faults are chosen; no byte has passed. */
  connection: [connection: FaultProxyConnection]
  /** Both sockets of a connection are gone. */
  close: [connection: FaultProxyConnection]
}
