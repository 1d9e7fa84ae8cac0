/** Calls that are never answered: what each keeps. */
import { residentBytes } from './meter.mjs'

export async function run(client, { url, count }) {
  await client.load()
  const connection = await client.connect(url)
  const settled = []
  const hold = (n) =>
    settled.push(connection.call({ n, bytes: 100, kind: 'hold', query: 'some words to search for' }).catch(() => {}))
  // What is made once is no call's.
  hold(0)
  const before = await residentBytes()
  for (let n = 1; n <= count; n++) hold(n)
  const after = await residentBytes()
  // They end with the connection. A client that lets them hang is not waited for: the process ends.
  await connection.close()
  return { memoryPerCall: (after - before) / count }
}
