/** A large number of calls in one turn of the event loop. */
import { Expectation } from './expected.mjs'
import { Meter, peakBytes } from './meter.mjs'

export async function run(client, { url, count }) {
  await client.load()
  const connection = await client.connect(url)
  const expectation = new Expectation(100, 'plain')

  async function burst(size) {
    const calls = Array.from({ length: size }, (_, n) =>
      connection.call({ n, bytes: 100, kind: 'plain', query: 'some words to search for' }),
    )
    const results = await Promise.all(calls)
    for (const [n, result] of results.entries()) expectation.check(result, n)
  }

  await burst(Math.ceil(count / 10))
  const before = process.memoryUsage.rss()
  const meter = new Meter()
  await burst(count)
  const { seconds, jsCpu, processCpu, loopDelay } = meter.stop()
  const peak = peakBytes()
  await connection.close()
  return {
    callsPerSecond: count / seconds,
    jsCpu: jsCpu / count,
    processCpu: processCpu / count,
    loopDelay,
    peakMemory: peak / 1e6,
    addedMemory: Math.max(peak - before, 0) / 1e6,
  }
}
