/** Calls that are never answered: the memory of each. */
import { residentBytes } from './meter.mjs'

export async function run(client, { url, count }) {
  await client.load()
  const connection = await client.connect(url)
  const settled = []
  const hold = (n) =>
    settled.push(connection.call({ n, bytes: 100, kind: 'hold', query: 'some words to search for' }).catch(() => {}))
  // Memory that the first call needs for all of them is not counted.
  hold(0)
  const before = await residentBytes()
  for (let n = 1; n <= count; n++) hold(n)
  const after = await residentBytes()
  // Closing should settle them. A client that leaves them pending is not waited for: the process exits.
  await connection.close()
  return { memoryPerCall: (after - before) / count }
}
