/**
 * The public types of the test server. They name nothing but Node.js's own types: users have neither the types of `ws`
 * nor those of the search library.
 */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * The wire dialects of the platform: the integration guide's own, and the one of the event servers. See PROTOCOL.md.
 */
export type ServerDialect = 'guide' | 'event'

/**
 * Options of `MCPTestServer.listen()`. An unknown name or a value out of its range rejects with a TypeError or
 * RangeError that names it.
 */
export interface MCPTestServerOptions {
  /**
   * TCP port, 0 to 65535. 0 takes any free one: look at `server.port` or `server.url`.
   * @default 0
   */
  port?: number | undefined
  /**
   * Address to bind. The default can be reached from this machine only.
   * @default '127.0.0.1'
   */
  host?: string | undefined
  /**
   * The path that is upgraded, starting with a slash. Any other path is refused with HTTP 400.
   * @default '/mcp-ws'
   */
  path?: string | undefined
  /**
   * The tokens that authenticate in the `guide` dialect. Left out, every token that is not empty does, `anonymous`
   * included. The `event` dialect has no authentication.
   */
  tokens?: readonly string[] | undefined
  /** Your own tools by name. One with the name of a built-in tool takes its place. */
  tools?: Readonly<Record<string, ToolHandler>> | undefined
  /** @default 'guide' */
  dialect?: ServerDialect | undefined
  /**
   * The folder that `web_search` searches, with its subfolders: Markdown, text and HTML files. It is read at the first
   * search and kept. Left out, the documents of this package are searched.
   */
  docs?: string | undefined
  /**
   * Whether to compress messages (permessage-deflate, RFC 7692) for clients that offer it.
   * @default false
   */
  compression?: boolean | undefined
  /**
   * How many requests and connections are remembered for `requests`, `nextRequest()` and `nextConnection()`; the oldest
   * are forgotten first. A server that runs for long wants a bound.
   * @default Infinity
   */
  history?: number | undefined
  /**
   * Web pages that may connect besides those of this machine (`http://localhost:5173` say) and of the server's own
   * address: their origins, `https://example.com` or `app://name` say. `null` is that of every sandboxed page,
   * `file://` that of every file. All other pages are refused with HTTP 403. Programs, which send no `Origin`, are let
   * in.
   * @default none
   */
  allowedOrigins?: readonly string[] | undefined
  /**
   * Names and addresses without a port by which the server may be called besides loopback, `host` and the address at
   * which a connection comes in: a name of its machine, or of a proxy before it. Others are refused with HTTP 403,
   * because a web page may have let its own name point to this machine.
   * @default none
   */
  allowedHosts?: readonly string[] | undefined
}

/**
 * A tool: gets the parameters of the request, returns its results or a promise of them.
 *
 * What it returns is sent as JSON; `undefined` is an answer without `results`. What it throws becomes the protocol's
 * error, `{ message, code }`, with the error's own `code` if that is a string, else `TOOL_ERROR`; see {@link
 * ToolFailure}.
 */
// `any`: the wire decides what the parameters are, and a handler may say what it expects without a cast.
export type ToolHandler = (parameters: any, context: ToolContext) => unknown

/** What a tool may know besides its parameters. */
export interface ToolContext {
  readonly request: MCPTestRequest
  /** Aborted when the connection is gone, because nobody can be answered any more. */
  readonly signal: AbortSignal
}

/** Options of `MCPTestServer.stub()`. */
export interface StubOptions {
  /**
   * How many requests it answers, a whole number from 1 on; those after it get the tool that it stands for.
   * @default Infinity
   */
  times?: number | undefined
}

/** A stand-in for a tool, made by `MCPTestServer.stub()`; also `using`. */
export interface ToolStub extends Disposable {
  /** Name of the tool. */
  readonly name: string
  /** The requests that it has answered or is answering, oldest first. */
  readonly requests: readonly MCPTestRequest[]
  /** Ends it; does nothing the second time. It needs no `this`: `t.after(stub.restore)`. */
  readonly restore: () => void
}

/** A tool request as it came. Requests that were refused, for want of authentication say, are among them. */
export interface MCPTestRequest {
  /** As it was sent; made up by the server when an `event` client sent none. */
  readonly id: string | number
  readonly name: string
  /** `undefined` when there were none. */
  readonly parameters: unknown
  readonly connection: MCPTestConnection
  /** Milliseconds since 1970. */
  readonly receivedAt: number
}

/** One WebSocket connection, seen from the server. */
export interface MCPTestConnection {
  /** 1 for the first connection of the server, and so on. */
  readonly id: number
  readonly dialect: ServerDialect
  /** In the `event` dialect always true: it has no authentication. */
  readonly authenticated: boolean
  /** Tool requests received on this connection. */
  readonly requestCount: number
  /** Headers of the upgrade request, names in lower case. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The subprotocol agreed on (the first one offered), or ''. */
  readonly protocol: string
  /** Resolves when the connection is gone; never rejects. */
  readonly closed: Promise<CloseFrame>
  /**
   * Sends a string as it is, bytes as a binary frame, anything else as JSON.
   * @returns false when the connection is not open any more.
   * @throws TypeError when the value has no JSON form.
   */
  send(message: unknown): boolean
  /**
   * Starts the closing handshake, gives the client 2,000 ms for its part and then drops the connection.
   * Resolves when the connection is gone.
   * @param code - 1000 to 1014 without 1004 to 1006, or 3000 to 4999. Default 1000.
   * @param reason - at most 123 bytes of UTF-8. Default ''.
   * Rejects with a RangeError for any other code or reason, and then nothing was sent.
   */
  close(code?: number, reason?: string): Promise<void>
  /** Drops the TCP connection without a close frame: the client sees 1006. Resolves when the connection is gone. */
  terminate(): Promise<void>
}

/** How a connection ended. */
export interface CloseFrame {
  /** The code that the client sent; 1005 when its close frame had none, 1006 when no close frame came. */
  readonly code: number
  readonly reason: string
}

/** Sees every frame of a client before the server does. Returns true to keep the frame from the server. */
export type Interceptor = (text: string, connection: MCPTestConnection) => boolean | void

/** Events of {@link MCPTestServer}, with the arguments of their listeners. */
export interface MCPTestServerEvents {
  /** A client has connected. In the `guide` dialect it has not authenticated yet. */
  connection: [connection: MCPTestConnection]
  /** A frame came, whatever it holds: its text, before anything is done with it. */
  message: [text: string, connection: MCPTestConnection]
  /** A tool request came; its tool has not run yet. */
  request: [request: MCPTestRequest]
  /** A web page, or a name of the server, was refused with HTTP 403: why, and what would let it in. */
  refused: [reason: string]
  /** A connection is gone. */
  close: [connection: MCPTestConnection, frame: CloseFrame]
}
