// Generated from the Rust types by src/binding/types.rs. Do not edit.

/** Lifecycle of one client. */
export type ConnectionState =
  | 'idle'
  | 'connecting'
  | 'authenticating'
  | 'ready'
  | 'unauthorized'
  | 'reconnecting'
  | 'closing'
  | 'closed'
  | 'failed'

/** Kinds of items of the mailbox. */
export const ITEM = {
  RESULTS: 0,
  RESULT: 1,
  OPEN: 2,
  ELEMENTS: 3,
  CLOSE: 4,
  BYTES: 5,
  DONE: 6,
  FAILED: 7,
  NOTICE: 8,
  MESSAGE: 9,
  ASK_TOKEN: 10,
  NOTHING: 11,
} as const

/** Bits of `NativeClient.setInterest`. */
export const INTEREST = {
  messages: 1,
  heartbeats: 2,
  logs: 4,
  opens: 8,
} as const

/** Bits of the `flags` of `request`. */
export const FLAG = {
  idempotent: 1,
  wantsBytes: 2,
  mayBeAborted: 4,
} as const

/** The codes that the package itself uses. */
export type ErrorCode =
  | 'NOT_CONNECTED'
  | 'CONNECT_FAILED'
  | 'AUTH_FAILED'
  | 'AUTH_TIMEOUT'
  | 'CONNECTION_LOST'
  | 'RECONNECT_EXHAUSTED'
  | 'REQUEST_TIMEOUT'
  | 'TOOL_ERROR'
  | 'CLOSED'
  | 'QUEUE_FULL'
  | 'MESSAGE_TOO_LARGE'
  | 'BAD_MESSAGE'
  | 'INTERNAL_ERROR'
  | 'NOT_ALLOWED'
  | 'BRIDGE_VERSION'

/**
 * The stable code of an {@link MCPError}; codes may be added.
 *
 * - `NOT_CONNECTED`: The client is not connected and is not connecting, or has not been authenticated.
 * - `CONNECT_FAILED`: The connection could not be opened: DNS, TCP, TLS or the HTTP upgrade. Not retryable if only a change of
 *   configuration can help.
 * - `AUTH_FAILED`: The server refused the key, or the `apiKey` function failed.
 * - `AUTH_TIMEOUT`: The server did not answer the auth message within `authTimeout`.
 * - `CONNECTION_LOST`: The connection was lost before the answer came. `sent` says whether the tool may have run.
 * - `RECONNECT_EXHAUSTED`: `maxReconnectAttempts` attempts have failed; `cause` is the last failure.
 * - `REQUEST_TIMEOUT`: No answer came within the timeout of the call.
 * - `TOOL_ERROR`: The server answered the call with an error, which `toolCode` and `data` describe.
 * - `CLOSED`: `close()` was called.
 * - `QUEUE_FULL`: `maxPending`, `offlineQueueLimit` or `maxBufferedAmount` is reached.
 * - `MESSAGE_TOO_LARGE`: A message is larger than `maxBufferedAmount` or `maxMessageSize`, or longer than a JavaScript string can
 *   be.
 * - `BAD_MESSAGE`: The server sent something that is not JSON.
 * - `INTERNAL_ERROR`: The client itself has a bug.
 * - `NOT_ALLOWED`: The serving end of a bridge does not allow this.
 * - `BRIDGE_VERSION`: The two ends of a bridge come from incompatible versions of the package.
 */
export type MCPErrorCode = ErrorCode | (string & {})

/** The message of an error that has no more to say, and whether the same call, unchanged, may succeed later. */
export const ERROR_CODES: Readonly<Record<ErrorCode, { readonly message: string; readonly retryable: boolean }>> = {
  NOT_CONNECTED: { message: 'WebSocket not connected or not authenticated', retryable: true },
  CONNECT_FAILED: { message: 'the connection could not be opened', retryable: true },
  AUTH_FAILED: { message: 'Authentication failed', retryable: false },
  AUTH_TIMEOUT: { message: 'no answer to the auth message', retryable: true },
  CONNECTION_LOST: { message: 'connection lost', retryable: true },
  RECONNECT_EXHAUSTED: { message: 'Maximum reconnection attempts reached', retryable: false },
  REQUEST_TIMEOUT: { message: 'Tool request timed out', retryable: true },
  TOOL_ERROR: { message: 'Tool execution failed', retryable: false },
  CLOSED: { message: 'the client was closed', retryable: false },
  QUEUE_FULL: { message: 'too much waits to be sent', retryable: true },
  MESSAGE_TOO_LARGE: { message: 'the message is too large', retryable: false },
  BAD_MESSAGE: { message: 'the server sent a message that is not JSON', retryable: false },
  INTERNAL_ERROR: { message: 'internal error', retryable: false },
  NOT_ALLOWED: { message: 'not allowed through this bridge', retryable: false },
  BRIDGE_VERSION: { message: 'the other end of the bridge is of another version', retryable: false },
}

export type Snapshot = { 
/**
 * The state's name.
 */
state: ConnectionState, 
/**
 * The socket is open.
 */
connected: boolean, 
/**
 * Tools can be used.
 */
authenticated: boolean, 
/**
 * Endpoint in use; never holds credentials.
 */
url: string, 
/**
 * 0 when not retrying, else the number of the attempt.
 */
attempt: number, 
/**
 * ms of the wait now running, jitter included.
 */
retryDelay: number | null, 
/**
 * When the wait now running ends, ms since the epoch: for whoever begins to look in the middle of it.
 */
retryAt: number | null, 
/**
 * Why the state is what it is.
 */
error: ErrorData | null, 
/**
 * Rises with every change of the state.
 */
revision: number, };
export type ErrorData = { 
/**
 * The stable code; empty in a `cause` that comes from the system.
 */
code: string, 
/**
 * For people.
 */
message: string, 
/**
 * A retry of the same call may succeed.
 */
retryable: boolean, 
/**
 * The request's id.
 */
requestId?: string, 
/**
 * Whether the request may have left.
 */
sent?: boolean, 
/**
 * The server's own code.
 */
toolCode?: string, 
/**
 * The server's error value.
 */
data?: unknown, 
/**
 * What led to it.
 */
cause?: ErrorData, 
/**
 * The cause is what the user's own token function threw.
 */
fromTokenFunction?: boolean, };
export type Notice = { "type": "state", 
/**
 * The new picture.
 */
snapshot: Snapshot, 
/**
 * The name of the state before.
 */
previous: ConnectionState, } | { "type": "open" } | { "type": "authenticated" } | { "type": "close", 
/**
 * How.
 */
info: CloseInfo, } | { "type": "reconnecting", 
/**
 * 1 is the first.
 */
attempt: number, 
/**
 * `null` means no limit.
 */
maxAttempts: number | null, 
/**
 * ms, jitter included.
 */
delay: number, } | { "type": "heartbeat", 
/**
 * Round trip in ms.
 */
rtt: number, } | { "type": "failed", 
/**
 * Why.
 */
error: ErrorData, } | { "type": "error", 
/**
 * What.
 */
error: ErrorData, } | { "type": "log", 
/**
 * The line.
 */
entry: LogEntry, };
export type CloseInfo = { 
/**
 * RFC 6455 § 7.4 code; 1006 when no close frame came.
 */
code: number, 
/**
 * The peer's words, or ours where the peer said none.
 */
reason: string, 
/**
 * Both sides said goodbye.
 */
wasClean: boolean, 
/**
 * The client will dial again by itself.
 */
willReconnect: boolean, };
export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogEntry = { 
/**
 * Severity.
 */
level: LogLevel, 
/**
 * What happened.
 */
message: string, 
/**
 * The figures that go with it.
 */
fields: Record<string, string | number | boolean>, };
export type Stats = { 
/**
 * The state's name.
 */
state: ConnectionState, 
/**
 * Requests in flight.
 */
pending: number, 
/**
 * Requests that wait for `ready`.
 */
queued: number, 
/**
 * Requests ever started.
 */
requests: number, 
/**
 * Requests answered with results.
 */
succeeded: number, 
/**
 * Tool errors, timeouts, aborts, losses.
 */
failed: number, 
/**
 * Of those, timeouts.
 */
timedOut: number, 
/**
 * Answers that nobody waited for any more.
 */
lateResponses: number, 
/**
 * Successful ones.
 */
reconnects: number, 
/**
 * Text messages handed to the socket.
 */
messagesSent: number, 
/**
 * Messages that came.
 */
messagesReceived: number, 
/**
 * Bytes of the messages sent, without framing.
 */
bytesSent: number, 
/**
 * Bytes of the messages received, without framing.
 */
bytesReceived: number, 
/**
 * Heartbeat round trips in ms.
 */
heartbeatRtt: RttSummary, 
/**
 * Time from call to answer in ms.
 */
requestLatency: LatencySummary, 
/**
 * When the open socket opened, ms since the epoch.
 */
connectedSince: number | null, };
export type RttSummary = { 
/**
 * The newest.
 */
last: number | null, 
/**
 * The shortest.
 */
min: number | null, 
/**
 * The arithmetic mean.
 */
mean: number | null, 
/**
 * The longest.
 */
max: number | null, };
export type LatencySummary = { 
/**
 * Answers measured.
 */
count: number, 
/**
 * Median.
 */
p50: number | null, 
/**
 * 90th percentile.
 */
p90: number | null, 
/**
 * 99th percentile.
 */
p99: number | null, 
/**
 * The longest.
 */
max: number | null, };
export type OptionFault = "TypeError" | "RangeError";
export type OptionError = { 
/**
 * Which JavaScript error it becomes.
 */
kind: OptionFault, 
/**
 * The option's name.
 */
option: string, 
/**
 * The sentence for the user.
 */
message: string, };
