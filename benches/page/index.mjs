/** What is measured in a page of Chromium: its workloads, clients, figures and floors. */

/** Their adapters are in browser/clients.mjs. */
export const CLIENTS = {
  ours: 'this client',
  guide: 'plain code over the page’s WebSocket',
  parse: '`JSON.parse` of each message, and nothing else',
}

/** The client that the others are compared with. */
export const REFERENCE = 'guide'

const calls = { run: 'calls', bytes: 100, seconds: 2, warmUp: 0.5, clients: ['ours', 'guide'] }

export const WORKLOADS = {
  'page-1': { ...calls, title: '1 in flight, 100 B', inFlight: 1 },
  'page-16': { ...calls, title: '16 in flight, 100 B', inFlight: 16 },
  'page-256': { ...calls, title: '256 in flight, 100 B', inFlight: 256 },
  'page-1mb': {
    ...calls,
    title: '1 MB × 4',
    inFlight: 4,
    bytes: 1_000_000,
    seconds: 3,
    watches: true,
    clients: ['ours', 'guide', 'parse'],
  },
  'page-ready': { run: 'ready', title: 'from the first import to ready', clients: ['ours', 'guide'] },
}

/** What replaces parameters where only the harness is tested. */
export const SHORT = { seconds: 0.1, warmUp: 0.05 }

export const FIGURES = {
  callsPerSecond: { title: 'calls/s' },
  p50: { title: 'p50, µs' },
  cpuPerCall: { title: 'CPU of the page’s thread, µs/call' },
  longestTask: { title: 'longest task, ms' },
  loadTime: { title: 'to load, ms' },
  readyTime: { title: 'to ready, ms' },
}

/** Ratios, unless `to` is null. */
export const FLOORS = [
  { workload: 'page-1', figure: 'callsPerSecond', least: 0.9, to: 'guide' },
  { workload: 'page-16', figure: 'callsPerSecond', least: 0.9, to: 'guide' },
  { workload: 'page-256', figure: 'callsPerSecond', least: 0.9, to: 'guide' },
  { workload: 'page-1', figure: 'p50', most: 1.1, to: 'guide' },
  { workload: 'page-1mb', figure: 'longestTask', most: 1.3, to: 'parse' },
  { workload: 'page-ready', figure: 'readyTime', most: 30, to: null },
]

/** Bytes with gzip, of the WebAssembly module and the JavaScript together. */
export const MOST_COMPRESSED_BYTES = 70 * 1024
