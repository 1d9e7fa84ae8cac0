/** The workloads, in the page. */
import { CLIENTS } from './clients.mjs'

export const WORKLOADS = { calls, ready }

/** Several callers, each of which makes its next call as soon as it has the answer to the last. */
async function calls({ client, url, inFlight, bytes, seconds, warmUp, watches = false, expected }) {
  const connection = await CLIENTS[client](url, () => {})
  const ask = (n) => connection.call({ n, bytes, kind: 'plain', query: 'some words to search for' })
  const latencies = []
  let next = 0
  let done = 0
  let isRunning = true
  const caller = async () => {
    while (isRunning) {
      const n = next++
      const began = performance.now()
      check(await ask(n), n, expected)
      latencies.push(performance.now() - began)
      done++
    }
  }
  await checkInDepth(await ask(next), next++, expected)
  const callers = Promise.all(Array.from({ length: inFlight }, caller))
  await Promise.race([callers, delay(warmUp * 1000)])
  done = 0
  latencies.length = 0
  const watch = watches ? watchTasks() : null
  const began = performance.now()
  await Promise.race([callers, delay(seconds * 1000)])
  const elapsed = performance.now() - began
  const [count, sorted] = [done, Float64Array.from(latencies).sort()]
  const longestTask = watch?.stop() ?? null
  isRunning = false
  await callers
  await checkInDepth(await ask(next), next++, expected)
  await connection.close()
  return {
    callsPerSecond: (count / elapsed) * 1000,
    p50: sorted[Math.floor(sorted.length / 2)] * 1000,
    longestTask,
    made: next,
  }
}

/** From the first import to 'ready', in a page that has loaded nothing of the client. */
async function ready({ client, url }) {
  const began = performance.now()
  let loadTime = 0
  const connection = await CLIENTS[client](url, () => (loadTime = performance.now() - began))
  const readyTime = performance.now() - began
  await connection.close()
  return { loadTime, readyTime }
}

/** A message to itself follows each task: the longest time between two is that of the longest task. */
function watchTasks() {
  const { port1, port2 } = new MessageChannel()
  let last = performance.now()
  let longest = 0
  port1.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    port2.postMessage(null)
  }
  port2.postMessage(null)
  return {
    stop() {
      port1.close()
      return longest
    },
  }
}

function check(results, n, { count, lastLength }) {
  const items = results?.items
  if (results?.n !== n || items?.length !== count || items[count - 1].snippet.length !== lastLength)
    throw new Error(`call ${n} got ${JSON.stringify(results)?.slice(0, 200)}`)
}

async function checkInDepth(results, n, expected) {
  check(results, n, expected)
  const bytes = new TextEncoder().encode(JSON.stringify(results.items))
  const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
  if (hash.some((byte, at) => byte !== expected.hash[at]))
    throw new Error(`call ${n} got other items than it requested`)
}

function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
