/** The server of the benchmark, in a process of its own. */
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** Starts the server; it ends with `stop()`, or when this process ends. */
export async function startServer(program) {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const failed = new Promise((_, reject) => child.once('error', reject))
  const { value, done } = await Promise.race([lines.next(), failed])
  if (done) throw new Error(`${program} ended before it printed its port`)
  const { port, tlsPort, controlPort, certificate } = JSON.parse(value)
  return {
    controlPort,
    certificate,
    url({ tls = false, compressed = false }) {
      const url = tls ? `wss://127.0.0.1:${tlsPort}/mcp-ws` : `ws://127.0.0.1:${port}/mcp-ws`
      return compressed ? `${url}?compress=1` : url
    },
    cpuTime: () => cpuTime(child.pid),
    stop() {
      child.stdin.end()
      return new Promise((resolve) => child.once('exit', resolve))
    },
  }
}

/** Calls/s by workload, with a client that does as little as possible. */
export function selfTest(program) {
  return JSON.parse(execFileSync(program, ['--self-test'], { encoding: 'utf8' }))
}

/** CPU seconds of all threads, including those that have ended; `NaN` where the system does not report them. */
function cpuTime(pid) {
  if (process.platform !== 'linux') return NaN
  // The name, in brackets, may contain spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Clock ticks per second on Linux, on every architecture that Node.js runs on. */
const TICKS = 100
