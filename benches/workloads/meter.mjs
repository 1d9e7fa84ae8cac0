/**
 * Measures a period of time: the CPU time of the JavaScript thread and of the process, and the longest delay of the
 * event loop.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collectGarbage

export class Meter {
  #start = performance.now()
  #js = jsThreadTime()
  #process = process.cpuUsage()
  #interval
  #probe
  #last
  #longest = 0

  /**
   * @param interval of the timer that watches the event loop, in ms, or `null` for none. The timer costs CPU, which
   * distorts the figures of an idle process; but it misses delays that are shorter than the interval.
   */
  constructor({ interval = 5 } = {}) {
    this.#interval = interval
    if (interval === null) return
    this.#last = performance.now()
    this.#probe = setInterval(() => this.#tick(), interval)
  }

  /** CPU in µs, elapsed seconds, and the loop delay in ms, since the start. */
  stop() {
    clearInterval(this.#probe)
    // A stall that has not ended counts too.
    if (this.#probe !== undefined) this.#tick()
    const { user, system } = process.cpuUsage(this.#process)
    return {
      seconds: (performance.now() - this.#start) / 1000,
      jsCpu: (jsThreadTime() - this.#js) / 1000,
      processCpu: user + system,
      loopDelay: this.#probe === undefined ? null : this.#longest,
    }
  }

  #tick() {
    const now = performance.now()
    this.#longest = Math.max(this.#longest, now - this.#last - this.#interval)
    this.#last = now
  }
}

export function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Resident memory in bytes after a garbage collection. */
export async function residentBytes() {
  collectGarbage ??= findCollector()
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await delay(20)
  }
  return process.memoryUsage.rss()
}

function findCollector() {
  if (globalThis.Bun !== undefined) return () => globalThis.Bun.gc(true)
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

/** The highest resident memory so far, in bytes. */
export function peakBytes() {
  return process.resourceUsage().maxRSS * 1024
}

/**
 * CPU time of the main thread in ns; its id is that of the process. `NaN`, which becomes `null` in JSON, where the
 * system does not report it.
 */
function jsThreadTime() {
  if (process.platform !== 'linux') return NaN
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0])
}
