/**
 * JavaScript that computes for long, against a server that drops whom it has not heard for a while: how many
 * connections are lost.
 */
import { control } from './control.mjs'
import { delay } from './meter.mjs'

export async function run(client, { url, controlPort, count, block, limit }) {
  await client.load()
  const before = await control(controlPort)
  const options = { heartbeat: limit / 3 }
  for (let i = 0; i < count; i++) {
    // On a busy machine a slow client loses one already here; the server counts it.
    await client.connect(`${url}?limit=${limit}`, options).catch(() => {})
  }
  await delay(limit)
  const end = performance.now() + block
  while (performance.now() < end);
  const after = await control(controlPort)
  if (after.accepted - before.accepted < count)
    throw new Error(`only ${after.accepted - before.accepted} of ${count} clients came`)
  return { dropped: after.silent - before.silent }
}
