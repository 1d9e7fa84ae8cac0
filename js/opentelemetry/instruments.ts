/** The instruments of a meter. */
import type { Histogram, Meter, UpDownCounter } from '@opentelemetry/api'

export class Instruments {
  /** Seconds from call to answer. */
  readonly duration: Histogram
  readonly calls: UpDownCounter
  readonly connections: UpDownCounter

  constructor(meter: Meter) {
    this.duration = meter.createHistogram('mcp.client.operation.duration', {
      description: 'The duration of a call, from the call to its answer.',
      unit: 's',
      advice: { explicitBucketBoundaries: BUCKETS },
    })
    this.calls = meter.createUpDownCounter('mcp.client.active_requests', {
      description: 'The number of calls in flight or waiting for the connection.',
      unit: '{request}',
    })
    this.connections = meter.createUpDownCounter('mcp.client.open_connections', {
      description: 'The number of open connections.',
      unit: '{connection}',
    })
  }
}

/** Those that the semantic conventions advise, in seconds. */
const BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
