/**
 * The workloads. Each belongs to a `group`, the module that runs it, and has that module's parameters. `short` replaces
 * some of them when only the harness is tested. `rare` workloads are measured in every second round. A workload with
 * `awake` repeats the one of that name with the cores kept awake. With `compressed` the server agrees to compress
 * messages, and only clients that can are measured; with `line` there is a slow line before it.
 */

const calls = { group: 'calls', kind: 'plain', seconds: 1, warmUp: 0.3, short: { seconds: 0.05, warmUp: 0.02 } }
const compressed = { ...calls, kind: 'varied', compressed: true }
/** 20 Mbit/s, and 20 ms there and back. */
const overLine = {
  ...compressed,
  line: { bandwidth: 2_500_000, latency: 10 },
  seconds: 3,
  short: { seconds: 0.1, warmUp: 0 },
}
const overTls = { ...calls, tls: true, rare: true, bytes: 100 }

export const WORKLOADS = {
  'calls-1': { ...calls, title: '1 in flight, 100 B', inFlight: 1, bytes: 100 },
  'calls-16': { ...calls, title: '16 in flight, 100 B', inFlight: 16, bytes: 100 },
  'calls-256': { ...calls, title: '256 in flight, 100 B', inFlight: 256, bytes: 100 },
  'awake-1': { ...calls, title: '1 in flight, 100 B, cores kept awake', inFlight: 1, bytes: 100, awake: 'calls-1' },
  'awake-16': { ...calls, title: '16 in flight, 100 B, cores kept awake', inFlight: 16, bytes: 100, awake: 'calls-16' },
  'awake-256': {
    ...calls,
    title: '256 in flight, 100 B, cores kept awake',
    inFlight: 256,
    bytes: 100,
    awake: 'calls-256',
  },
  '10kb-x16': { ...calls, title: '10 KB × 16', inFlight: 16, bytes: 10_000 },
  '1mb-x4': { ...calls, title: '1 MB × 4', inFlight: 4, bytes: 1_000_000 },
  '10mb-x1': { ...calls, title: '10 MB × 1', inFlight: 1, bytes: 10_000_000 },
  '10kb-wide-x16': { ...calls, title: '10 KB × 16, not ASCII', inFlight: 16, bytes: 10_000, kind: 'wide', rare: true },
  '1mb-wide-x4': { ...calls, title: '1 MB × 4, not ASCII', inFlight: 4, bytes: 1_000_000, kind: 'wide' },
  '10mb-wide-x1': { ...calls, title: '10 MB × 1, not ASCII', inFlight: 1, bytes: 10_000_000, kind: 'wide', rare: true },
  'tls-1': { ...overTls, title: '1 in flight, 100 B, TLS', inFlight: 1 },
  'tls-16': { ...overTls, title: '16 in flight, 100 B, TLS', inFlight: 16 },
  'tls-256': { ...overTls, title: '256 in flight, 100 B, TLS', inFlight: 256 },
  'compressed-256': { ...compressed, title: '256 in flight, 100 B, compression agreed on', inFlight: 256, bytes: 100 },
  'compressed-10kb-x16': { ...compressed, title: '10 KB × 16, compressed', inFlight: 16, bytes: 10_000 },
  'compressed-1mb-x1': { ...compressed, title: '1 MB × 1, compressed', inFlight: 1, bytes: 1_000_000 },
  'line-10kb-x16': {
    ...overLine,
    title: '10 KB × 16, compressed, over 20 Mbit/s and 20 ms',
    inFlight: 16,
    bytes: 10_000,
  },
  'line-1mb-x1': {
    ...overLine,
    title: '1 MB × 1, compressed, over 20 Mbit/s and 20 ms',
    inFlight: 1,
    bytes: 1_000_000,
  },
  burst: {
    group: 'burst',
    title: 'a burst of 100,000 calls at once',
    rare: true,
    count: 100_000,
    short: { count: 500 },
  },
  pending: { group: 'pending', title: '20,000 calls that wait', rare: true, count: 20_000, short: { count: 100 } },
  idle: {
    group: 'idle',
    title: '1,000 idle clients',
    count: 1000,
    heartbeat: 100,
    seconds: 2,
    short: { count: 20, heartbeat: 50, seconds: 0.1 },
  },
  load: { group: 'load', title: 'time to load', times: 15, short: { times: 2 } },
  storm: {
    group: 'storm',
    title: 'reconnect storm of 1,000 clients',
    rare: true,
    count: 1000,
    away: 1000,
    short: { count: 20, away: 100 },
  },
  blocked: {
    group: 'blocked',
    title: 'JavaScript blocked for 2 s, 100 clients',
    rare: true,
    count: 100,
    block: 2000,
    limit: 300,
    short: { count: 5, block: 500 },
  },
}

/** Growth curves: which parameter varies, over which values, and which figures are plotted. */
export const GROWTH = {
  'in-flight': {
    title: 'Calls in flight (100 B)',
    varied: 'inFlight',
    values: [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536],
    figures: ['callsPerSecond', 'jsCpu', 'processCpu', 'p50', 'p99', 'loopDelay', 'peakMemory'],
    plots: ['callsPerSecond', 'jsCpu'],
    workload: { ...calls, bytes: 100, seconds: 2 },
  },
  bytes: {
    title: 'Bytes of a result (1 in flight)',
    varied: 'bytes',
    values: [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 64_000_000],
    figures: ['callsPerSecond', 'jsCpu', 'processCpu', 'p50', 'loopDelay', 'peakMemory'],
    plots: ['callsPerSecond', 'jsCpu', 'loopDelay'],
    workload: { ...calls, inFlight: 1, seconds: 2 },
  },
  clients: {
    title: 'Idle clients in one process',
    varied: 'count',
    values: [1, 10, 100, 1000, 10_000],
    figures: ['memoryPerClient', 'jsCpuPerHeartbeat', 'processCpuPerHeartbeat', 'connectTime'],
    plots: ['memoryPerClient', 'jsCpuPerHeartbeat'],
    workload: { ...WORKLOADS.idle, heartbeat: 1000, seconds: 4 },
  },
}

/** Enough to run every group and every client once. */
export const SHORT = [
  'calls-16',
  '1mb-wide-x4',
  'tls-16',
  'compressed-10kb-x16',
  'line-10kb-x16',
  'burst',
  'pending',
  'idle',
  'load',
  'storm',
  'blocked',
]

/** The clients that are measured with compression. */
const COMPRESSING = ['ours', 'ours-plain', 'ws', 'undici']

/** Whether a client can be measured in a workload. */
export function applies(workload, client) {
  const { group, tls = false, awake, compressed = false } = WORKLOADS[workload]
  if (compressed) return COMPRESSING.includes(client)
  // It differs from ours in nothing else.
  if (client === 'ours-plain') return false
  // It waits for nothing, so its thread never sleeps.
  if (client === 'no-network') return group === 'calls' && !tls && !awake
  // Its WebSocket is loaded when it starts.
  if (client === 'bun') return group !== 'load'
  return true
}
