/**
 * JavaScript blocks the event loop, while the server drops connections that have been silent for a while: how many are
 * lost.
 */
import { control } from './control.mjs'
import { delay } from './meter.mjs'

export async function run(client, { url, controlPort, count, block, limit }) {
  await client.load()
  const before = await control(controlPort)
  const options = { heartbeat: limit / 3 }
  for (let i = 0; i < count; i++) {
    // On a busy machine, a slow client may lose a connection already now; the server counts it.
    await client.connect(`${url}?limit=${limit}`, options).catch(() => {})
  }
  await delay(limit)
  const end = performance.now() + block
  while (performance.now() < end);
  const after = await control(controlPort)
  if (after.accepted - before.accepted < count)
    throw new Error(`only ${after.accepted - before.accepted} of ${count} clients connected`)
  return { dropped: after.silent - before.silent }
}
