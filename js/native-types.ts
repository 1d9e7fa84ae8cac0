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
 * The stable code.
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
 * What led to it, if that is an error of the client.
 */
cause?: ErrorData, 
/**
 * The part of the dial that failed.
 */
phase?: DialPhase, 
/**
 * The HTTP status that the upgrade was answered with.
 */
status?: number, 
/**
 * What led to it, if that is an error of the system.
 */
systemCause?: SystemCause, 
/**
 * The cause is what the user's own token function threw.
 */
fromTokenFunction?: boolean, };
export type DialPhase = "name" | "tcp" | "tls" | "upgrade";
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
