/** Several callers, each of which makes its next call as soon as it has the answer to the last. */
import { Expectation } from './expected.mjs'
import { Meter, delay, peakBytes } from './meter.mjs'

export async function run(client, { url, inFlight, bytes, kind, seconds, warmUp }) {
  await client.load()
  const connection = await client.connect(url)
  const expectation = new Expectation(bytes, kind)
  // Measuring every call would itself take time.
  const stride = Math.ceil(inFlight / 16)
  const latencies = []
  let next = 0
  let done = 0
  let isRunning = true
  let firstMeasured = () => {}

  async function caller() {
    while (isRunning) {
      const n = next++
      const began = n % stride === 0 ? performance.now() : 0
      expectation.check(await connection.call({ n, bytes, kind, query: 'some words to search for' }), n)
      if (began !== 0 && latencies.push(performance.now() - began) === 1) firstMeasured()
      done++
    }
  }

  async function checkOne() {
    const n = next++
    expectation.checkInDepth(await connection.call({ n, bytes, kind, query: 'in depth' }), n)
  }

  await checkOne()
  const callers = Promise.all(Array.from({ length: inFlight }, caller))
  await Promise.race([callers, delay(warmUp * 1000)])
  done = 0
  latencies.length = 0
  // A large result blocks the event loop for some ms.
  const meter = new Meter({ interval: bytes < 1_000_000 ? 5 : 1 })
  // A short run on a busy machine may be over before a call has ended.
  const first = new Promise((resolve) => (firstMeasured = resolve))
  await Promise.race([callers, Promise.all([first, delay(seconds * 1000)])])
  const { seconds: elapsed, jsCpu, processCpu, loopDelay } = meter.stop()
  const count = done
  const sorted = Float64Array.from(latencies).sort()
  isRunning = false
  await callers
  await checkOne()
  await connection.close()
  return {
    callsPerSecond: count / elapsed,
    p50: sorted[Math.floor(sorted.length * 0.5)] * 1000,
    p99: sorted[Math.floor(sorted.length * 0.99)] * 1000,
    jsCpu: jsCpu / count,
    processCpu: processCpu / count,
    loopDelay,
    peakMemory: peakBytes() / 1e6,
  }
}
