// Generated from the Rust types by crates/protocol/src/typescript.rs. Do not edit.

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

/** The codes that the package uses. */
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
 * - `CONNECT_FAILED`: The connection could not be opened: DNS, TCP, a proxy, TLS or the HTTP upgrade. Not retryable if only a change
 *   of configuration can help.
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

/** The message of an error that has no other, and whether the same call may succeed later. */
export interface ErrorWords { readonly message: string; readonly retryable: boolean }

export const NOT_CONNECTED: ErrorWords = { message: 'WebSocket not connected or not authenticated', retryable: true }
export const CONNECT_FAILED: ErrorWords = { message: 'the connection could not be opened', retryable: true }
export const AUTH_FAILED: ErrorWords = { message: 'Authentication failed', retryable: false }
export const AUTH_TIMEOUT: ErrorWords = { message: 'no answer to the auth message', retryable: true }
export const CONNECTION_LOST: ErrorWords = { message: 'connection lost', retryable: true }
export const RECONNECT_EXHAUSTED: ErrorWords = { message: 'Maximum reconnection attempts reached', retryable: false }
export const REQUEST_TIMEOUT: ErrorWords = { message: 'Tool request timed out', retryable: true }
export const TOOL_ERROR: ErrorWords = { message: 'Tool execution failed', retryable: false }
export const CLOSED: ErrorWords = { message: 'the client was closed', retryable: false }
export const QUEUE_FULL: ErrorWords = { message: 'too much waits to be sent', retryable: true }
export const MESSAGE_TOO_LARGE: ErrorWords = { message: 'the message is too large', retryable: false }
export const BAD_MESSAGE: ErrorWords = { message: 'the server sent a message that is not JSON', retryable: false }
export const INTERNAL_ERROR: ErrorWords = { message: 'internal error', retryable: false }
export const NOT_ALLOWED: ErrorWords = { message: 'not allowed through this bridge', retryable: false }
export const BRIDGE_VERSION: ErrorWords = { message: 'the other end of the bridge is of another version', retryable: false }

/** All of them. Whoever needs a few imports those alone. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorWords>> = {
  NOT_CONNECTED,
  CONNECT_FAILED,
  AUTH_FAILED,
  AUTH_TIMEOUT,
  CONNECTION_LOST,
  RECONNECT_EXHAUSTED,
  REQUEST_TIMEOUT,
  TOOL_ERROR,
  CLOSED,
  QUEUE_FULL,
  MESSAGE_TOO_LARGE,
  BAD_MESSAGE,
  INTERNAL_ERROR,
  NOT_ALLOWED,
  BRIDGE_VERSION,
}

/** An event of the flight recorder. */
export interface FlightEvent {
  /** When, in ms since 1970. */
  readonly at: number
  /** When, in ms of a clock that is never set, to the microsecond. */
  readonly mono: number
  /** What it is. */
  readonly kind: string
  /** The facts that belong to it. */
  readonly [field: string]: string | number | boolean | null
}

export type Snapshot = { 
/**
 * The name of the state.
 */
state: ConnectionState, 
/**
 * The socket is open.
 */
connected: boolean, 
/**
 * The server has accepted the key: tools can be called.
 */
authenticated: boolean, 
/**
 * The endpoint in use, without its query, which may contain a key.
 */
url: string, 
/**
 * The number of the attempt; 0 when not retrying.
 */
attempt: number, 
/**
 * How long the current wait is in all, in ms, jitter included; `null` when not waiting.
 */
retryDelay: number | null, 
/**
 * When the current wait ends, in ms since the epoch; `null` when not waiting.
 */
retryAt: number | null, 
/**
 * Why the client is in this state; `null` when all is well.
 */
error: ErrorData | null, 
/**
 * Increases with every change of the state.
 */
revision: number, };
export type ErrorData = { 
/**
 * The stable code.
 */
code: string, 
/**
 * The message for people.
 */
message: string, 
/**
 * The same call, unchanged, may succeed later.
 */
retryable: boolean, 
/**
 * Every mention of this number by a client means one error.
 */
number?: number, 
/**
 * The id of the request.
 */
requestId?: string, 
/**
 * Whether the request may have been sent; false is a guarantee.
 */
sent?: boolean, 
/**
 * The code in the server's error, if it is a string.
 */
toolCode?: string, 
/**
 * The complete error value of the server; [`CallError::to_json`] writes it.
 */
data?: unknown, 
/**
 * The error that has caused this one, if it is one of the client.
 */
cause?: ErrorData, 
/**
 * The part of the dial that failed.
 */
phase?: DialPhase, 
/**
 * The HTTP status that the upgrade, or CONNECT, was answered with.
 */
status?: number, 
/**
 * Where that answer leads to, without the query.
 */
location?: string, 
/**
 * The first line of its body, if that is text; of HTML the title.
 */
body?: string, 
/**
 * The proxy that the dial went through, as `scheme://host:port`.
 */
proxy?: string, 
/**
 * The error that has caused this one, if it is one of the operating system.
 */
systemCause?: SystemCause, 
/**
 * The cause is what the user's token function threw.
 */
fromTokenFunction?: boolean, 
/**
 * The cause is what the user's url function threw.
 */
fromUrlFunction?: boolean, 
/**
 * The cause is what the user's proxy function threw.
 */
fromProxyFunction?: boolean, };
export type DialPhase = "name" | "tcp" | "proxy" | "tls" | "upgrade";
export type DialReport = { 
/**
 * The number of the connection, as in log entries.
 */
connection: number, 
/**
 * The endpoint, without its query.
 */
url: string, 
/**
 * The proxy that it went through last, as `scheme://host:port`.
 */
proxy: string | null, 
/**
 * The address of the server, or of the proxy, that took the connection: `ip:port`.
 */
address: string | null, 
/**
 * ms, the whole dial.
 */
duration: number, 
/**
 * Its phases, in the order in which they began; the last one is where it failed, if it has.
 */
phases: Array<PhaseTrace>, 
/**
 * Why it failed; `CLOSED` if it was given up. `null`: the socket is open.
 */
error: ErrorData | null, };
export type PhaseTrace = { 
/**
 * Which one.
 */
phase: DialPhase, 
/**
 * ms since the dial began.
 */
start: number, 
/**
 * ms.
 */
duration: number, 
/**
 * The addresses that the look-up of the name has brought, without ports.
 */
addresses?: Array<string>, 
/**
 * The addresses that a TCP connection was tried to, in the order of the tries.
 */
tried?: Array<TcpTrace>, 
/**
 * What was agreed in TLS, or what is known of the certificate that was refused.
 */
tls?: TlsTrace, 
/**
 * The answer to the upgrade.
 */
upgrade?: UpgradeTrace, };
export type TcpTrace = { 
/**
 * `ip:port`.
 */
address: string, 
/**
 * ms since the dial began.
 */
start: number, 
/**
 * ms.
 */
duration: number, 
/**
 * `connected`; `dropped` if another address was faster, or the time was over; or the code of the system, such as
 * `ECONNREFUSED`.
 */
outcome: string, };
export type TlsTrace = { 
/**
 * `TLSv1.2` or `TLSv1.3`; `null` if the handshake failed.
 */
version: string | null, 
/**
 * The name of the cipher suite, as the IANA has it; `null` if the handshake failed.
 */
cipher: string | null, 
/**
 * Whether an earlier session went on.
 */
resumed: boolean, 
/**
 * Whether the certificate was verified, which `tls.rejectUnauthorized: false` prevents.
 */
verified: boolean, 
/**
 * The server's certificate; `null` if none came, or it cannot be read.
 */
certificate: CertificateTrace | null, };
export type CertificateTrace = { 
/**
 * Whose it is: a distinguished name, such as `CN=example.com`.
 */
subject: string, 
/**
 * Who has signed it.
 */
issuer: string, 
/**
 * Epoch ms.
 */
notBefore: number, 
/**
 * Epoch ms.
 */
notAfter: number, };
export type UpgradeTrace = { 
/**
 * The HTTP status.
 */
status: number, 
/**
 * `Sec-WebSocket-Extensions` of the answer.
 */
extensions: string | null, 
/**
 * `Sec-WebSocket-Protocol` of the answer.
 */
protocol: string | null, };
export type SystemCause = { 
/**
 * For people.
 */
message: string, 
/**
 * Its name in Node.js, such as `ECONNREFUSED`.
 */
code?: string, 
/**
 * The IP address that it is about.
 */
address?: string, 
/**
 * Its port.
 */
port?: number, };
export type Notice = { "type": "state", 
/**
 * The new snapshot.
 */
snapshot: Snapshot, 
/**
 * The name of the previous state.
 */
previous: ConnectionState, } | { "type": "open" } | { "type": "authenticated" } | { "type": "close", 
/**
 * How it ended.
 */
info: CloseInfo, } | { "type": "reconnecting", 
/**
 * The number of the attempt, from 1.
 */
attempt: number, 
/**
 * `null` means no limit.
 */
maxAttempts: number | null, 
/**
 * How long the wait is, in ms, jitter included.
 */
delay: number, } | { "type": "heartbeat", 
/**
 * The round-trip time in ms.
 */
rtt: number, } | { "type": "failed", 
/**
 * The reason.
 */
error: ErrorData, 
/**
 * The newest events of the flight recorder: the JSON of a list of `FlightEvent`s.
 */
events: string, } | { "type": "error", 
/**
 * The error.
 */
error: ErrorData, } | { "type": "log", 
/**
 * The line.
 */
entry: LogEntry, } | { "type": "dialing", 
/**
 * The number of the connection, as in log entries.
 */
connection: number, 
/**
 * The place of the endpoint in the list.
 */
endpoint: number, 
/**
 * The endpoint, without its query.
 */
url: string, } | { "type": "dialed", 
/**
 * What it did.
 */
dial: DialReport, };
export type CloseInfo = { 
/**
 * The close code (RFC 6455 § 7.4); 1006 if no close frame came.
 */
code: number, 
/**
 * The peer's reason, or ours if the peer gave none.
 */
reason: string, 
/**
 * Both sides have sent a close frame.
 */
wasClean: boolean, 
/**
 * The client will connect again by itself.
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
 * The values that belong to it.
 */
fields: Record<string, string | number | boolean>, };
export type Stats = { 
/**
 * The name of the state.
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
 * Requests made so far.
 */
requests: number, 
/**
 * Requests answered with results.
 */
succeeded: number, 
/**
 * Requests that failed: tool errors, timeouts, aborts, lost connections.
 */
failed: number, 
/**
 * How many of those timed out.
 */
timedOut: number, 
/**
 * Answers that no request was waiting for any more.
 */
lateResponses: number, 
/**
 * Successful reconnections.
 */
reconnects: number, 
/**
 * Text messages sent.
 */
messagesSent: number, 
/**
 * Messages received.
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
 * Round-trip times of the heartbeat, in ms.
 */
heartbeatRtt: RttSummary, 
/**
 * Times from call to answer, in ms. An answer counts from when it was read, whatever JavaScript does then.
 */
requestLatency: LatencySummary, 
/**
 * When the socket was opened, in ms since the epoch; `null` if it is not open.
 */
connectedSince: number | null, 
/**
 * How long results lay ready until JavaScript took them, in ms. Whoever delivers them measures it: the session
 * itself gives none.
 */
eventLoopWait: LatencySummary, };
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
 * How many were measured.
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
