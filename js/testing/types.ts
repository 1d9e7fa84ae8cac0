/**
 * The public types of the test server. They use only types of Node.js, because users have neither those of `ws` nor
 * those of the search library.
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
  /**
   * Your own tools by name: functions, or functions with a description. One with the name of a built-in tool takes its
   * place.
   */
  tools?: Readonly<Record<string, ToolHandler | DescribedTool>> | undefined
  /**
   * What a server of the `event` dialect says of its tools to clients that connect, as builds of the platform differ:
   * `'nameless'` sends the schemas of their parameters alone, `'named'` sends `{ name, description, parameters }`. An
   * array is sent as it is.
   * @default 'nameless'
   */
  schemas?: 'nameless' | 'named' | readonly unknown[] | undefined
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
   * How many requests and connections are kept for `requests`, `nextRequest()` and `nextConnection()`; the oldest are
   * dropped first. A server that runs for long needs a limit.
   * @default Infinity
   */
  history?: number | undefined
  /**
   * The origins of web pages that may connect, such as `https://example.com` or `app://name`, besides those of this
   * machine (`http://localhost:5173`) and of the server's own address. `null` is the origin of every sandboxed page,
   * `file://` that of every file. Other pages are refused with HTTP 403. Programs send no `Origin` and may connect.
   * @default none
   */
  allowedOrigins?: readonly string[] | undefined
  /**
   * Names and addresses of this server, without a port, besides loopback, `host` and the address at which a connection
   * arrives: a name of the machine, or of a proxy in front of it. Others are refused with HTTP 403, because a web page
   * may have made its own name point to this machine.
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
// `any`, because clients decide what the parameters are, and a handler may declare what it expects without a cast.
export type ToolHandler = (parameters: any, context: ToolContext) => unknown

/**
 * A tool that says what it is. Clients of the `event` dialect are told so; see {@link MCPTestServerOptions.schemas}.
 */
export interface DescribedTool {
  /** What the tool does, in a sentence. @default none */
  description?: string | undefined
  /** The JSON Schema of its parameters. They are not checked against it. @default any object */
  parameters?: object | undefined
  /** The tool itself. */
  run: ToolHandler
}

/** What a tool gets besides its parameters. */
export interface ToolContext {
  /** The request that it answers. */
  readonly request: MCPTestRequest
  /** Aborted when the connection has ended, because no answer can be sent any more. */
  readonly signal: AbortSignal
}

/** Options of `MCPTestServer.stub()`. */
export interface StubOptions {
  /**
   * How many requests it answers, a whole number from 1 on; later ones go to the tool itself.
   * @default Infinity
   */
  times?: number | undefined
}

/** A replacement for a tool, made by `MCPTestServer.stub()`; it works with `using` too. */
export interface ToolStub extends Disposable {
  /** Name of the tool. */
  readonly name: string
  /** The requests that it has answered or is answering, oldest first. */
  readonly requests: readonly MCPTestRequest[]
  /** Removes the stub; does nothing the second time. It needs no `this`: `t.after(stub.restore)`. */
  readonly restore: () => void
}

/** A tool request as it came. Refused requests are included, such as those of clients that are not authenticated. */
export interface MCPTestRequest {
  /** The id as it was sent; made by the server if an `event` client sent none. */
  readonly id: string | number
  /** The name of the tool. */
  readonly name: string
  /** The parameters; `undefined` if there were none. */
  readonly parameters: unknown
  /** The connection that it came on. */
  readonly connection: MCPTestConnection
  /** When it came, in ms since 1970. */
  readonly receivedAt: number
}

/** One WebSocket connection, seen from the server. */
export interface MCPTestConnection {
  /** 1 for the first connection of the server, and so on. */
  readonly id: number
  /** The wire dialect of the server. */
  readonly dialect: ServerDialect
  /** Whether the client is authenticated. Always true in the `event` dialect, which has no authentication. */
  readonly authenticated: boolean
  /** How many tool requests came on this connection. */
  readonly requestCount: number
  /** Headers of the upgrade request, names in lower case. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The subprotocol agreed on (the first one offered), or ''. */
  readonly protocol: string
  /** Resolves when the connection has ended; never rejects. */
  readonly closed: Promise<CloseFrame>
  /**
   * Sends a string unchanged, bytes as a binary frame, any other value as JSON.
   * @returns false if the connection is not open any more.
   * @throws TypeError if the value cannot be written as JSON.
   */
  send(message: unknown): boolean
  /**
   * Sends a close frame, and drops the connection if the client has not answered after 2,000 ms.
   * Resolves when the connection has ended.
   * @param code - 1000 to 1014 without 1004 to 1006, or 3000 to 4999. Default 1000.
   * @param reason - at most 123 bytes of UTF-8. Default ''.
   * Rejects with a RangeError for any other code or reason, and then nothing was sent.
   */
  close(code?: number, reason?: string): Promise<void>
  /** Drops the TCP connection without a close frame: the client sees 1006. Resolves when the connection has ended. */
  terminate(): Promise<void>
}

/** How a connection ended. */
export interface CloseFrame {
  /** The code that the client sent; 1005 if its close frame had none, 1006 if no close frame came. */
  readonly code: number
  /** The reason that came with the code; may be empty. */
  readonly reason: string
}

/** Gets every frame of a client before the server does. If it returns true, the server ignores the frame. */
export type Interceptor = (text: string, connection: MCPTestConnection) => boolean | void

/** Events of {@link MCPTestServer}, with the arguments of their listeners. */
export interface MCPTestServerEvents {
  /** A client has connected. In the `guide` dialect it has not authenticated yet. */
  connection: [connection: MCPTestConnection]
  /** A frame came: its text, before the server handles it. */
  message: [text: string, connection: MCPTestConnection]
  /** A tool request came; its tool has not run yet. */
  request: [request: MCPTestRequest]
  /**
   * A web page, or a name of the server, was refused with HTTP 403; or the system had no file handle left for a
   * connection. Why, and what to do.
   */
  refused: [reason: string]
  /** A connection has ended. */
  close: [connection: MCPTestConnection, frame: CloseFrame]
}
