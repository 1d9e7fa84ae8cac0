/**
 * What a span of time costs: the CPU of the JavaScript thread and of the process, and the longest that the event loop
 * was held up.
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
   * @param interval ms of the timer that watches the loop, or `null` for none. It costs CPU, which an idle process
   * should not have; but of a loop whose turns are about as long as the interval it sees too little.
   */
  constructor({ interval = 5 } = {}) {
    this.#interval = interval
    if (interval === null) return
    this.#last = performance.now()
    this.#probe = setInterval(() => this.#tick(), interval)
  }

  /** Microseconds of CPU, seconds, and ms of loop delay; all since the start. */
  stop() {
    clearInterval(this.#probe)
    // A stall that is not over yet counts too.
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

/** Bytes that are resident after a garbage collection. */
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

/** Bytes at the highest. */
export function peakBytes() {
  return process.resourceUsage().maxRSS * 1024
}

/**
 * Nanoseconds on the CPU; the main thread has the number of the process. `NaN`, which becomes `null` in JSON, where the
 * system does not tell.
 */
function jsThreadTime() {
  if (process.platform !== 'linux') return NaN
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0])
}
