/** Clients that only stay connected: the memory of each, and the cost of a heartbeat. */
import { control } from './control.mjs'
import { Meter, delay, residentBytes } from './meter.mjs'

export async function run(client, { url, controlPort, count, heartbeat, seconds }) {
  await client.load()
  // Memory that the first client needs for all of them is not counted.
  const connections = [await client.connect(url, { heartbeat })]
  await control(controlPort)
  const before = await residentBytes()
  const began = performance.now()
  while (connections.length < count + 1) {
    const batch = Math.min(100, count + 1 - connections.length)
    connections.push(...(await Promise.all(Array.from({ length: batch }, () => client.connect(url, { heartbeat })))))
  }
  const connectTime = performance.now() - began
  const memoryPerClient = (await residentBytes()) - before
  const earlier = await control(controlPort)
  if (earlier.open !== count + 1) throw new Error(`${earlier.open} of ${count + 1} connections are open`)
  const meter = new Meter({ interval: null })
  await delay(seconds * 1000)
  const { jsCpu, processCpu } = meter.stop()
  const later = await control(controlPort)
  if (later.open !== count + 1) throw new Error(`${later.open} of ${count + 1} connections are still open`)
  const heartbeats = later.pings - earlier.pings
  if (heartbeats === 0) throw new Error('the server received no heartbeat')
  return {
    memoryPerClient: memoryPerClient / count / 1e3,
    jsCpuPerHeartbeat: jsCpu / heartbeats,
    processCpuPerHeartbeat: processCpu / heartbeats,
    connectTime: connectTime / count,
  }
}
