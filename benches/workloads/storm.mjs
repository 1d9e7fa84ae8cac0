/**
 * The server drops all connections, refuses new ones for a while, and returns: the time until all clients are ready.
 */
import { control } from './control.mjs'
import { Meter } from './meter.mjs'

export async function run(client, { url, controlPort, count, away }) {
  await client.load()
  let ready = 0
  let lost = 0
  let onAllReady
  const allReady = new Promise((resolve) => (onAllReady = resolve))
  const onReady = () => {
    ready++
    if (ready === 2 * count) onAllReady(performance.now())
  }
  const options = { backoff: BACKOFF, onReady, onLost: () => lost++ }
  const connections = await Promise.all(Array.from({ length: count }, () => client.connect(url, options)))
  const meter = new Meter()
  const began = performance.now()
  await control(controlPort, `vanish ${away}`)
  const end = await allReady
  const { jsCpu, processCpu, loopDelay } = meter.stop()
  if (lost !== count) throw new Error(`${count} connections were dropped, ${lost} were reported`)
  const { open } = await control(controlPort)
  if (open !== count) throw new Error(`${open} of ${count} connections are open again`)
  await Promise.all(connections.map((connection) => connection.close()))
  return { timeToReady: end - began - away, jsCpuTotal: jsCpu / 1000, processCpuTotal: processCpu / 1000, loopDelay }
}

/** ms; the same for all. */
const BACKOFF = { base: 100, factor: 1.5, max: 200 }
