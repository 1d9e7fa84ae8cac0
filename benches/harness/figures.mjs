/** The figures: their names and units, how they are written, and whether higher or lower is better. */

export const FIGURES = {
  callsPerSecond: { title: 'calls/s', better: 'higher' },
  p50: { title: 'p50', unit: 'µs' },
  p99: { title: 'p99', unit: 'µs' },
  jsCpu: { title: 'JS CPU', unit: 'µs/call' },
  processCpu: { title: 'process CPU', unit: 'µs/call' },
  loopDelay: { title: 'longest loop delay', unit: 'ms' },
  peakMemory: { title: 'peak RSS', unit: 'MB' },
  addedMemory: { title: 'added by the burst', unit: 'MB' },
  memoryPerCall: { title: 'memory per waiting call', unit: 'B' },
  memoryPerClient: { title: 'memory per client', unit: 'KB' },
  jsCpuPerHeartbeat: { title: 'JS CPU per heartbeat', unit: 'µs' },
  processCpuPerHeartbeat: { title: 'process CPU per heartbeat', unit: 'µs' },
  connectTime: { title: 'to connect, per client', unit: 'ms' },
  loadTime: { title: 'to load', unit: 'ms' },
  firstClientTime: { title: 'to load and make a client', unit: 'ms' },
  loadMemory: { title: 'memory of what is loaded', unit: 'MB' },
  timeToReady: { title: 'until all are ready', unit: 'ms' },
  jsCpuTotal: { title: 'JS CPU', unit: 'ms' },
  processCpuTotal: { title: 'process CPU', unit: 'ms' },
  dropped: { title: 'connections lost', unit: '' },
}

/** The figures of each group of workloads, in the order of the columns. */
export const COLUMNS = {
  calls: ['callsPerSecond', 'p50', 'p99', 'jsCpu', 'processCpu', 'loopDelay', 'peakMemory'],
  burst: ['callsPerSecond', 'jsCpu', 'processCpu', 'loopDelay', 'peakMemory', 'addedMemory'],
  pending: ['memoryPerCall'],
  idle: ['memoryPerClient', 'jsCpuPerHeartbeat', 'processCpuPerHeartbeat', 'connectTime'],
  load: ['loadTime', 'firstClientTime', 'loadMemory'],
  storm: ['timeToReady', 'jsCpuTotal', 'processCpuTotal', 'loopDelay'],
  blocked: ['dropped'],
}

export function isHigherBetter(figure) {
  return FIGURES[figure].better === 'higher'
}

/** Three significant digits, and all before the point: `0.0123`, `1.23`, `12.3`, `123`, `12,345`. */
export function write(value) {
  if (value === null || !Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value === 0 ? '0' : Number(value.toPrecision(3)).toString()
}
